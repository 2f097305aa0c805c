# SPDX-License-Identifier: Apache-2.0
"""How the program starts, says what it is, and stops (product.md, «The program»)."""

import os
import re
import signal
import stat

import pytest
import requests

from connect import client_for, default_workspace, wait_for
from hearth_process import HearthProcess, StartFailed, run_hearth
from remote_write import now_ms, series

COMMANDS = ['serve', 'check', 'query', 'login']
# Names that product.md keeps for what comes later: refused with a text, never silently.
LATER = ['agent', 'test', 'whoami', 'cluster', 'import', 'export', 'snapshot', 'cost', 'webhook',
         'replay']
SERVE_FLAGS = ['--data', '--listen', '--listen-tls', '--tls-cert', '--tls-key', '--domain',
               '--region', '--account', '--fidelity', '--external-url', '--external-tls-url',
               '--catalog', '--auth', '--wal-fsync', '--config', '--memory-limit', '--disk-limit',
               '--log-level', '--log-format']


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# ---- files of the first start -------------------------------------------------------------------

def test_data_directory_has_mode_0700(shared_hearth):
    assert mode(shared_hearth.data) == 0o700


@pytest.mark.parametrize('name', ['aws/credentials', 'aws/config', 'tls/server.key'])
def test_secret_file_has_mode_0600(shared_hearth, name):
    assert mode(shared_hearth.data / name) == 0o600


def test_nothing_in_the_data_directory_is_open_to_others(shared_hearth):
    open_to_others = [str(p) for p in shared_hearth.data.rglob('*')
                      if not p.is_symlink() and mode(p) & 0o007
                      and p.parent.name != 'tls']
    # The directory above is 0700, so these are a second line; a certificate may be read by all.
    assert not [p for p in open_to_others if re.search(r'credential|key|catalog|\.db', p)]


def test_profile_has_region_endpoint_and_keys(shared_hearth):
    profile = shared_hearth.profile()
    assert profile['region'] == 'us-east-1'
    assert profile['endpoint_url'].rstrip('/') == shared_hearth.http
    assert re.fullmatch(r'AKIA[A-Z0-9]{16}', profile['aws_access_key_id'])
    assert len(profile['aws_secret_access_key']) == 40


@pytest.mark.parametrize('name', ['ca.pem', 'server.pem', 'server.key'])
def test_certificates_are_made(shared_hearth, name):
    assert (shared_hearth.data / 'tls' / name).read_text().startswith('-----BEGIN ')


# ---- what it prints -----------------------------------------------------------------------------

def test_ready_line_names_both_listeners(shared_hearth):
    assert re.fullmatch(r'hearth is ready: http://127\.0\.0\.1:\d+ https://127\.0\.0\.1:\d+',
                        shared_hearth.ready_line)


def test_sign_in_line_comes_before_the_ready_line(shared_hearth):
    lines = shared_hearth.stdout_lines
    assert shared_hearth.sign_in
    assert (lines.index(f'sign in: {shared_hearth.sign_in}')
            < lines.index(shared_hearth.ready_line))


def test_standard_output_holds_only_the_contract(shared_hearth):
    """Scripts read it; everything else is a log and goes to standard error."""
    assert [x for x in shared_hearth.stdout_lines
            if not x.startswith(('sign in: ', 'hearth is ready: '))] == []


def test_ready_and_healthy_need_no_credentials(shared_hearth):
    for path in ('/-/ready', '/-/healthy'):
        assert requests.get(shared_hearth.http + path, timeout=30).status_code == 200


# ---- commands and flags -------------------------------------------------------------------------

def test_help_lists_the_commands():
    answer = run_hearth('--help')
    assert answer.returncode == 0
    missing = [c for c in COMMANDS if not re.search(rf'^\s+{c}\b', answer.stdout, re.M)]
    assert not missing, answer.stdout


@pytest.mark.parametrize('command', COMMANDS)
def test_command_has_help(command):
    answer = run_hearth(command, '--help')
    assert answer.returncode == 0, answer.stderr
    assert command in answer.stdout


@pytest.mark.parametrize('command', LATER)
def test_command_that_does_not_exist_yet_says_so(command):
    answer = run_hearth(command)
    if run_hearth(command, '--help').returncode == 0:
        return  # it has come
    assert answer.returncode == 2
    assert command in answer.stderr


