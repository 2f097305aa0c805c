# SPDX-License-Identifier: Apache-2.0
"""hearth import prometheus and hearth export against the real Prometheus and promtool: nothing is
lost, nothing is doubled, no bit changes on the way in and out."""

import json
import re
import shutil
import signal
import subprocess

import pytest

import prometheus_blocks
import remote_write
from connect import client_for
from hearth_process import BINARY, HearthProcess, clean_environment, run_hearth
from prometheus_blocks import WINDOW_MS, current, dump, promtool
from prometheus_process import Prometheus

METRICS = ('blocks_total', 'blocks_awkward', 'blocks_noise', 'blocks_native', 'blocks_native_float',
           'blocks_native_custom', 'blocks_native_gauge')


@pytest.fixture(scope='module')
def begin_ms():
    return prometheus_blocks.old_begin_ms()


@pytest.fixture(scope='module')
def blocks(begin_ms, tmp_path_factory):
    return prometheus_blocks.write_blocks(tmp_path_factory.mktemp('blocks') / 'data', begin_ms)


@pytest.fixture(scope='module')
def imported(blocks):
    """A server that has them."""
    with HearthProcess() as process:
        result = run_hearth('import', 'prometheus', blocks, '--data', process.data, timeout=300)
        assert result.returncode == 0, result.stderr
        process.summary = result.stdout
        yield process


def samples_of(summary):
    return int(re.search(r'blocks: (\d+) samples', summary).group(1))


def raw(client, metric, begin_ms, hours=5):
    """Every sample of a metric, by a range selector: labels, times, values, histograms."""
    end = begin_ms / 1000 + hours * 3600
    answer = client.get('/api/v1/query', {'query': f'{metric}[{hours}h]', 'time': end})
    assert answer.status_code == 200, answer.text
    result = answer.json()['data']['result']
    return sorted(json.dumps(series, sort_keys=True) for series in result)


def own_dump(directory):
    """Without the metrics that hearth has of itself."""
    return [line for line in dump(directory) if re.match(r'\{__name__="(blocks_|om")', line)]


def test_what_was_imported_answers_as_prometheus_does(imported, blocks, begin_ms, tmp_path):
    client = client_for(imported)
    shutil.copytree(blocks, tmp_path / 'data')
    with Prometheus(current('prometheus'), arguments=()) as peer:
        peer.stop()
        shutil.rmtree(peer.directory / 'data')
        shutil.copytree(blocks, peer.directory / 'data')
        peer.start()
        other = peer.client()
        for metric in METRICS:
            expected = raw(other, metric, begin_ms)
            assert expected, metric
            assert raw(client, metric, begin_ms) == expected, metric
        for query in ('rate(blocks_total[5m])', 'histogram_count(rate(blocks_native[10m]))',
                      'histogram_quantile(0.9, rate(blocks_native_custom[10m]))',
                      'histogram_quantile(0.9, rate(blocks_native_float[10m]))',
                      'sum by (job) (rate(blocks_native[10m]))',
                      'avg_over_time(blocks_native_gauge[10m])',
                      'count_over_time(blocks_awkward[1h])', 'resets(blocks_native_custom[4h])'):
            parameters = {'query': query, 'start': begin_ms / 1000,
                          'end': begin_ms / 1000 + 4 * 3600, 'step': 60}
            answers = [c.get('/api/v1/query_range', parameters).json()['data']
                       for c in (client, other)]
            assert answers[0] == answers[1], query


def test_a_second_import_stores_nothing(imported, blocks):
    count = samples_of(imported.summary)
    assert count == sum(json.loads(path.read_text())['stats']['numSamples']
                        for path in blocks.glob('*/meta.json'))
    again = run_hearth('import', 'prometheus', blocks, '--data', imported.data, timeout=300)
    assert again.returncode == 0, again.stderr
    assert f'{count} samples, {count} of them imported before' in again.stdout


