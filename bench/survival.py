# SPDX-License-Identifier: Apache-2.0
"""What hearth does when it is asked for too much: series without end, and fifty terrible queries
while it is written to. It runs alone: its peers die of the first."""

import json
import pathlib
import subprocess
import sys
import threading

import dateutil.parser

from loads import begin_replay, bodies_in, replay, result_of
from peer_ingest import start_ms
from peer_queries import load
from peer_servers import Hearth
from peer_table import Figure

RULES = """groups:
{groups}
"""
RULE_GROUP = """  - name: lateness-{i}
    interval: 1s
    rules:
      - record: lateness:cpu:{i}
        expr: sum by (mode) (rate(node_cpu_seconds_total[5m]))
"""
RULE_GROUPS = 10


class Watch(threading.Thread):
    """The most that a server holds while the watch runs."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.most, self.over = server, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            try:
                self.most = max(self.most, self.server.rss_anon_bytes())
            except (AttributeError, FileNotFoundError, KeyError, ProcessLookupError):
                return

    def end(self):
        self.over.set()
        self.join()
        return self.most


def explosion(bench):
    """Ten million new series in a minute, known ones at their rate meanwhile."""
    new, known = bench.scaled(10_000_000, 300_000), bench.scaled(50_000)
    limit = bench.scaled(4 << 30, 192 << 20)
    seconds = bench.scaled(60, 10)
    begin = start_ms(seconds + 1)
    steady = bench.loads.clones(series=known, shape='kube', steps=seconds + 1, start_ms=begin)
    a_round = bodies_in(steady) // (seconds + 1)
    exploding = bench.loads.explosion(series=new, time_ms=begin + seconds * 7_500)
    server = Hearth(bench.folder, None, 'os', ['--memory-limit', str(limit)])
    with server:
        replay(server, steady, bodies=a_round)
        watch = Watch(server)
        # Each known series once a second; what comes late shows as a lower rate.
        sending = begin_replay(server, steady, skip=a_round, rate=known)
        one = replay(server, exploding, may_refuse=True, connections=4, rate=new // seconds)
        kept = result_of(server, sending)
        most = watch.end()
    with Hearth(bench.folder, None, 'os', ['--memory-limit', str(192 << 20)]) as small:
        part = {'bodies': bench.scaled(1_000, 100), 'connections': 2}
        replay(small, exploding, may_refuse=True, **part)
        again = replay(small, exploding, may_refuse=True, skip=part['bodies'], **part)
    bench.loads.forget(steady)
    bench.loads.forget(exploding)
    share = kept['samples'] / kept['seconds'] / known
    bench.report.add(Figure(
        f'{new:,} new series in {seconds} s under {limit >> 20} MiB: RssAnon at most', 'MiB',
        most / 2**20, aim=f'≤ {limit >> 20}', aim_at_most=limit / 2**20,
        note=f'{one["samples"]:,} taken, {one["refused_samples"]:,} refused in '
             f'{one["seconds"]:.0f} s'))
    bench.report.add(Figure(
        'known series meanwhile: what is missing of their rate', '%', max(0, 100 - 100 * share),
        aim='≤ 10', aim_at_most=10, note=f'p99 {kept["p99_ms"]:.0f} ms, refused '
                                         f'{kept["refused_samples"]:,}'))
    refused, offered = again['refused_samples'], again['samples'] + again['refused_samples']
    bench.report.add(Figure(
        'new series offered while most are refused (192 MiB)', 'CPU ns each',
        again['cpu_s'] / offered * 1e9, aim='≤ 1,000 (1 M/s a core)', aim_at_most=1000,
        note=f'{100 * refused / offered:.0f} % refused, {refused / again["seconds"]:,.0f} '
             f'refusals/s; {again["first_refusal"][:400]}'))


class RuleClock(threading.Thread):
    """How far into their second the rule groups are evaluated, while it runs."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.seen, self.over = server, {}, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.5):
            status, text = self.server.request('GET', '/api/v1/rules')
            if status != 200:
                continue
            for group in json.loads(text)['data']['groups']:
                at = dateutil.parser.isoparse(group['lastEvaluation']).timestamp()
                self.seen.setdefault(group['name'], set()).add(at)

    def end(self):
        self.over.set()
        self.join()
        return {name: [at % 1.0 for at in all_] for name, all_ in self.seen.items()}


