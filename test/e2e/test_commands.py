# SPDX-License-Identifier: Apache-2.0
"""The small commands: `hearth query` against a server, `hearth check` on files."""

import json

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