def test_serve_help_lists_every_flag():
    answer = run_hearth('serve', '--help')
    assert [f for f in SERVE_FLAGS if f not in answer.stdout] == []


def test_version():
    answer = run_hearth('--version')
    assert answer.returncode == 0
    assert re.search(r'\d+\.\d+\.\d+', answer.stdout)


def test_environment_is_taken_and_a_flag_wins(start_hearth):
    process = start_hearth(env={'HEARTH_REGION': 'eu-west-3', 'HEARTH_ACCOUNT': '123456789012'},
                           arguments=['--account', '210987654321'])
    assert process.profile()['region'] == 'eu-west-3'
    answer = client_for(process).get('/workspaces', {'alias': 'default'})
    arn = answer.json()['workspaces'][0]['arn']
    assert arn.startswith('arn:aws:aps:eu-west-3:210987654321:workspace/ws-')


# ---- one process, one data directory ------------------------------------------------------------

def test_second_process_on_the_same_data_is_refused_with_the_pid(start_hearth):
    first = start_hearth()
    second = HearthProcess(data=first.data, will_be_refused=True)
    with pytest.raises(StartFailed) as failure:
        second.start()
    assert failure.value.code not in (0, None)
    assert str(first.pid) in failure.value.stderr
    assert str(first.data) in failure.value.stderr
    assert first.alive()
    assert requests.get(first.http + '/-/ready', timeout=30).status_code == 200


def test_second_start_keeps_keys_and_workspace(start_hearth):
    process = start_hearth()
    before, workspace = process.profile(), default_workspace(client_for(process))
    ca = (process.data / 'tls' / 'ca.pem').read_text()
    process.stop()
    again = start_hearth(data=process.data)
    after = again.profile()
    # The port was the kernel's choice, so the endpoint follows it; the keys stay.
    assert after['aws_access_key_id'] == before['aws_access_key_id']
    assert after['aws_secret_access_key'] == before['aws_secret_access_key']
    assert after['endpoint_url'].rstrip('/') == again.http
    assert default_workspace(client_for(again)) == workspace
    assert (process.data / 'tls' / 'ca.pem').read_text() == ca


def test_credentials_file_is_written_again_when_it_was_removed(start_hearth):
    """They live in the catalog; the files are copies."""
    process = start_hearth()
    before = process.profile()
    process.stop()
    (process.data / 'aws' / 'credentials').unlink()
    again = start_hearth(data=process.data)
    assert again.profile()['aws_secret_access_key'] == before['aws_secret_access_key']


# ---- signals ------------------------------------------------------------------------------------

@pytest.mark.parametrize('fsync', ['always', 'interval', 'os'])
def test_sigterm_ends_within_10_s_and_loses_nothing(start_hearth, fsync):
    process = start_hearth(arguments=['--wal-fsync', fsync])
    client, now = client_for(process), now_ms()
    for i in range(20):
        answer = client.write(series({'__name__': 'kept', 'i': str(i)},
                                     [(now - 60_000 + 1000 * k, i * 100 + k) for k in range(50)]))
        assert answer.status_code < 300, answer.text
    seconds = process.stop()
    print(f'SIGTERM to exit: {seconds:.3f} s')
    assert process.exit_code == 0
    assert seconds < 10  # the contract's number, not a performance bar
    again = start_hearth(data=process.data)
    found = client_for(again).query('kept[2m]', (now + 1000) / 1000)['result']
    values = {x['metric']['i']: [float(v) for _, v in x['values']] for x in found}
    assert values == {str(i): [i * 100.0 + k for k in range(50)] for i in range(20)}


def test_sigint_ends_it_as_well(start_hearth):
    process = start_hearth()
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(30) in (0, 130)


def test_sighup_reloads_and_stays(start_hearth, tmp_path):
    config = tmp_path / 'hearth.yaml'
    config.write_text('global: {scrape_interval: 1h}\n')
    process = start_hearth(arguments=['--config', config])
    client = client_for(process)
    config.write_text('global: {scrape_interval: 1h}\nscrape_configs:\n- job_name: after\n'
                      '  static_configs: [{targets: ["127.0.0.1:1"]}]\n')
    process.process.send_signal(signal.SIGHUP)
    # The effect is observed where a user would: the target appears.
    wait_for(lambda: [t for t in client.data('/api/v1/targets')['activeTargets']
                      if t['labels'].get('job') == 'after'])
    assert process.alive()


