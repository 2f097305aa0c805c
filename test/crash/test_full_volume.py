# SPDX-License-Identifier: Apache-2.0
"""A volume of its own that fills up: writes are refused with 503, reads go on, nothing acknowledged
is lost, and writing resumes by itself once there is room.

The volume is a small tmpfs, which takes root and the right to mount; the test says so where it is
left out. What fills it is a file beside the data.
"""

import os
import subprocess

import pytest

from connect import client_for, wait_for
from remote_write import now_ms, series

VOLUME_BYTES = 48 << 20
LEFT_BYTES = 1 << 20
SERIES = 500
REQUESTS_MAX = 2000


@pytest.fixture
def volume(tmp_path):
    folder = tmp_path / 'volume'
    folder.mkdir()
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={VOLUME_BYTES}', 'hearth-test',
                              str(folder)], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f'no volume can be mounted here: {mounted.stderr.strip()}')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


class Sender:
    """Each request has one sample of every series, at a time of its own."""

    def __init__(self, client):
        self.client, self.base, self.next, self.acknowledged = client, now_ms() - 3_000_000, 0, 0

    def send(self):
        time_ms = self.base + self.next * 1000
        self.next += 1
        answer = self.client.write(*(series({'__name__': 'filling', 'i': str(i)},
                                            [(time_ms, (self.next * 7919 + i) / 7)])
                                     for i in range(SERIES)))
        self.acknowledged += answer.status_code < 300
        return answer

    def stored(self):
        found = self.client.query('sum(count_over_time(filling[2h]))', now_ms() / 1000)['result']
        return int(found[0]['value'][1])


def test_a_full_volume_refuses_writes_until_there_is_room(volume, start_hearth):
    process = start_hearth(data=volume / 'data', arguments=('--wal-fsync', 'always'))
    sender = Sender(client_for(process))
    assert sender.send().status_code < 300
    ballast = volume / 'ballast'
    space = os.statvfs(volume)
    ballast.write_bytes(b'\0' * (space.f_bavail * space.f_frsize - LEFT_BYTES))
    refused = next((answer for answer in (sender.send() for _ in range(REQUESTS_MAX))
                    if answer.status_code >= 300), None)
    assert refused is not None, 'the volume never filled up'
    assert refused.status_code == 503, refused.text
    assert int(refused.headers['Retry-After']) > 0
    for _ in range(5):
        assert sender.send().status_code in (503, 200, 204)  # seals may free the log on the way
    assert process.alive()
    assert sender.stored() == sender.acknowledged * SERIES
    ballast.unlink()
    wait_for(lambda: sender.send().status_code < 300)
    for _ in range(10):
        assert sender.send().status_code < 300
    assert sender.stored() == sender.acknowledged * SERIES
    process.stop()
    process.start()
    sender.client = client_for(process)
    assert sender.stored() == sender.acknowledged * SERIES
