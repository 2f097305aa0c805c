# SPDX-License-Identifier: Apache-2.0
"""The default Grafana workspace as a browser uses it: session, dashboards, data-source proxy."""

import re

import pytest
import requests

from connect import client_for
from hearth_process import ROOT, run_hearth
from remote_write import now_ms, series

DASHBOARDS = sorted((ROOT / 'dashboards').glob('*.json'))


@pytest.fixture(scope='module')
def server(module_hearth, tmp_path_factory):
    folder = tmp_path_factory.mktemp('provision')
    config = folder / 'hearth.yaml'
    config.write_text('hearth:\n  dashboards: [' + ', '.join(map(str, DASHBOARDS)) + ']\n')
    return module_hearth(arguments=['--config', config])


@pytest.fixture(scope='module')
def browser(server):
    """A session after the sign-in link, and the address of the workspace."""
    session = requests.Session()
    session.trust_env = False
    link = run_hearth('login', '--data', server.data).stdout.strip()
    answer = session.get(link, timeout=30)
    assert answer.status_code == 200
    return session


@pytest.fixture(scope='module')
def grafana(server, browser):
    """https://…/g-xxxxxxxxxx of the default workspace, found by its stable alias."""
    answer = browser.get(server.http + '/grafana/default/api/health', timeout=30)
    assert answer.status_code == 200, answer.text
    page = browser.get(server.http + '/grafana/default/', timeout=30)
    match = re.search(r'/g-[0-9a-z]{10}', page.url + page.text)
    return server.http + (match.group() if match else '/grafana/default')


def test_pages_are_html_with_a_strict_policy(browser, grafana):
    answer = browser.get(grafana + '/', headers={'Accept': 'text/html'}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers['Content-Type'].startswith('text/html')
    policy = answer.headers['Content-Security-Policy']
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "'unsafe-eval'" not in policy
    assert answer.headers['X-Content-Type-Options'] == 'nosniff'


def test_missing_asset_is_404(browser, server):
    for path in ('/public/no-such.js', '/public/assets/x.css'):
        assert browser.get(server.http + path, timeout=30).status_code == 404


def test_assets_may_be_kept_for_ever(browser, grafana, server):
    page = browser.get(grafana + '/', headers={'Accept': 'text/html'}, timeout=30).text
    scripts = re.findall(r'(?:src|href)="(/public/[^"]+\.(?:js|css))"', page)
    assert scripts, page[:500]
    for script in scripts:
        for encoding in ('br', 'gzip', 'identity'):
            answer = browser.get(server.http + script, timeout=30, stream=True,
                                 headers={'Accept-Encoding': encoding})
            assert answer.status_code == 200
            assert 'immutable' in answer.headers['Cache-Control']
            assert answer.headers.get('Content-Encoding', 'identity') == encoding
            answer.close()


def test_signed_in_user(browser, grafana):
    answer = browser.get(grafana + '/api/user', timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json()['login']


@pytest.mark.skipif(not DASHBOARDS, reason='no dashboards are in the project')
def test_three_dashboards_are_found(browser, grafana):
    found = browser.get(grafana + '/api/search?type=dash-db', timeout=30).json()
    assert len(found) == len(DASHBOARDS) == 3
    for one in found:
        answer = browser.get(f'{grafana}/api/dashboards/uid/{one["uid"]}', timeout=30)
        assert answer.status_code == 200
        assert answer.json()['dashboard']['title'] == one['title']
    titles = {x['title'] for x in found}
    word = sorted(titles)[0].split()[0]
    some = browser.get(f'{grafana}/api/search?query={word}', timeout=30).json()
    assert {x['title'] for x in some} == {t for t in titles if word.lower() in t.lower()}


def test_data_source_amp(browser, grafana):
    answer = browser.get(grafana + '/api/datasources/uid/AMP', timeout=30)
    assert answer.status_code == 200, answer.text
    source = answer.json()
    assert source['uid'] == 'AMP'
    assert source['type'] == 'prometheus'
    assert source['isDefault'] is True
    assert 'secretKey' not in answer.text


def test_proxy_runs_queries_as_the_workspaces_role(browser, grafana, server):
    client = client_for(server)
    now = now_ms()
    client.write(series('through_the_proxy', [(now, 5)]))
    proxy = grafana + '/api/datasources/proxy/uid/AMP/api/v1'
    answer = browser.post(proxy + '/query', {'query': 'through_the_proxy', 'time': now / 1000},
                          timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json()['data']['result'][0]['value'][1] == '5'
    values = browser.get(proxy + '/label/__name__/values', timeout=30).json()['data']
    assert 'through_the_proxy' in values


def test_proxy_may_not_write(browser, grafana):
    answer = browser.post(grafana + '/api/datasources/proxy/uid/AMP/api/v1/write', b'x',
                          timeout=30)
    assert answer.status_code in (400, 403, 404, 405, 501)
    answer = browser.post(grafana + '/api/datasources/proxy/uid/AMP/api/v1/remote_write', b'x',
                          timeout=30)
    assert answer.status_code in (400, 403, 404, 405, 501)


def test_unknown_dashboard_is_404_in_grafanas_form(browser, grafana):
    answer = browser.get(grafana + '/api/dashboards/uid/no-such', timeout=30)
    assert answer.status_code == 404
    assert answer.json()['message'] == 'Dashboard not found'


def test_cookie_of_a_stranger_is_refused(grafana):
    for value in ('x', 'a' * 64, ''):
        cookies = {'grafana_session': value, 'hearth_session': value}
        answer = requests.get(grafana + '/api/search', cookies=cookies, timeout=30)
        assert answer.status_code == 401


def test_cross_site_requests_do_not_change_anything(browser, grafana):
    """A session cookie alone is not enough from another origin."""
    answer = browser.post(grafana + '/api/dashboards/db', json={'dashboard': {'title': 'x'}},
                          headers={'Origin': 'https://evil.example'}, timeout=30)
    assert answer.status_code in (400, 401, 403, 404, 405, 501)


def test_sign_out_ends_the_session(server):
    session = requests.Session()
    session.trust_env = False
    session.get(run_hearth('login', '--data', server.data).stdout.strip(), timeout=30)
    base = server.http + '/grafana/default'
    assert session.get(base + '/api/user', timeout=30).status_code == 200
    cookies = dict(session.cookies)
    session.get(server.http + '/logout', timeout=30, allow_redirects=False)
    answer = requests.get(base + '/api/user', cookies=cookies, timeout=30)
    assert answer.status_code == 401