def test_sighup_with_a_broken_file_keeps_the_old_configuration(start_hearth, tmp_path):
    config = tmp_path / 'hearth.yaml'
    good = ('scrape_configs:\n- job_name: before\n  scrape_interval: 1h\n'
            '  static_configs: [{targets: ["127.0.0.1:1"]}]\n')
    config.write_text(good)
    process = start_hearth(arguments=['--config', config])
    client = client_for(process)
    config.write_text('scrape_configs: [{job_name: 1, nonsense: 2}]\n')
    process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: 'nonsense' in process.log())
    jobs = {t['labels']['job'] for t in client.data('/api/v1/targets')['activeTargets']}
    assert 'before' in jobs


def test_sighup_takes_new_certificates(start_hearth):
    """`tls/` is a copy of what the catalog holds; with --tls-cert the file is the user's."""
    donor = start_hearth()
    files = {n: (donor.data / 'tls' / n).read_text() for n in ('server.pem', 'server.key')}
    ca = donor.data / 'ca-copy.pem'
    ca.write_text((donor.data / 'tls' / 'ca.pem').read_text())
    donor.stop()
    own = start_hearth()
    own_files = {n: (own.data / 'tls' / n).read_text() for n in ('server.pem', 'server.key')}
    own.stop()
    cert, key = own.parent / 'cert.pem', own.parent / 'key.pem'
    cert.write_text(own_files['server.pem'])
    key.write_text(own_files['server.key'])
    process = start_hearth(data=own.data, arguments=['--tls-cert', cert, '--tls-key', key])
    assert requests.get(process.https + '/-/ready', timeout=30,
                        verify=str(process.data / 'tls' / 'ca.pem')).status_code == 200
    cert.write_text(files['server.pem'])
    key.write_text(files['server.key'])
    process.process.send_signal(signal.SIGHUP)

    def donor_is_served():
        try:
            return requests.get(process.https + '/-/ready', timeout=30,
                                verify=str(ca)).status_code == 200
        except requests.exceptions.SSLError:
            return False

    wait_for(donor_is_served)


# ---- sign-in links ------------------------------------------------------------------------------

def sign_in(url):
    """Follows a link as a browser does; the session that it made and the last answer."""
    session = requests.Session()
    session.trust_env = False
    answer = session.get(url, timeout=30)
    return session, answer


def test_sign_in_link_works_once(start_hearth):
    process = start_hearth()
    session, answer = sign_in(process.sign_in)
    assert answer.status_code == 200
    assert len(session.cookies) >= 1
    other, answer = sign_in(process.sign_in)
    assert answer.status_code in (400, 401, 403, 404, 410)
    assert len(other.cookies) == 0


def test_login_prints_one_line_that_works(start_hearth):
    process = start_hearth()
    answer = run_hearth('login', '--data', process.data)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) == 1
    url = re.fullmatch(r'(?:sign in: )?(https?://\S+)', lines[0]).group(1)
    assert url == lines[0], 'the link is alone on its line'
    session, answer = sign_in(url)
    assert answer.status_code == 200
    assert len(session.cookies) >= 1


def test_login_without_a_server_says_so(start_hearth):
    process = start_hearth()
    process.stop()
    answer = run_hearth('login', '--data', process.data)
    assert answer.returncode != 0
    assert str(process.data) in answer.stderr


def test_session_cookie_is_httponly(start_hearth):
    process = start_hearth()
    session = requests.Session()
    answer = session.get(process.sign_in, timeout=30, allow_redirects=False)
    cookie = answer.headers['Set-Cookie']
    assert 'HttpOnly' in cookie
    assert re.search(r'SameSite=(Lax|Strict)', cookie)


# ---- --auth off ---------------------------------------------------------------------------------

def test_auth_off_serves_everybody_and_says_so(start_hearth):
    process = start_hearth(arguments=['--auth', 'off'])
    answer = requests.get(process.http + '/api/v1/query', {'query': '1'}, timeout=30)
    assert answer.status_code == 200
    assert re.search(r'auth', process.log(), re.I)
