# SPDX-License-Identifier: Apache-2.0
"""Which samples are taken: order, duplicates, age, staleness, and requests that are partly bad
(product.md «Who may do what» and `--fidelity`; the texts are aws-contract §11.2)."""

import datetime
import struct

import pytest

from connect import client_for, default_workspace
from remote_write import STALE_NAN, now_ms, series, series_with_order

HOUR = 3_600_000


def values(client, metric, window='2h'):
    """[(ms, value as sent), …] of the one series of that name."""
    result = client.query(f'{metric}[{window}]', (now_ms() + 700_000) / 1000)['result']
    assert len(result) <= 1, result
    return [(round(t * 1000), v) for t, v in result[0]['values']] if result else []


def stamp(time_ms):
    return datetime.datetime.fromtimestamp(time_ms // 1000, datetime.timezone.utc).strftime(
        '%Y-%m-%dT%H:%M:%S')


def test_exact_duplicate_is_taken_silently_and_stored_once(workspace, metric):
    now = now_ms()
    for _ in range(3):
        assert workspace.write(series(metric, [(now, 1.5)])).status_code == 200
    assert values(workspace, metric) == [(now, '1.5')]


def test_duplicate_within_one_request(workspace, metric):
    now = now_ms()
    assert workspace.write(series(metric, [(now, 1), (now, 1)])).status_code == 200
    assert values(workspace, metric) == [(now, '1')]


def test_other_value_at_the_same_time_is_refused(workspace, metric):
    now = now_ms()
    workspace.write(series(metric, [(now, 1)]))
    answer = workspace.write(series(metric, [(now, 2)]))
    assert answer.status_code == 400
    assert 'duplicate sample for timestamp' in answer.text
    assert stamp(now) in answer.text and metric in answer.text
    assert values(workspace, metric) == [(now, '1')]


