# SPDX-License-Identifier: Apache-2.0
"""What hearth.yaml provisions follows the file on SIGHUP."""

import re
import signal

import pytest
import requests

from connect import wait_for
from hearth_process import ROOT

DASHBOARDS = sorted((ROOT / 'dashboards').glob('*.json'))


def test_dashboards_follow_the_configuration(start_hearth, tmp_path):
    """A dashboard that is gone from the file goes from the list, on SIGHUP."""
    if not DASHBOARDS:
        pytest.skip('no dashboards are in the project')
    config = tmp_path / 'hearth.yaml'
    config.write_text(f'hearth: {{dashboards: [{DASHBOARDS[0]}]}}\n')
    process = start_hearth(arguments=['--config', config])
    session = requests.Session()
    session.trust_env = False
    session.get(process.sign_in, timeout=30)
    search = process.http + '/grafana/default/api/search?type=dash-db'
    assert len(session.get(search, timeout=30).json()) == 1
    config.write_text('hearth: {dashboards: [' + ', '.join(map(str, DASHBOARDS)) + ']}\n')
    process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(session.get(search, timeout=30).json()) == len(DASHBOARDS))


def test_dashboard_that_is_not_there_is_told_and_no_reason_to_stop(start_hearth, tmp_path):
    path = tmp_path / 'hearth.yaml'
    path.write_text('hearth: {dashboards: [no-such-dashboard.json]}\n')
    process = start_hearth(arguments=['--config', path])
    assert re.search(r'(error|warn).*no-such-dashboard\.json', process.log()), process.log()
