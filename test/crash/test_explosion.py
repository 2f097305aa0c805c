# SPDX-License-Identifier: Apache-2.0
"""A label whose values never repeat: new series without end under a small --memory-limit.

The process stays below its limit, series that were there before go on without a gap, and new ones
are refused by words that say what makes so many; a twentieth of the ten million in CI, a tenth with
HEARTH_LONG. The whole, with its rates, is `make bench-peers` (bench/survival.py).
"""

import os
import re

from connect import client_for, default_workspace
from remote_write import now_ms, series

LIMIT_BYTES = 128 << 20
NEW_SERIES = 1_000_000 if os.environ.get('HEARTH_LONG') else 500_000
IN_A_REQUEST = 5_000
KNOWN = 200


def resident_anonymous(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith('RssAnon'))


def test_series_without_end_are_refused_and_known_ones_go_on(start_hearth):
    process = start_hearth(arguments=('--memory-limit', str(LIMIT_BYTES), '--wal-fsync', 'os'))
    client, base = client_for(process), now_ms() - NEW_SERIES // IN_A_REQUEST * 1000
    workspace = client.at(default_workspace(client))
    highest, refusals, texts = 0, 0, []
    for request in range(NEW_SERIES // IN_A_REQUEST):
        now = base + request * 1000
        known = client.write(*(series({'__name__': 'steady', 'i': str(i)}, [(now, request)])
                               for i in range(KNOWN)))
        assert known.status_code < 300, known.text
        # Both planes in turn: a stock Prometheus path, and that of an AMP workspace.
        writer = client if request % 2 else workspace
        answer = writer.write(*(series(
            {'__name__': 'exploding', 'job': 'checkout', 'path': '/cart',
             'request_id': f'7f1c9a{request:08x}-4d2e-4c5b-9a8f-{i:012x}'}, [(now, 1)])
            for i in range(IN_A_REQUEST)))
        # What is refused is told by a 400, for which senders do not come again.
        assert answer.status_code in (200, 204, 400), answer.text
        if answer.status_code == 400:
            refusals += 1
            texts.append(answer.text)
        assert process.alive()
        highest = max(highest, resident_anonymous(process.pid))
    print(f'{NEW_SERIES} new series: {refusals} requests refused in part, at most '
          f'{highest >> 20} MiB of {LIMIT_BYTES >> 20} MiB')
    assert highest <= LIMIT_BYTES
    assert refusals > 0
    for text in texts:
        assert re.search(r'metric "exploding" of job "checkout" has \d+ series', text), text
        assert re.search(r'label "request_id" has \d+ ', text), text
    assert any('per-user series limit of' in text for text in texts), texts[-1]
    assert any(text.startswith('memory limit reached: no new series') for text in texts), texts[-1]
    count = client.query('sum(count_over_time(steady[1h]))', now / 1000)['result'][0]['value'][1]
    assert int(count) == KNOWN * (NEW_SERIES // IN_A_REQUEST)
    metrics = client_for(process, auth='basic').get('/metrics').text
    pressure = next(line for line in metrics.splitlines()
                    if line.startswith('hearth_memory_pressure'))
    assert float(pressure.rsplit(' ', 1)[1]) >= 2, pressure
