# SPDX-License-Identifier: Apache-2.0
"""hearth snapshot while a server serves, and the server that is started on it: the same answers,
the same objects, the same credentials and sign-in."""

import pathlib
import stat
import subprocess
import tarfile
import threading

import pytest

import remote_write
from connect import client_for
from hearth_process import HearthProcess, run_hearth


def write(client, name, samples):
    answer = client.post('/api/v1/write', remote_write.body(remote_write.series(name, samples)),
                         headers=remote_write.HEADERS)
    assert answer.status_code // 100 == 2, answer.text


def values(client, name):
    answer = client.get('/api/v1/query', {'query': f'{name}[1h]'})
    return answer.json()['data']['result']


def objects(client):
    """What Terraform would read; where a server listens is its own."""
    grafana = client.but(service='grafana').get('/workspaces').json()['workspaces']
    return {'amp': client.get('/workspaces').json(),
            'amg': [{k: v for k, v in w.items() if k != 'endpoint'} for w in grafana],
            'namespaces': [client.get(f'/workspaces/{w["workspaceId"]}/rulegroupsnamespaces').json()
                           for w in client.get('/workspaces').json()['workspaces']]}


def check_modes(directory):
    for path in [directory, *directory.rglob('*')]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))


def test_a_restored_snapshot_is_the_same_server(tmp_path):
    target = tmp_path / 'copy'
    with HearthProcess() as process:
        client = client_for(process)
        answer = client.post('/workspaces', b'{"alias":"second","tags":{"team":"a"}}',
                             headers={'Content-Type': 'application/json'})
        assert answer.status_code // 100 == 2, answer.text
        second = answer.json()['workspaceId']
        now = remote_write.now_ms() // 1000 * 1000
        write(client, 'before', [(now - 1000, 1.5), (now, 2.5)])
        write(client.at(second), 'other', [(now, 3.5)])
        # Writes go on meanwhile; each that was acknowledged before the snapshot is in it.
        stop = threading.Event()

        def writer():
            own, k = client.but(), 0
            while not stop.is_set():
                write(own, 'during', [(now + k, float(k))])
                k += 1
        thread = threading.Thread(target=writer)
        thread.start()
        try:
            result = run_hearth('snapshot', target, '--data', process.data)
        finally:
            stop.set()
            thread.join()
        assert result.returncode == 0, result.stderr
        assert 'checksums verified' in result.stdout
        expected = {'before': values(client, 'before'), 'objects': objects(client)}
        expected_other = values(client.at(second), 'other')
        assert not list((process.data / 'snapshots').glob('.sending/*'))
        repeated = run_hearth('snapshot', target, '--data', process.data)
        assert repeated.returncode == 1 and 'exists already' in repeated.stderr
    check_modes(target)
    assert not list(tmp_path.glob('*.partial'))
    with HearthProcess(data=target) as restored:
        client = client_for(restored)
        assert values(client, 'before') == expected['before']
        assert values(client.at(second), 'other') == expected_other
        assert objects(client) == expected['objects']
        link = run_hearth('login', '--data', target)
        assert link.returncode == 0 and '/login' in link.stdout, link.stderr
        page = client.but(auth='none').session.get(link.stdout.strip(), timeout=30)
        assert page.status_code == 200


def test_it_asks_for_an_action_of_its_own():
    with HearthProcess() as process:
        client = client_for(process).but(service='hearth')
        assert client.but(auth='none').post('/snapshot').status_code in (401, 403, 404)
        assert client.get('/snapshot').status_code == 404
        answer = client.post('/snapshot')
        assert answer.status_code == 200
        archive = pathlib.Path(process.data.parent) / 'a.tar'
        archive.write_bytes(answer.content)
        with tarfile.open(archive) as tar:
            tar.extractall(archive.parent / 'unpacked', filter='data')
        check = subprocess.run(['sha256sum', '-c', '--quiet', 'SHA256SUMS'], check=False,
                               cwd=archive.parent / 'unpacked', capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr


def test_nothing_is_left_of_a_snapshot_that_fails(tmp_path):
    result = run_hearth('snapshot', tmp_path / 'copy', '--data', tmp_path / 'none')
    assert result.returncode == 1 and 'no data directory of hearth' in result.stderr
    result = run_hearth('snapshot', tmp_path / 'copy')
    assert result.returncode == 1 and 'say where' in result.stderr
    with HearthProcess(arguments=('--auth', 'off')) as process:
        result = run_hearth('snapshot', tmp_path / 'copy', '--data', process.data)
        assert result.returncode == 1 and '--auth off' in result.stderr
        assert not list((process.data / 'snapshots').glob('.sending/*'))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('where', ['server', 'directory'])
def test_it_works_on_a_directory_without_a_server_too(tmp_path, where):
    with HearthProcess() as process:
        client = client_for(process)
        now = remote_write.now_ms()
        write(client, 'kept', [(now, 1)])
        arguments = ['--data', process.data]
        if where == 'server':
            environment = process.aws_environment()
            arguments = ['--server', process.http]
        else:
            environment = {}
            process.stop()
        result = run_hearth('snapshot', tmp_path / 'copy', *arguments, env=environment)
        assert result.returncode == 0, result.stderr
    with HearthProcess(data=tmp_path / 'copy') as restored:
        assert values(client_for(restored), 'kept')