def test_out_of_order_within_the_window_is_taken(workspace, metric):
    now = now_ms()
    for offset in (0, -HOUR // 2, -60_000, -HOUR + 60_000, -1):
        answer = workspace.write(series(metric, [(now + offset, offset)]))
        assert answer.status_code == 200, answer.text
    assert [t - now for t, _ in values(workspace, metric)] == [
        -HOUR + 60_000, -HOUR // 2, -60_000, -1, 0]


def test_out_of_order_beyond_the_window_is_refused(workspace, metric):
    now = now_ms()
    workspace.write(series(metric, [(now, 1)]))
    answer = workspace.write(series(metric, [(now - HOUR - 60_000, 2)]))
    assert answer.status_code == 400
    assert 'out of order sample' in answer.text or 'too old' in answer.text, answer.text
    assert metric in answer.text
    assert values(workspace, metric) == [(now, '1')]


def test_out_of_order_duplicate_is_stored_once(workspace, metric):
    now = now_ms()
    workspace.write(series(metric, [(now - 2000, 1), (now, 3)]))
    for _ in range(2):
        assert workspace.write(series(metric, [(now - 1000, 2)])).status_code == 200
    assert workspace.write(series(metric, [(now - 1000, 9)])).status_code == 400
    assert [v for _, v in values(workspace, metric)] == ['1', '2', '3']


def test_shuffled_samples_of_one_request_come_back_in_order(workspace, metric):
    now = now_ms()
    order = [5, 1, 9, 3, 0, 7, 2, 8, 4, 6]
    assert workspace.write(series(metric, [(now - 10_000 + i * 1000, i) for i in order])
                           ).status_code == 200
    assert [int(v) for _, v in values(workspace, metric)] == list(range(10))


def test_first_sample_may_be_old(workspace, metric):
    old = now_ms() - 100 * 24 * HOUR
    assert workspace.write(series(metric, [(old, 1)])).status_code == 200
    assert workspace.vector(metric, old / 1000)[0][1] == '1'


def test_sample_before_retention_is_refused(workspace, metric):
    old = now_ms() - 151 * 24 * HOUR
    answer = workspace.write(series(metric, [(old, 1)]))
    assert answer.status_code == 400
    assert f'timestamp too old: {old} metric: "{metric}"' in answer.text


def test_future_within_ten_minutes_is_taken(workspace, metric):
    soon = now_ms() + 9 * 60_000
    assert workspace.write(series(metric, [(soon, 1)])).status_code == 200
    assert workspace.vector(metric, soon / 1000)[0][1] == '1'


def test_future_beyond_ten_minutes_is_refused(workspace, metric):
    late = now_ms() + 11 * 60_000
    answer = workspace.write(series(metric, [(late, 1)]))
    assert answer.status_code == 400
    assert f'timestamp too new: {late} metric: "{metric}"' in answer.text


def test_staleness_marker_ends_a_series(workspace, metric):
    now = now_ms()
    workspace.write(series(metric, [(now - 30_000, 1), (now - 15_000, STALE_NAN)]))
    assert workspace.vector(metric, (now - 16_000) / 1000)[0][1] == '1'
    assert workspace.vector(metric, (now - 15_000) / 1000) == []
    assert [v for _, v in values(workspace, metric)] == ['1']


def test_ordinary_nan_is_a_value(workspace, metric):
    now = now_ms()
    payload = struct.pack('<Q', 0x7ff8000000000001)
    workspace.write(series(metric, [(now, payload)]))
    assert workspace.vector(metric, now / 1000)[0][1] == 'NaN'


@pytest.mark.parametrize('bits', [0x0000000000000001, 0x7fefffffffffffff, 0x8000000000000000,
                                  0x3ff0000000000001])
def test_value_is_kept_bit_for_bit(workspace, metric, bits):
    now = now_ms()
    workspace.write(series(metric, [(now, struct.pack('<Q', bits))]))
    answer = workspace.vector(metric, now / 1000)[0][1]
    assert struct.pack('<d', float(answer)) == struct.pack('<Q', bits)


def test_good_samples_of_a_partly_bad_request_are_stored(workspace, metric):
    now = now_ms()
    answer = workspace.write(
        series({'__name__': metric, 'n': 'good'}, [(now, 1)]),
        series({'__name__': metric, 'n': 'new'}, [(now + HOUR, 2)]),
        series({'n': 'nameless'}, [(now, 3)]),
        series({'__name__': metric, 'n': 'good too'}, [(now, 4)]))
    assert answer.status_code == 400
    assert f'timestamp too new: {now + HOUR}' in answer.text, 'the first error is told'
    assert 'metric name' not in answer.text
    assert sorted((x['n'], v) for x, v in workspace.vector(metric, now / 1000)) == [
        ('good', '1'), ('good too', '4')]


def test_good_samples_of_a_partly_bad_series_are_stored(workspace, metric):
    now = now_ms()
    answer = workspace.write(series(metric, [(now - 2000, 1), (now - 1000, 2), (now + HOUR, 3)]))
    assert answer.status_code == 400
    assert [v for _, v in values(workspace, metric)] == ['1', '2']


def test_empty_label_value_is_no_label(workspace, metric):
    now = now_ms()
    assert workspace.write(series_with_order([('__name__', metric), ('a', ''), ('b', '1')],
                                             [(now, 1)])).status_code == 200
    assert workspace.vector(metric, now / 1000) == [({'__name__': metric, 'b': '1'}, '1')]


def test_label_order_does_not_matter_for_what_a_series_is(workspace, metric):
    """Senders must sort; a face may refuse what is not, but never make a second series of it."""
    now = now_ms()
    workspace.write(series({'__name__': metric, 'a': '1', 'b': '2'}, [(now - 1000, 1)]))
    answer = workspace.write(series_with_order([('b', '2'), ('a', '1'), ('__name__', metric)],
                                               [(now, 2)]))
    if answer.status_code == 400:
        assert 'labels not sorted' in answer.text
    assert len(workspace.data('/api/v1/series', {'match[]': metric})) == 1


@pytest.mark.parametrize('offset_ms,status', [(-50 * 60_000, 200), (-70 * 60_000, 400)])
def test_fidelity_aws_refuses_samples_older_than_an_hour(aws_hearth, metric, offset_ms, status):
    now = now_ms()
    answer = aws_hearth.write(series(metric, [(now + offset_ms, 1)]))
    assert answer.status_code == status, answer.text
    if status == 400:
        assert f'timestamp too old: {now + offset_ms}' in answer.text
        assert metric in answer.text


@pytest.mark.parametrize('offset_ms,status', [(-30_000, 200), (-120_000, 400)])
def test_fidelity_aws_has_a_window_of_a_minute(aws_hearth, metric, offset_ms, status):
    now = now_ms()
    aws_hearth.write(series(metric, [(now, 1)]))
    assert aws_hearth.write(series(metric, [(now + offset_ms, 2)])).status_code == status


def test_fidelity_aws_takes_bodies_of_one_megabyte(aws_hearth):
    assert aws_hearth.write_body(b'\x00' * 1_100_000).status_code in (400, 413)


@pytest.fixture(scope='module')
def aws_hearth(module_hearth):
    client = client_for(module_hearth(arguments=['--fidelity', 'aws']))
    return client.at(default_workspace(client))
