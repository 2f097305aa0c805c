# SPDX-License-Identifier: Apache-2.0
"""hearth and its peers as one kind of thing: started on given cores, written to, asked, stopped,
killed; their CPU time, memory and files read from outside.

Each has its own directory, made on first start and kept until remove().
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = pathlib.Path(os.environ.get('HEARTH_PEERS') or ROOT / 'build' / 'peers')
BINARY = pathlib.Path(os.environ.get('HEARTH_BIN') or ROOT / 'build' / 'release' / 'hearth')
START_LIMIT_S = 120
STOP_LIMIT_S = 120
TICKS = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def find_victoria_metrics():
    for path in (os.environ.get('VICTORIA_METRICS'), PEERS / 'current' / 'victoria-metrics',
                 PEERS / 'bin' / 'victoria-metrics', shutil.which('victoria-metrics')):
        if path and pathlib.Path(path).exists():
            return pathlib.Path(path)
    return None


def find_prometheus():
    for path in (os.environ.get('PROMETHEUS'), PEERS / 'current' / 'prometheus',
                 PEERS / 'bin' / 'prometheus', shutil.which('prometheus')):
        if path and pathlib.Path(path).exists():
            return pathlib.Path(path)
    return None


class Server:
    """One server process. `cores` is a set of CPUs; None leaves it unpinned."""
    name = ''
    write_path = '/api/v1/write'
    query_extra = {}
    protocol_2 = True  # it takes remote write 2.0

    def __init__(self, parent, cores=frozenset({0})):
        self.cores = cores
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f'{self.name}-', dir=parent))
        self.process = None
        self.port = None
        self.connection = None
        self.last_cpu_s = 0.0  # of a process that has ended

    # ---- what the kinds differ in ------------------------------------------------------------

    def command(self):
        raise NotImplementedError

    ready_path = '/-/ready'

    # ---- life --------------------------------------------------------------------------------

    def start(self):
        """Seconds until it is ready."""
        self.port = free_port()
        env = {k: v for k, v in os.environ.items()
               if not k.startswith('HEARTH_') and not k.lower().endswith('_proxy')}
        prefix = []
        if self.cores is not None:
            env['GOMAXPROCS'] = str(len(self.cores))
            prefix = ['taskset', '-c', ','.join(map(str, sorted(self.cores)))]
        self.log_path = self.directory / 'log.txt'
        began = time.monotonic()
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen([*prefix, *map(str, self.command())], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, env=env,
                                            cwd=self.directory, start_new_session=True)
        while True:
            if self.process.poll() is not None:
                raise SystemExit(f'{self.name} ended with {self.process.returncode}:\n'
                                 f'{self.log_path.read_text(errors="replace")[-3000:]}')
            try:
                if self.get(self.ready_path)[0] == 200:
                    return time.monotonic() - began
            except OSError:
                pass
            if time.monotonic() - began > START_LIMIT_S:
                self.kill9()
                raise SystemExit(f'{self.name} is not ready after {START_LIMIT_S} s')
            time.sleep(0.005)

    def _reap(self):
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.last_cpu_s = usage.ru_utime + usage.ru_stime
        self._disconnect()
        self.process = None

    def stop(self):
        """SIGTERM; seconds until it had ended. `last_cpu_s` is then all that it used."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self._reap()
        return time.monotonic() - began

    def kill9(self):
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            self._reap()

    def remove(self):
        self.kill9()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.remove()

    # ---- what is seen of it ------------------------------------------------------------------

    def cpu_s(self):
        """User and system time: exact of the threads that live, and not less than the kernel's
        count in ticks, which has those that ended as well."""
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return max(self.cpu_ns() / 1e9, (int(fields[11]) + int(fields[12])) / TICKS)

    def cpu_ns(self):
        """Of the threads that live, exact."""
        total = 0
        for task in pathlib.Path(f'/proc/{self.process.pid}/task').iterdir():
            try:
                total += int((task / 'schedstat').read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def rss_anon_bytes(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            for line in file:
                if line.startswith('RssAnon:'):
                    return int(line.split()[1]) << 10
        raise KeyError('RssAnon')

    def _disconnect(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None):
        """(status, body) over a connection that is kept."""
        for again in (True, False):
            if self.connection is None:
                self.connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=600)
            try:
                self.connection.request(method, path, body, headers or {})
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                self._disconnect()
                if not again:
                    raise
        raise AssertionError('unreachable')

    def get(self, path):
        return self.request('GET', path)

    def query(self, path, parameters):
        return self.request('POST', path,
                            urllib.parse.urlencode({**parameters, **self.query_extra}),
                            {'Content-Type': 'application/x-www-form-urlencoded'})

    def metric(self, name, **labels):
        """The sum of a metric of its own over the series with these labels; None without any."""
        total = None
        for line in self.get('/metrics')[1].decode().splitlines():
            match = re.match(rf'{name}(\{{[^}}]*\}})? (\S+)$', line)
            if match and all(f'{k}="{v}"' in (match.group(1) or '') for k, v in labels.items()):
                total = (total or 0) + float(match.group(2))
        return total


class Hearth(Server):
    name = 'hearth'
    query_extra = {'nocache': '1'}

    def __init__(self, parent, cores=frozenset({0}), fsync='always', arguments=()):
        super().__init__(parent, cores)
        self.program = BINARY
        self.fsync = fsync
        self.arguments = list(arguments)

    @staticmethod
    def describe(fsync):
        return {'always': 'fsynced before the acknowledgement',
                'os': 'written before the acknowledgement: survives kill -9, not a power cut',
                }[fsync]

    def command(self):
        return [self.program, 'serve', '--data', self.directory / 'data', '--auth', 'off',
                '--listen', f'127.0.0.1:{self.port}', '--listen-tls', '127.0.0.1:0',
                '--wal-fsync', self.fsync, '--log-level', 'warn', *self.arguments]

    def store(self):
        """The directory of the one workspace."""
        found = [p for p in self.directory.glob('data/**/ws-*') if p.is_dir()]
        if len(found) != 1:
            raise SystemExit(f'hearth: one store expected, found {found}')
        return found[0]

    def disk_bytes(self):
        """{index, data, log}, after a clean stop, which seals everything. A block is one file: what
        of it is index, the store says itself once started again; where it does not, all is data."""
        log = data = index = 0
        for path in self.store().rglob('*'):
            if not path.is_file():
                continue
            part = path.relative_to(self.store()).as_posix()
            if 'wal' in part:
                log += path.stat().st_size
            elif 'index' in part:
                index += path.stat().st_size
            else:
                data += path.stat().st_size
        self.start()
        said = self.metric('hearth_tsdb_block_index_bytes')
        self.stop()
        if said is not None and index == 0:
            index, data = int(said), data - int(said)
        return {'index': index, 'data': data, 'log': log}


class Prometheus(Server):
    name = 'prometheus'
    durability = 'written before the acknowledgement, fsynced when a segment is full'
    config = ('global: {scrape_interval: 1h}\n'
              'storage: {tsdb: {out_of_order_time_window: 1h%s}}\n')

    def __init__(self, parent, cores=frozenset({0}), xor2=True):
        super().__init__(parent, cores)
        self.program = find_prometheus()
        self.current = 'current' in str(self.program)
        self.protocol_2 = self.current  # Debian's takes it for 1.0 and stores nothing
        self.xor2 = xor2 and self.current
        (self.directory / 'p.yml').write_text(
            self.config % (', chunk_encoding: {floats: xor2}' if self.xor2 else ''))

    def command(self):
        return [self.program, f'--config.file={self.directory / "p.yml"}',
                f'--storage.tsdb.path={self.directory / "data"}',
                f'--web.listen-address=127.0.0.1:{self.port}', '--web.enable-remote-write-receiver',
                '--web.enable-admin-api', '--query.max-samples=500000000', '--query.timeout=5m',
                '--storage.tsdb.retention.time=10y', '--log.level=warn',
                *(['--enable-feature=xor2-encoding'] if self.xor2 else [])]

    def disk_bytes(self):
        """{index, data}: of blocks, the head having been written as one by a snapshot."""
        status, text = self.request('POST', '/api/v1/admin/tsdb/snapshot')
        if status != 200:
            raise SystemExit(f'prometheus: snapshot: {status} {text[:500]}')
        folder = self.directory / 'data' / 'snapshots' / json.loads(text)['data']['name']
        sizes = {'index': 0, 'data': 0}
        for path in folder.rglob('*'):
            if path.is_file():
                sizes['index' if path.name == 'index' else 'data'] += path.stat().st_size
        return sizes


class VictoriaMetrics(Server):
    name = 'victoria-metrics'
    durability = 'in memory at the acknowledgement: a kill loses the last seconds'
    ready_path = '/health'
    protocol_2 = False
    query_extra = {'nocache': '1'}

    def __init__(self, parent, cores=frozenset({0})):
        super().__init__(parent, cores)
        self.program = find_victoria_metrics()

    def command(self):
        return [self.program, f'-storageDataPath={self.directory / "data"}',
                f'-httpListenAddr=127.0.0.1:{self.port}', '-retentionPeriod=12',
                '-search.latencyOffset=0s', '-search.maxUniqueTimeseries=10000000',
                '-search.maxQueryDuration=5m', '-loggerLevel=WARN']

    def flush(self):
        self.get('/internal/force_flush')

    def disk_bytes(self):
        """{index, data}, merged as far as it goes."""
        self.flush()
        self.get('/internal/force_merge')
        before = None
        for _ in range(60):
            time.sleep(0.5)
            merging = self.metric('vm_active_merges') or 0
            sizes = {'index': 0, 'data': 0}
            for line in self.get('/metrics')[1].decode().splitlines():
                match = re.match(r'vm_data_size_bytes\{type="([^"]*)"\} (\S+)', line)
                if match:
                    index = match.group(1).startswith('indexdb')
                    sizes['index' if index else 'data'] += int(float(match.group(2)))
            if merging == 0 and sizes == before:
                break
            before = sizes
        return sizes


def present(*servers):
    """Without those whose program is not there."""
    for server in servers:
        if server.program is None:
            server.remove()
    return [s for s in servers if s.program is not None]


def version_of(program):
    """What a program says of itself; of those built from source with Go, what Go put into them."""
    if program is None:
        return 'not there'
    flag = '-version' if 'victoria' in str(program) else '--version'
    done = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    if found := re.search(r'v?\d+\.\d+\.\d+\S*', (done.stdout + done.stderr).split('\n')[0]):
        return found.group()
    if shutil.which('go'):
        done = subprocess.run(['go', 'version', '-m', program], capture_output=True, text=True,
                              check=False)
        if found := re.search(r'github\.com/(?:prometheus/prometheus|VictoriaMetrics/'
                              r'VictoriaMetrics)\s+(v\S+)', done.stdout):
            return f'module {found.group(1)}'
    return 'unknown'
