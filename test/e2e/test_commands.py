# SPDX-License-Identifier: Apache-2.0
"""The small commands: `hearth query` against a server, `hearth check` on files."""

import http.server
import json
import threading

import pytest

import replay
from hearth_process import ROOT, run_hearth
from remote_write import now_ms, series


@pytest.fixture(scope='module')
def environment(shared_hearth):
    return shared_hearth.aws_environment()


def query(shared_hearth, environment, *arguments):
    return run_hearth('query', *arguments[:1], '--server', shared_hearth.http, *arguments[1:],
                      env=environment)


def test_query_instant(shared_hearth, environment, root, metric):
    root.write(series({'__name__': metric, 'a': 'b'}, [(now_ms(), 42)]))
    answer = query(shared_hearth, environment, 'instant', metric)
    assert answer.returncode == 0, answer.stderr
    assert f'{metric}{{a="b"}} => 42' in answer.stdout


def test_query_instant_of_a_workspace(shared_hearth, environment, workspace_id):
    answer = run_hearth('query', 'instant', '--server',
                        f'{shared_hearth.http}/workspaces/{workspace_id}', '1+1',
                        env=environment)
    assert answer.returncode == 0, answer.stderr
    assert '2' in answer.stdout


def test_query_range(shared_hearth, environment, root, metric):
    now = now_ms()
    root.write(series(metric, [(now - 60_000, 1), (now, 2)]))
    answer = query(shared_hearth, environment, 'range', metric)
    assert answer.returncode == 0, answer.stderr
    assert metric in answer.stdout


def test_query_that_does_not_parse(shared_hearth, environment):
    answer = query(shared_hearth, environment, 'instant', 'sum(')
    assert answer.returncode == 1
    assert 'parse error' in answer.stderr


def test_query_without_credentials(shared_hearth):
    answer = run_hearth('query', 'instant', '--server', shared_hearth.http, '1')
    assert answer.returncode == 1
    assert '401' in answer.stderr or '403' in answer.stderr or 'credential' in answer.stderr


def test_check_config_of_the_local_deployment():
    """The files that `make run` uses pass their own checks."""
    path = ROOT / 'deploy' / 'local' / 'hearth.yaml'
    answer = run_hearth('check', 'config', path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_check_config_of_a_configuration_that_uses_everything():
    path = replay.SHARED / 'config-testdata' / 'conf.good.yml'
    if not path.exists():
        pytest.skip('the recordings are not beside the project (HEARTH_SHARED)')
    answer = run_hearth('check', 'config', path)
    said = answer.stdout + answer.stderr
    for name in ('consul_sd_configs', 'ec2_sd_configs'):
        assert name in said, 'what is not supported yet is listed'


def test_check_config_of_a_broken_file(tmp_path):
    path = tmp_path / 'prometheus.yml'
    path.write_text('scrape_configs:\n- job_name: a\n  nonsense: 1\n')
    answer = run_hearth('check', 'config', path)
    assert answer.returncode == 1
    assert 'nonsense' in answer.stdout + answer.stderr
    assert str(path) in answer.stdout + answer.stderr


def test_check_rules_of_the_seven_alerts():
    answer = run_hearth('check', 'rules', ROOT / 'rules' / 'alerts.yaml')
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert '7' in answer.stdout


def test_check_rules_of_a_broken_expression(tmp_path):
    path = tmp_path / 'rules.yaml'
    path.write_text('groups: [{name: g, rules: [{alert: A, expr: "sum("}]}]\n')
    answer = run_hearth('check', 'rules', path)
    assert answer.returncode == 1
    assert 'parse error' in answer.stdout + answer.stderr


@pytest.mark.parametrize('path', sorted((ROOT / 'dashboards').glob('*.json')), ids=lambda p: p.stem)
def test_check_dashboards(path):
    answer = run_hearth('check', 'dashboards', path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_check_dashboards_of_a_file_that_is_none(tmp_path):
    path = tmp_path / 'dashboard.json'
    path.write_text(json.dumps(['no', 'dashboard']))
    answer = run_hearth('check', 'dashboards', path)
    assert answer.returncode == 1
    assert str(path) in answer.stdout + answer.stderr


def test_check_of_a_file_that_is_not_there():
    answer = run_hearth('check', 'config', '/nonexistent/prometheus.yml')
    assert answer.returncode == 1
    assert '/nonexistent/prometheus.yml' in answer.stdout + answer.stderr


class AnyServer:
    """Answers every request with one body, whatever it is."""

    def __init__(self, body, status=200):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get('Content-Length', 0)))
                self.send_response(status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.url

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize('status, answer', [
    (200, {'status': 'success', 'data': 7}),
    (200, {'status': 'success', 'data': {'resultType': 'vector'}}),
    (200, {'status': 'success', 'data': {'resultType': 7, 'result': {'a': 1}}, 'warnings': [7]}),
    (200, {'status': 'success', 'data': {'resultType': 'vector', 'result': [
        7, {'value': 3}, {'metric': {'__name__': 1}, 'value': []}, {'values': [1, [2]]}]}}),
    (400, {'error': 7}),
    (400, {'message': [1]}),
    (500, ['x']),
])
def test_an_answer_that_is_none_ends_no_command(status, answer):
    keys = {'AWS_ACCESS_KEY_ID': 'AKIDEXAMPLE', 'AWS_SECRET_ACCESS_KEY': 'x'}
    with AnyServer(json.dumps(answer).encode(), status) as url:
        for command in (['query', 'instant', '--server', url, 'up'],
                        ['query', 'range', '--server', url, 'up'],
                        ['cluster', 'list', '--server', url],
                        ['whoami', '--server', url],
                        ['export', '/nonexistent/x', '--server', url]):
            result = run_hearth(*command, env=keys)
            assert result.returncode in (0, 1), f'{command}: {result.stderr}'


def test_query_prints_native_histograms_as_promtool_does():
    buckets = [[0, '1', '2', '2'], [3, '-0.5', '0.5', '1']]
    histogram = {'count': '3', 'sum': '5.5', 'buckets': buckets}
    answer = {'status': 'success', 'data': {'resultType': 'vector', 'result': [
        {'metric': {'__name__': 'h', 'a': 'b'}, 'histogram': [1700000000, histogram]}]}}
    with AnyServer(json.dumps(answer).encode()) as url:
        result = run_hearth('query', 'instant', '--server', url, 'h')
    assert result.stdout == ('h{a="b"} => Count: 3.000000, Sum: 5.500000, '
                             'Buckets: [(1,2]:2 [-0.5,0.5]:1] @[1700000000]\n'), result.stderr


def test_query_signs_with_the_data_directory_that_is_named(shared_hearth):
    wrong = {'AWS_ACCESS_KEY_ID': 'AKIDEXAMPLE', 'AWS_SECRET_ACCESS_KEY': 'wrong'}
    answer = run_hearth('query', 'instant', '--server', shared_hearth.http, '--data',
                        shared_hearth.data, '1', env=wrong)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize('command, says', [
    ([], 'hearth: A subcommand is required: serve, login, check'),
    (['check'], 'hearth check: A subcommand is required: config, rules, dashboards'),
    (['export'], 'hearth export: DIR is required'),
])
def test_a_command_that_is_not_whole_says_what_there_is(command, says):
    answer = run_hearth(*command)
    assert answer.returncode == 2
    assert says in answer.stderr
    assert f'Run `{" ".join(["hearth", *command])} --help`' in answer.stderr