def lateness_ms(before, after):
    """p99 of how much later than their earliest moment of a calm time the groups were."""
    late = []
    for name, phases in after.items():
        first = min(before.get(name, phases))
        late += [((phase - first) % 1.0) * 1e3 for phase in phases]
    return sorted(late)[int(0.99 * (len(late) - 1))] if late else None


def begin_asking(server, end_s, clients):
    """The process of so many clients that ask terrible queries (asker.py)."""
    command = [sys.executable, pathlib.Path(__file__).with_name('asker.py'), server.port, end_s,
               clients]
    askers = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, start_new_session=True)
    askers.stdout.readline()
    return askers


def end_asking(askers):
    """How many queries were answered, and how many refused or ended."""
    return json.loads(askers.communicate()[0])


def worst_queries(bench):
    """Fifty terrible queries at once under half of the ingest that the machine takes."""
    rules = bench.folder / 'lateness.yml'
    rules.write_text(RULES.format(groups=''.join(RULE_GROUP.format(i=i)
                                                 for i in range(RULE_GROUPS))))
    config = bench.folder / 'hearth.yaml'
    config.write_text(f'rule_files: [{rules}]\n')
    limit = 4 << 30
    server = Hearth(bench.folder, None, 'os', ['--config', config, '--memory-limit', str(limit)])
    try:
        end_s = load(bench, [server])
        series, seconds = bench.scaled(50_000, 20_000), bench.scaled(15, 5)
        options = {'series': series, 'shape': 'node', 'step_ms': 250,
                   'start_ms': int(end_s * 1000) - 600_000}
        # Seconds long, so that sealing has its part in what is taken.
        tried = bench.scaled(300, 20)
        probe = bench.loads.clones(steps=tried, **options)
        # As senders do, whatever there is of a series comes over one connection.
        connections = max(n for n in range(1, 9) if bodies_in(probe) // tried % n == 0)
        full = replay(server, probe, connections=connections)
        rate = int(full['samples'] / full['seconds'] / 2)
        rounds = rate * seconds // series + 1  # of one measurement
        path = bench.loads.clones(steps=2 * rounds, first_step=tried, **options)
        part = bodies_in(path) // 2
        each, phases = [], []
        for queries in (0, 50):
            watch, clock = Watch(server), RuleClock(server)
            askers = begin_asking(server, end_s, queries)
            each.append(result_of(server, begin_replay(
                server, path, skip=len(each) * part, bodies=part, rate=rate,
                connections=connections)))
            answered = end_asking(askers)
            phases.append(clock.end())
            most = watch.end()
    finally:
        server.remove()
    bench.loads.forget(probe)
    bench.loads.forget(path)
    calm, busy = each
    bench.report.add(Figure(
        f'p99 of the acknowledgement, {rate:,} samples/s, 50 terrible queries at once', 'ms',
        busy['p99_ms'], aim=f'≤ {calm["p99_ms"] * 1.1:.1f} (10 % over {calm["p99_ms"]:.1f} '
        'without them)', aim_at_most=calm['p99_ms'] * 1.1,
        note=f'{busy["samples"] / busy["seconds"]:,.0f} samples/s, refused '
             f'{busy["refused_samples"]:,}; queries answered {answered["ok"]}, refused or ended '
             f'{answered["other"]}'))
    before, after = lateness_ms(phases[0], phases[0]), lateness_ms(phases[0], phases[1])
    bench.report.add(Figure(
        'p99 of rule lateness meanwhile', 'ms', after,
        aim=f'≤ {before * 1.1:.1f} (10 % over {before:.1f} without them)' if before else '',
        aim_at_most=before * 1.1 if before else None,
        note=f'{RULE_GROUPS} groups, one a second'))
    bench.report.add(Figure(
        'RssAnon at most meanwhile', 'MiB', most / 2**20, aim=f'≤ {limit >> 20}',
        aim_at_most=limit / 2**20))
