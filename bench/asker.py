# SPDX-License-Identifier: Apache-2.0
"""Clients that ask terrible queries again and again until stdin ends, then say how many were
answered: `asker.py PORT END_S CLIENTS`. A first line says that all of them ask.

Whoever asks stands elsewhere, mostly: these clients give way to the server and to who writes to
it, so that what reading their answers costs is not taken for the server's doing.
"""

import http.client
import json
import os
import pathlib
import sys
import threading
import urllib.parse

TERRIBLE = [
    'count(last_over_time({job!=""}[5m]))',
    'sum by (job) ({__name__=~".+_total"})',
    'topk(10, rate({__name__=~"node_.+_total"}[5m]))',
    'quantile_over_time(0.9, node_cpu_seconds_total[30m])',
    'sum by (instance) ({job!=""}) / on (instance) group_left count by (instance) ({job!=""})',
]


def give_way():
    os.nice(19)
    # Where sessions are scheduled as groups, threads of different ones are not compared.
    group = pathlib.Path('/proc/self/autogroup')
    if group.exists():
        group.write_text('19', encoding='ascii')


class Asker(threading.Thread):
    """One client."""

    def __init__(self, port, end_s, number):
        super().__init__(daemon=True)
        self.port, self.number, self.end_s = port, number, end_s
        self.over, self.counts = threading.Event(), {'ok': 0, 'other': 0}
        self.start()

    def run(self):
        body = urllib.parse.urlencode({
            'query': TERRIBLE[self.number % len(TERRIBLE)], 'start': self.end_s - 3_500,
            'end': self.end_s, 'step': 15})
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=600)
        while not self.over.is_set():
            try:
                connection.request('POST', '/api/v1/query_range', body,
                                   {'Content-Type': 'application/x-www-form-urlencoded'})
                answer = connection.getresponse()
                answer.read()
                self.counts['ok' if answer.status == 200 else 'other'] += 1
            except (http.client.HTTPException, OSError):
                connection.close()
                if not self.over.is_set():
                    self.counts['other'] += 1


def main():
    port, end_s, clients = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    give_way()
    askers = [Asker(port, end_s, i) for i in range(clients)]
    print('asking', flush=True)
    sys.stdin.read()
    for asker in askers:
        asker.over.set()
    print(json.dumps({kind: sum(a.counts[kind] for a in askers) for kind in ('ok', 'other')}))


if __name__ == '__main__':
    main()
