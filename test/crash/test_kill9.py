# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under remote-write load, with a ledger of what was acknowledged.

Every acknowledged sample must be there once, with its value, after the next start; a sample that
was sent but not acknowledged may be there or not; nothing else may be there.
"""

import os
import random
import threading
import time

import pytest
import requests

from connect import client_for
from remote_write import now_ms, series

LONG = bool(os.environ.get('HEARTH_LONG'))
KILLS = 100 if LONG else 20
WRITERS = 2
SERIES = 20  # of one writer that go on through all requests; each request adds a short-lived one
SAMPLES = 10  # of one series in a request
STEP_MS = 10


def value_of(writer, index, time_ms):
    return float(time_ms % 1_000_003) * 64 + writer * 32 + index


class Writer(threading.Thread):
    """Sends until the server dies. `acked` and `unsure` hold numbers of requests."""

    def __init__(self, number, client, ledger):
        super().__init__(daemon=True)
        self.number, self.client, self.ledger = number, client, ledger
        self.refused = None

    def run(self):
        while True:
            request = self.ledger.next_request(self.number)
            try:
                answer = self.client.write(*self.ledger.parts(self.number, request))
            except requests.exceptions.RequestException:
                return
            if answer.status_code >= 300:
                self.refused = f'{answer.status_code} {answer.text}'
                return
            self.ledger.acknowledged(self.number, request)


class Ledger:
    def __init__(self, base_ms):
        self.base_ms = base_ms
        self.lock = threading.Condition()
        self.next = [0] * WRITERS
        self.acked = [set() for _ in range(WRITERS)]
        self.acks = 0

    def next_request(self, writer):
        with self.lock:
            self.next[writer] += 1
            return self.next[writer] - 1

    def acknowledged(self, writer, request):
        with self.lock:
            self.acked[writer].add(request)
            self.acks += 1
            self.lock.notify_all()

    def wait_for_acks(self, count, limit_s=60):
        with self.lock:
            return self.lock.wait_for(lambda: self.acks >= count, limit_s)

    def times(self, request):
        # Each fifth request swaps places with the one before: its samples come out of order.
        slot = request - 1 if request % 5 == 4 else request + 1 if request % 5 == 3 else request
        first = self.base_ms + slot * SAMPLES * STEP_MS
        return range(first, first + SAMPLES * STEP_MS, STEP_MS)

    def parts(self, writer, request):
        for index in range(SERIES):
            yield series({'__name__': 'ledger', 'writer': str(writer), 'index': str(index)},
                         [(t, value_of(writer, index, t)) for t in self.times(request)])
        yield series({'__name__': 'ledger_short', 'writer': str(writer), 'request': str(request)},
                     [(t, value_of(writer, 0, t)) for t in self.times(request)])

    def verify(self, client):
        """Compares all that is stored with the ledger; returns how many samples were checked."""
        checked, end = 0, now_ms() / 1000 + 1
        for writer in range(WRITERS):
            for index in range(SERIES):
                found = client.query(f'ledger{{writer="{writer}",index="{index}"}}[2h]', end)
                checked += self.verify_series(writer, index, found['result'], self.acked[writer])
            found = client.query(f'ledger_short{{writer="{writer}"}}[2h]', end)['result']
            short = {int(x['metric']['request']): x for x in found}
            assert len(short) == len(found)
            assert self.acked[writer] <= set(short), 'acknowledged series are missing'
            for request, one in short.items():
                checked += self.verify_series(writer, 0, [one], self.acked[writer] & {request},
                                              {request})
        return checked

    def verify_series(self, writer, index, result, acked, sent=None):
        stored = {}
        for one in result:
            for t, v in one['values']:
                time_ms = round(t * 1000)
                assert time_ms not in stored, f'doubled: {one["metric"]} at {time_ms}'
                stored[time_ms] = float(v)
        sent = range(self.next[writer]) if sent is None else sent
        must = {t for r in acked for t in self.times(r)}
        may = {t for r in sent for t in self.times(r)}
        lost = must - set(stored)
        assert not lost, f'{len(lost)} acknowledged samples lost, first {min(lost)}'
        assert set(stored) <= may, 'samples that nobody sent'
        wrong = [t for t, v in stored.items() if v != value_of(writer, index, t)]
        assert not wrong, f'{len(wrong)} values differ'
        return len(must)


def test_no_acknowledged_sample_is_lost_or_doubled(start_hearth):
    seed = int(os.environ.get('HEARTH_SEED', random.SystemRandom().randrange(1 << 32)))
    print(f'HEARTH_SEED={seed} {KILLS} kills')
    chance = random.Random(seed)
    process = start_hearth()
    ledger = Ledger(now_ms() - 50 * 60_000)
    checked, starts = 0, []
    for kill in range(KILLS):
        client = client_for(process)
        writers = [Writer(n, client.but(), ledger) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        assert ledger.wait_for_acks(ledger.acks + chance.randrange(1, 40)), \
            [w.refused for w in writers]
        # The moment itself is the point: somewhere within the next requests.
        time.sleep(chance.random() * 0.02)
        process.kill9()
        for writer in writers:
            writer.join(60)
            assert not writer.is_alive()
            assert writer.refused is None, writer.refused
        process.start()
        starts.append(process.start_seconds)
        if kill % 5 == 4 or kill == KILLS - 1:
            checked = ledger.verify(client_for(process))
    print(f'{checked} acknowledged samples in {ledger.acks} requests: 0 lost, 0 doubled; '
          f'start to ready {min(starts):.2f}–{max(starts):.2f} s')
    assert checked > KILLS * SAMPLES * SERIES


def test_kill_during_replay(start_hearth):
    """A start that is killed leaves what the next one needs."""
    process = start_hearth()
    ledger, client = Ledger(now_ms() - 50 * 60_000), client_for(process)
    for request in range(100):
        assert client.write(*ledger.parts(0, ledger.next_request(0))).status_code < 300
        ledger.acknowledged(0, request)
    ledger.next[1] = 0
    process.kill9()
    for _ in range(5):
        process.start()
        process.kill9()
    process.start()
    assert ledger.verify(client_for(process)) == 100 * SAMPLES * (SERIES + 1)


def test_start_with_a_million_samples_in_the_log(start_hearth, record_property):
    process = start_hearth()
    client, base = client_for(process), now_ms() - 1_000_000
    for block in range(20):
        parts = [series({'__name__': 'million', 'i': str(i)},
                        [(base + (block * 50 + k) * 1000, i * 0.5 + k) for k in range(50)])
                 for i in range(1000)]
        answer = client.write(*parts)
        assert answer.status_code < 300, answer.text
    process.kill9()
    process.start()
    print(f'start to ready with 1,000,000 samples in the log: {process.start_seconds:.2f} s '
          '(aim: under 2 s)')
    record_property('start_to_ready_seconds', process.start_seconds)
    found = client_for(process).query('sum(count_over_time(million[1h]))', now_ms() / 1000)
    assert found['result'][0]['value'][1] == '1000000'


@pytest.mark.parametrize('cut', [1, 7, 100])
def test_torn_tail_of_the_log_is_cut(start_hearth, cut):
    """As after a power loss in the middle of a write: what came before is there."""
    process = start_hearth()
    client, now = client_for(process), now_ms()
    for i in range(50):
        assert client.write(series('torn', [(now - 50_000 + i * 1000, i)])).status_code < 300
    process.kill9()
    segment = newest_segment(process.data)
    with open(segment, 'r+b') as file:
        file.truncate(last_used_byte(segment) - cut)
    process.start()
    result = client_for(process).query('torn[5m]', now / 1000 + 1)['result']
    numbers = [int(v) for _, v in result[0]['values']]
    assert numbers == list(range(len(numbers))) and 40 <= len(numbers) < 50


def test_corrupt_record_is_quarantined_and_the_rest_served(start_hearth):
    process = start_hearth()
    client, now = client_for(process), now_ms()
    for i in range(50):
        assert client.write(series({'__name__': 'bitrot', 'i': str(i)}, [(now, i)])
                            ).status_code < 300
    process.kill9()
    segment = newest_segment(process.data)
    with open(segment, 'r+b') as file:
        middle = segment.read_bytes().index(b'bitrot', last_used_byte(segment) // 2)
        file.seek(middle + 2)
        file.write(b'X')
    process.start()
    kept = client_for(process).query('count(bitrot)', now / 1000)['result'][0]['value'][1]
    assert 40 <= int(kept) < 50
    assert 'quarantin' in process.log().lower() or 'corrupt' in process.log().lower()
    metrics = client_for(process, auth='basic').get('/metrics').text
    assert any(line.startswith('hearth_') and ('corrupt' in line or 'quarantin' in line)
               and not line.startswith('#') and float(line.rsplit(' ', 1)[1]) >= 1
               for line in metrics.splitlines())


def newest_segment(data):
    """The file of the log that grew last."""
    files = [p for p in data.rglob('*') if p.is_file() and
             any(part in ('wal', 'log') for part in p.relative_to(data).parts[:-1])]
    assert files, f'no log under {data}: {sorted(map(str, data.rglob("*")))}'
    return max(files, key=lambda p: (p.stat().st_mtime_ns, str(p)))


def last_used_byte(path):
    """A log may be longer than what is written, by zeros."""
    return len(path.read_bytes().rstrip(b'\0'))
