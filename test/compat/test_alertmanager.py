# SPDX-License-Identifier: Apache-2.0
"""Firing alerts reach the real Alertmanager (Debian's), resolve there, and survive its absence."""

import pathlib
import signal
import socket
import subprocess

import pytest
import requests

from connect import client_for, wait_for
from hearth_process import clean_environment
from prometheus_process import PEERS, require
from remote_write import now_ms, series

RULES = '''
groups:
- name: g
  interval: 1s
  rules:
  - alert: TooMuch
    expr: given > 10
    labels: {severity: page, replica: r1}
    annotations: {summary: "{{ $labels.job }}: {{ $value }}"}
'''
CONFIG = '''
global: {{external_labels: {{cluster: one}}}}
rule_files: ["{rules}"]
alerting:
  alert_relabel_configs: [{{regex: replica, action: labeldrop}}]
  alertmanagers:
  - path_prefix: /am
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - static_configs: [{{targets: ["127.0.0.1:1"]}}]
    relabel_configs: [{{source_labels: [__address__], regex: ".*:1", action: drop}}]
'''


# Debian's build reads its default template from here, wherever the program lies.
TEMPLATE = pathlib.Path('/usr/share/prometheus/alertmanager/default.tmpl')


def with_templates(command):
    """`command`, with the unpacked package's /usr/share in place of the machine's if needed."""
    if TEMPLATE.exists():
        return command
    share = PEERS / 'root' / 'usr' / 'share'
    mount = ['unshare', '-rm', 'sh', '-c', 'mount --bind "$0" /usr/share && exec "$@"', share]
    if subprocess.run([*mount, 'true'], capture_output=True, check=False).returncode != 0:
        pytest.skip(f'{TEMPLATE} is not there, and nothing may be mounted in its place')
    return [*mount, *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Alertmanager:
    """The real one, on a port that stays its own over a restart."""

    def __init__(self, directory):
        self.program = require('prometheus-alertmanager')
        self.port = free_port()
        self.directory = directory
        self.url = f'http://127.0.0.1:{self.port}/am'
        (directory / 'am.yml').write_text('route: {receiver: none}\nreceivers: [{name: none}]\n')

    def start(self):
        self.process = subprocess.Popen(with_templates([
            self.program, f'--config.file={self.directory / "am.yml"}',
            f'--storage.path={self.directory / "am"}', '--cluster.listen-address=',
            f'--web.listen-address=127.0.0.1:{self.port}', f'--web.external-url={self.url}']),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
        wait_for(self.ready)

    def ready(self):
        try:
            return requests.get(f'{self.url}/-/ready', timeout=5).ok
        except requests.ConnectionError:
            assert self.process.poll() is None, 'the Alertmanager has ended'
            return False

    def alerts(self):
        answer = requests.get(f'{self.url}/api/v2/alerts', timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


@pytest.fixture
def alertmanager(tmp_path):
    made = Alertmanager(tmp_path)
    made.start()
    yield made
    if made.process.poll() is None:
        made.stop()


def test_alerts_fire_resolve_and_are_sent_again(start_hearth, alertmanager, tmp_path):
    (tmp_path / 'rules.yaml').write_text(RULES)
    (tmp_path / 'hearth.yaml').write_text(
        CONFIG.format(rules=tmp_path / 'rules.yaml', port=alertmanager.port))
    process = start_hearth(arguments=['--config', tmp_path / 'hearth.yaml'])
    client = client_for(process)

    def give(value):
        sample = series({'__name__': 'given', 'job': 'a'}, [(now_ms(), value)])
        assert client.write(sample).ok

    assert client.data('/api/v1/alertmanagers') == {
        'activeAlertmanagers': [{'url': f'{alertmanager.url}/api/v2/alerts'}],
        'droppedAlertmanagers': [{'url': 'http://127.0.0.1:1/api/v2/alerts'}]}
    give(12)
    alerts = wait_for(alertmanager.alerts)
    assert [a['labels'] for a in alerts] == [
        {'alertname': 'TooMuch', 'cluster': 'one', 'job': 'a', 'severity': 'page'}]
    assert alerts[0]['annotations'] == {'summary': 'a: 12'}
    assert alerts[0]['status']['state'] == 'active'
    assert '/graph?g0.expr=given+%3E+10' in alerts[0]['generatorURL']

    give(1)
    wait_for(lambda: alertmanager.alerts() == [])  # resolved

    # While it is away, alerts wait; they arrive when it is back.
    alertmanager.stop()
    give(13)
    wait_for(lambda: 'prometheus_notifications_errors_total' in client.get('/metrics').text and
             any(line.startswith('prometheus_notifications_errors_total') and
                 not line.endswith(' 0') for line in client.get('/metrics').text.splitlines()))
    alertmanager.start()
    alerts = wait_for(alertmanager.alerts, 60)
    assert alerts[0]['annotations'] == {'summary': 'a: 13'}
    sent = [line for line in client.get('/metrics').text.splitlines()
            if line.startswith('prometheus_notifications_sent_total')]
    assert sent and float(sent[0].rsplit(' ', 1)[1]) >= 3
