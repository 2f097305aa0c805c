# SPDX-License-Identifier: Apache-2.0
"""Kubernetes API servers for tests: the real kube-apiserver over etcd where both are found
(`tools/setup --peers`), and a double that answers with objects that the real one made, for what a
real one does not do on demand: forgetting, hanging up, being slow."""

import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import pytest
import requests

from hearth_process import ROOT, clean_environment

PEERS = pathlib.Path(os.environ.get('HEARTH_PEERS') or ROOT / 'build' / 'peers')
START_LIMIT_S = 120

PLURALS = {'Node': '/api/v1/nodes', 'Namespace': '/api/v1/namespaces',
           'Pod': '/api/v1/namespaces/{}/pods', 'Service': '/api/v1/namespaces/{}/services',
           'Endpoints': '/api/v1/namespaces/{}/endpoints',
           'EndpointSlice': '/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices',
           'Ingress': '/apis/networking.k8s.io/v1/namespaces/{}/ingresses',
           'ReplicaSet': '/apis/apps/v1/namespaces/{}/replicasets',
           'Job': '/apis/batch/v1/namespaces/{}/jobs'}
TOKEN = 'token-of-the-tests'


def collection_of(item):
    return PLURALS[item['kind']].format(item['metadata'].get('namespace', 'default'))


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class RealApiServer:
    """kube-apiserver and etcd in a directory of their own; no kubelet, no controllers: what is
    created stays as it was written."""

    def __init__(self):
        self.etcd = shutil.which('etcd') or PEERS / 'kubernetes' / 'etcd'
        self.program = PEERS / 'kubernetes' / 'kube-apiserver'
        if not pathlib.Path(self.etcd).exists() or not self.program.exists():
            pytest.skip(f'no kube-apiserver and etcd under {PEERS}/kubernetes; '
                        'run tools/setup --peers')
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='hearth-kube-'))
        self.processes = []
        self.session = requests.Session()

    def _run(self, name, *command):
        log = open(self.directory / f'{name}.log', 'wb')
        self.processes.append(subprocess.Popen([*map(str, command)], stdout=log, stderr=log,
                                               stdin=subprocess.DEVNULL, cwd=self.directory,
                                               env=clean_environment(), start_new_session=True))
        log.close()

    def __enter__(self):
        try:
            return self._start()
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        etcd, peer, secure = free_port(), free_port(), free_port()
        self._run('etcd', self.etcd, '--data-dir', 'etcd-data',
                  '--listen-client-urls', f'http://127.0.0.1:{etcd}',
                  '--advertise-client-urls', f'http://127.0.0.1:{etcd}',
                  '--listen-peer-urls', f'http://127.0.0.1:{peer}',
                  '--initial-advertise-peer-urls', f'http://127.0.0.1:{peer}',
                  '--initial-cluster', f'default=http://127.0.0.1:{peer}')
        key = self.directory / 'sa.key'
        subprocess.run(['openssl', 'genrsa', '-out', key, '2048'], check=True, capture_output=True)
        self.ca_file = self.directory / 'tls.crt'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30',
                        '-keyout', self.directory / 'tls.key', '-out', self.ca_file,
                        '-subj', '/CN=kube-apiserver',
                        '-addext', 'subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc'],
                       check=True, capture_output=True)
        (self.directory / 'tokens.csv').write_text(f'{TOKEN},tester,1,system:masters\n')
        self._run('apiserver', self.program, f'--etcd-servers=http://127.0.0.1:{etcd}',
                  '--bind-address=127.0.0.1', f'--secure-port={secure}',
                  f'--tls-cert-file={self.ca_file}',
                  f'--tls-private-key-file={self.directory}/tls.key',
                  '--service-account-issuer=https://kubernetes.default.svc',
                  f'--service-account-key-file={key}',
                  f'--service-account-signing-key-file={key}',
                  f'--token-auth-file={self.directory}/tokens.csv',
                  '--authorization-mode=AlwaysAllow', '--service-cluster-ip-range=10.96.0.0/16',
                  '--disable-admission-plugins=ServiceAccount,Priority')
        self.url = f'https://127.0.0.1:{secure}'
        self.session.verify = str(self.ca_file)
        self.session.trust_env = False
        self.session.headers['Authorization'] = f'Bearer {TOKEN}'
        deadline, last = time.monotonic() + START_LIMIT_S, None
        while time.monotonic() < deadline:
            assert all(process.poll() is None for process in self.processes), self.log()
            try:
                if self.session.get(self.url + '/readyz', timeout=5).text == 'ok':
                    return self
            except requests.RequestException as error:
                last = error
            time.sleep(0.2)
        raise RuntimeError(f'kube-apiserver did not become ready: {last}\n{self.log()}')

    def log(self):
        return '\n'.join(path.read_text(errors='replace')[-3000:]
                         for path in self.directory.glob('*.log'))

    def _send(self, method, path, **more):
        answer = self.session.request(method, self.url + path, timeout=30, **more)
        assert answer.status_code // 100 == 2, f'{method} {path}: {answer.text}'
        return answer.json()

    def put(self, item):
        """Creates or replaces the object, its status too."""
        collection = collection_of(item)
        name = item['metadata']['name']
        answer = self.session.get(f'{self.url}{collection}/{name}', timeout=30)
        if answer.status_code == 404:
            made = self._send('POST', collection, json=item)
        else:
            fresh = {**item, 'metadata': {**item['metadata'], 'resourceVersion':
                                          answer.json()['metadata']['resourceVersion']}}
            made = self._send('PUT', f'{collection}/{name}', json=fresh)
        if 'status' in item:
            made = self._send('PUT', f'{collection}/{name}/status',
                              json={**made, 'status': item['status']})
        return made

    def delete(self, item):
        query = '?gracePeriodSeconds=0'
        self._send('DELETE', f'{collection_of(item)}/{item["metadata"]["name"]}{query}')

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)