def test_export_gives_the_same_blocks_back(imported, blocks, begin_ms, tmp_path):
    arguments = ('export', tmp_path / 'out', '--data', imported.data, '--match',
                 '{__name__=~"blocks_.*"}')
    result = run_hearth(*arguments, timeout=300)
    assert result.returncode == 0, result.stderr
    assert dump(tmp_path / 'out') == dump(blocks)
    metas = [json.loads(path.read_text()) for path in (tmp_path / 'out').glob('*/meta.json')]
    assert len(metas) >= 2
    for meta in metas:
        assert meta['minTime'] % WINDOW_MS == 0
        assert meta['maxTime'] == meta['minTime'] + WINDOW_MS
    assert len(promtool('tsdb', 'list', tmp_path / 'out').splitlines()) == len(metas) + 1
    assert 'Total Series: ' in promtool('tsdb', 'analyze', tmp_path / 'out')
    again = run_hearth(*arguments, timeout=300)
    assert f'exported 0 blocks ({len(metas)} were there)' in again.stdout


def test_prometheus_serves_what_was_exported(imported, begin_ms, tmp_path):
    result = run_hearth('export', tmp_path / 'out', '--data', imported.data, timeout=300,
                        *['--to', str(begin_ms / 1000 + 5 * 3600)])
    assert result.returncode == 0, result.stderr
    client = client_for(imported)
    with Prometheus(current('prometheus')) as peer:
        peer.stop()
        shutil.rmtree(peer.directory / 'data')
        shutil.copytree(tmp_path / 'out', peer.directory / 'data')
        peer.start()
        for metric in METRICS:
            assert raw(peer.client(), metric, begin_ms) == raw(client, metric, begin_ms), metric


def test_promtools_own_blocks_come_through_without_a_server(begin_ms, tmp_path):
    """Offline: into a data directory that no server has seen yet, and out of it again."""
    source = prometheus_blocks.openmetrics_blocks(tmp_path / 'om', begin_ms, 50, tmp_path)
    data = tmp_path / 'data'
    result = run_hearth('import', 'prometheus', source, '--data', data, timeout=300)
    assert result.returncode == 0, result.stderr
    assert samples_of(result.stdout) == 50 * 60 * 3
    result = run_hearth('export', tmp_path / 'out', '--data', data, '--match', '{n=~".+"}',
                        timeout=300)
    assert result.returncode == 0, result.stderr
    assert own_dump(tmp_path / 'out') == dump(source)


def test_newer_chunk_encodings_are_read(begin_ms, tmp_path):
    """XOR2 and the encodings with start times, as 3.14 writes them when it is asked to."""
    newer = prometheus_blocks.write_blocks(tmp_path / 'newer', begin_ms, steps=500, newer=True)
    data = tmp_path / 'data'
    result = run_hearth('import', 'prometheus', newer, '--data', data, timeout=300)
    assert result.returncode == 0, result.stderr
    for more in ((), ('--start-times',)):
        out = tmp_path / f'out{len(more)}'
        result = run_hearth('export', out, '--data', data, '--match', '{__name__=~"blocks_.*"}',
                            *more, timeout=300)
        assert result.returncode == 0, result.stderr
        assert dump(out) == dump(newer)


def test_an_import_that_is_killed_goes_on(blocks, tmp_path):
    """Killed after each line that it prints, and run to its end: nothing is there twice."""
    with HearthProcess() as process:
        for kill_after in range(1, 6):
            command = [str(BINARY), 'import', 'prometheus', str(blocks), '--data',
                       str(process.data)]
            run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   text=True, env=clean_environment())
            for _ in range(kill_after):
                run.stderr.readline()
            run.send_signal(signal.SIGKILL)
            run.wait(60)
            run.stderr.close()
        result = run_hearth('import', 'prometheus', blocks, '--data', process.data, timeout=300)
        assert result.returncode == 0, result.stderr
        out = run_hearth('export', tmp_path / 'out', '--data', process.data, '--match',
                         '{__name__=~"blocks_.*"}', timeout=300)
        assert out.returncode == 0, out.stderr
        assert dump(tmp_path / 'out') == dump(blocks)


def test_a_dry_run_reads_everything_and_stores_nothing(blocks, imported):
    result = run_hearth('import', 'prometheus', blocks, '--dry-run', timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith('read (nothing is stored)')
    assert samples_of(result.stdout) == samples_of(imported.summary)


def test_damage_is_named(blocks, tmp_path):
    shutil.copytree(blocks, tmp_path / 'data')
    segment = sorted((tmp_path / 'data').glob('*/chunks/000001'))[0]
    damaged = bytearray(segment.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    segment.write_bytes(damaged)
    result = run_hearth('import', 'prometheus', tmp_path / 'data', '--dry-run', timeout=300)
    assert result.returncode == 1
    assert f'{segment} at offset ' in result.stderr
    (tmp_path / 'empty').mkdir()
    result = run_hearth('import', 'prometheus', tmp_path / 'empty', '--dry-run')
    assert result.returncode == 1 and 'is no data directory of Prometheus' in result.stderr
    meta = segment.parent.parent / 'meta.json'
    meta.write_text(meta.read_text().replace('"version": 1', '"version": 9'))
    result = run_hearth('import', 'prometheus', tmp_path / 'data', '--dry-run')
    assert result.returncode == 1 and 'block version 9 is not known' in result.stderr


def test_an_export_says_what_the_server_says(imported, tmp_path):
    for match, words in (('{', 'answered 400'), ('{job=~"("}', 'answered 400')):
        result = run_hearth('export', tmp_path / 'out', '--data', imported.data, '--match', match)
        assert result.returncode == 1 and words in result.stderr, result.stderr
    assert not list((tmp_path / 'out').iterdir())
    result = run_hearth('export', tmp_path / 'out', '--data', imported.data, '--from', 'yesterday')
    assert result.returncode == 1 and 'write RFC 3339' in result.stderr


def test_import_and_export_ask_for_actions_of_their_own(imported):
    client = client_for(imported)
    nobody = client.but(auth='none')
    for path in ('/api/v1/admin/tsdb/import?key=x', '/api/v1/admin/tsdb/export'):
        assert nobody.get(path).status_code in (401, 403), path
        assert client.get(path).status_code == 200, path
    answer = client.post('/api/v1/admin/tsdb/import?key=x&min_ms=0&max_ms=1', b'\x05abc')
    assert answer.status_code == 400 and 'cut' in answer.text


def test_a_series_that_was_imported_goes_on(imported):
    client = client_for(imported)
    answer = client.post('/api/v1/write', remote_write.body(remote_write.series(
        {'__name__': 'blocks_total', 'job': 'a'}, [(remote_write.now_ms(), 7)])),
        headers=remote_write.HEADERS)
    assert answer.status_code == 204, answer.text
    answer = client.get('/api/v1/query', {'query': 'blocks_total'})
    assert answer.json()['data']['result'][0]['value'][1] == '7'


def test_an_export_of_hours_that_are_not_over_is_imported(imported, tmp_path):
    """Its block reaches to the end of its two hours, and a server takes nothing of the future."""
    now = remote_write.now_ms()
    answer = client_for(imported).post('/api/v1/write', remote_write.body(remote_write.series(
        {'__name__': 'blocks_now'}, [(now - 1000, 1), (now, 2)])), headers=remote_write.HEADERS)
    assert answer.status_code == 204, answer.text
    result = run_hearth('export', tmp_path / 'out', '--data', imported.data, '--match',
                        'blocks_now', timeout=300)
    assert result.returncode == 0, result.stderr
    result = run_hearth('import', 'prometheus', tmp_path / 'out', '--data', tmp_path / 'data',
                        timeout=300)
    assert result.returncode == 0, result.stderr
    assert samples_of(result.stdout) == 2