class ApiServerDouble:
    """Lists and watches over the objects that it is given, on plain HTTP. `gone_before`: versions
    below it answer 410. `hang_up()` ends every watch without a word. `requests` holds (path, query,
    headers)."""

    def __init__(self):
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                double._serve(self)

            def log_message(self, *_):
                pass

        self.version, self.gone_before, self.delay_s = 100, 0, 0
        self.lock = threading.Condition()
        self.items, self.events, self.requests = {}, [], []
        self.generation, self.forbidden = 0, set()
        self.pages = {}  # path → text of metrics, as a node's proxy would have it
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.url = f'http://127.0.0.1:{self.server.server_port}'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.server.shutdown()
        self.server.server_close()

    def _record(self, kind, item):
        with self.lock:
            self.version += 1
            item = json.loads(json.dumps(item))
            item['metadata']['resourceVersion'] = str(self.version)
            key = (collection_of(item), item['metadata']['name'])
            if kind == 'DELETED':
                self.items.pop(key, None)
            else:
                kind = 'MODIFIED' if key in self.items else 'ADDED'
                self.items[key] = item
            self.events.append((self.version, kind, item))
            self.lock.notify_all()

    def put(self, item):
        self._record('ADDED', item)

    def delete(self, item):
        self._record('DELETED', item)

    def hang_up(self):
        with self.lock:
            self.generation += 1
            self.lock.notify_all()

    def forget(self):
        """What happened until now is forgotten, and every watch is told so."""
        with self.lock:
            self.gone_before = self.version + 1
            self.version += 1
        self.hang_up()

    @staticmethod
    def _matches(path, collection):
        """A list over all namespaces holds those of each."""
        if path == collection:
            return True
        group, _, plural = collection.rpartition('/namespaces/')
        return bool(group) and path == f'{group}/{plural.split("/", 1)[1]}' \
            if '/' in plural else False

    def _json(self, handler, status, body):
        data = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header('Content-Type', 'application/json')
        handler.send_header('Content-Length', str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _serve(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        with self.lock:
            self.requests.append((url.path, query, dict(handler.headers)))
            forbidden = url.path in self.forbidden
        if self.delay_s:
            time.sleep(self.delay_s)
        if forbidden:
            return self._json(handler, 403, {'kind': 'Status', 'code': 403,
                                             'message': f'{url.path} is forbidden'})
        if url.path in self.pages:
            handler.send_response(200)
            handler.send_header('Content-Type', 'text/plain; version=0.0.4')
            handler.send_header('Content-Length', str(len(self.pages[url.path])))
            handler.end_headers()
            return handler.wfile.write(self.pages[url.path].encode())
        if query.get('watch'):
            return self._watch(handler, url.path, int(query['resourceVersion']))
        with self.lock:
            found = sorted((key, item) for key, item in self.items.items()
                           if self._matches(url.path, key[0]))
            version = self.version
        begin = int(query.get('continue', 0))
        end = begin + min(int(query.get('limit', 500)), 2)  # small pages: they are part of the test
        metadata = {'resourceVersion': str(version)}
        if end < len(found):
            metadata['continue'] = str(end)
        return self._json(handler, 200, {'kind': 'List', 'metadata': metadata,
                                         'items': [item for _, item in found[begin:end]]})

    def _watch(self, handler, path, version):
        if version < self.gone_before:
            return self._json(handler, 410, {'kind': 'Status', 'code': 410,
                                             'message': 'too old resource version'})
        handler.send_response(200)
        handler.send_header('Content-Type', 'application/json')
        handler.send_header('Transfer-Encoding', 'chunked')
        handler.end_headers()
        generation = self.generation
        try:
            while True:
                with self.lock:
                    self.lock.wait_for(lambda: self.generation != generation or any(
                        at > version for at, _, _ in self.events))
                    news = [event for event in self.events if event[0] > version]
                    ended = self.generation != generation
                for at, kind, item in news:
                    version = at
                    if not self._matches(path, collection_of(item)):
                        kind, item = 'BOOKMARK', {'metadata': {'resourceVersion': str(at)}}
                    line = json.dumps({'type': kind, 'object': item}).encode() + b'\n'
                    handler.wfile.write(b'%x\r\n%s\r\n' % (len(line), line))
                    handler.wfile.flush()
                if ended:
                    handler.close_connection = True
                    return None
        except OSError:
            return None


# ---- Objects ------------------------------------------------------------------------------------

def node(name, **labels):
    return {'apiVersion': 'v1', 'kind': 'Node',
            'metadata': {'name': name, 'labels': {'kubernetes.io/os': 'linux', **labels},
                         'annotations': {'example.org/rack-id': 'r1'}},
            'spec': {'providerID': f'aws:///us-east-1a/{name}'},
            'status': {'addresses': [{'type': 'Hostname', 'address': name},
                                     {'type': 'InternalIP', 'address': '10.9.0.1'},
                                     {'type': 'ExternalIP', 'address': '203.0.113.7'}],
                       'conditions': [{'type': 'Ready', 'status': 'True'},
                                      {'type': 'MemoryPressure', 'status': 'False'}],
                       'daemonEndpoints': {'kubeletEndpoint': {'Port': 10250}}}}


def pod(name, ip, namespace='shop', node_name='node-1', ports=((8080, 'web'),), owner=None,
        labels=None, annotations=None):
    metadata = {'name': name, 'namespace': namespace, 'uid': f'uid-{name}',
                'labels': {'app.kubernetes.io/name': 'shop', **(labels or {})},
                'annotations': annotations or {}}
    if owner:
        kind, owner_name = owner
        metadata['ownerReferences'] = [{
            'apiVersion': {'ReplicaSet': 'apps/v1', 'Job': 'batch/v1'}.get(kind, 'v1'),
            'kind': kind, 'name': owner_name, 'uid': f'uid-{owner_name}', 'controller': True}]
    container = {'name': 'main', 'image': 'shop:1',
                 'ports': [{'containerPort': port, **({'name': port_name} if port_name else {}),
                            'protocol': 'TCP'} for port, port_name in ports]}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': metadata,
            'spec': {'nodeName': node_name, 'containers': [
                container, {'name': 'side', 'image': 'side:2'}],
                     'initContainers': [{'name': 'init', 'image': 'init:3'}]},
            'status': {'phase': 'Running', 'podIP': ip, 'podIPs': [{'ip': ip}],
                       'hostIP': '10.9.0.1', 'hostIPs': [{'ip': '10.9.0.1'}],
                       'conditions': [{'type': 'Ready', 'status': 'True'}],
                       'containerStatuses': [
                           {'name': 'main', 'containerID': f'containerd://{name}', 'ready': True,
                            'image': 'shop:1', 'imageID': '', 'restartCount': 0}]}}


def owned(api_version, kind, name, owner_kind, owner_name, spec):
    return {'apiVersion': api_version, 'kind': kind,
            'metadata': {'name': name, 'namespace': 'shop', 'ownerReferences': [
                {'apiVersion': api_version, 'kind': owner_kind, 'name': owner_name,
                 'uid': f'uid-{owner_name}', 'controller': True}]}, 'spec': spec}


def cluster_objects():
    """A small cluster with something of everything that discovery reads."""
    template = {'metadata': {'labels': {'app': 'x'}},
                'spec': {'restartPolicy': 'Never', 'containers': [{'name': 'c', 'image': 'i'}]}}
    set_template = {'metadata': template['metadata'],
                    'spec': {'containers': template['spec']['containers']}}
    reference = {'kind': 'Pod', 'namespace': 'shop', 'name': 'web-1'}
    return [
        {'apiVersion': 'v1', 'kind': 'Namespace',
         'metadata': {'name': 'shop', 'labels': {'team': 'a'},
                      'annotations': {'cost/center': '7'}}},
        {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'other'}},
        node('node-1', zone='a'), node('node-2', zone='b'),
        owned('apps/v1', 'ReplicaSet', 'web-rs', 'Deployment', 'web',
              {'selector': {'matchLabels': {'app': 'x'}}, 'template': set_template}),
        owned('batch/v1', 'Job', 'nightly-1', 'CronJob', 'nightly', {'template': template}),
        pod('web-1', '10.1.0.1', owner=('ReplicaSet', 'web-rs'),
            ports=((8080, 'web'), (9090, None)), annotations={'prometheus.io/scrape': 'true'}),
        pod('web-2', 'fd00::2', node_name='node-2', labels={'canary': 'yes'}),
        pod('nightly-1-x', '10.1.0.3', owner=('Job', 'nightly-1'), ports=()),
        pod('elsewhere', '10.1.0.4', namespace='other'),
        {'apiVersion': 'v1', 'kind': 'Service',
         'metadata': {'name': 'web', 'namespace': 'shop', 'labels': {'tier': 'front'}},
         'spec': {'ports': [{'name': 'web', 'port': 80, 'targetPort': 8080, 'protocol': 'TCP'}]}},
        {'apiVersion': 'v1', 'kind': 'Service',
         'metadata': {'name': 'far', 'namespace': 'shop'},
         'spec': {'type': 'ExternalName', 'externalName': 'far.example.org',
                  'ports': [{'port': 443, 'protocol': 'TCP'}]}},
        {'apiVersion': 'v1', 'kind': 'Endpoints',
         'metadata': {'name': 'web', 'namespace': 'shop', 'labels': {'tier': 'front'}},
         'subsets': [{'ports': [{'name': 'web', 'port': 8080, 'protocol': 'TCP'}],
                      'addresses': [{'ip': '10.1.0.1', 'nodeName': 'node-1',
                                     'targetRef': reference},
                                    {'ip': '192.0.2.9', 'hostname': 'outside'}],
                      'notReadyAddresses': [{'ip': '192.0.2.10'}]}]},
        {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice',
         'metadata': {'name': 'web-abc', 'namespace': 'shop',
                      'labels': {'kubernetes.io/service-name': 'web'}},
         'addressType': 'IPv4',
         'ports': [{'name': 'web', 'port': 8080, 'protocol': 'TCP', 'appProtocol': 'http'}],
         'endpoints': [{'addresses': ['10.1.0.1'], 'nodeName': 'node-1', 'zone': 'us-east-1a',
                        'conditions': {'ready': True, 'serving': True, 'terminating': False},
                        'targetRef': reference},
                       {'addresses': ['192.0.2.9'], 'hostname': 'outside',
                        'conditions': {'ready': False}}]},
        {'apiVersion': 'networking.k8s.io/v1', 'kind': 'Ingress',
         'metadata': {'name': 'front', 'namespace': 'shop', 'annotations': {'a/b': 'c'}},
         'spec': {'ingressClassName': 'nginx', 'tls': [{'hosts': ['*.example.org']}],
                  'rules': [{'host': host, 'http': {'paths': [
                      {'path': path, 'pathType': 'Prefix',
                       'backend': {'service': {'name': 'web', 'port': {'number': 80}}}}
                      for path in ('/', '/shop')]}} for host in ('a.example.org', 'b.test')]}},
    ]
