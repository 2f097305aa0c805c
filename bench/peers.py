#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hearth beside Prometheus and VictoriaMetrics, with the same bodies and queries in turn.

bench/peers [--only FIGURE,…] [--quick] [--write]

Prints a table of ratios with each system's durability; a whole run writes it into bench/RESULTS.md
(--write: also one that is not whole). See bench/README.md.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile
import time

import peer_disk
import peer_ingest
import peer_queries
import survival
from loads import CAPTURE, GENERATOR, QUERIES, Loads
from peer_servers import (BINARY, ROOT, Hearth, Prometheus, VictoriaMetrics, find_prometheus,
                          find_victoria_metrics, version_of)
from peer_table import Report, markdown

FIGURES = {
    'ingest': peer_ingest.warm_ingest,
    'ack': peer_ingest.acknowledgement,
    'series': peer_ingest.new_series_and_memory,
    'restart': peer_ingest.restart,
    'disk': peer_disk.captured,
    'churn': peer_disk.churn,
    'queries': peer_queries.run,
    'parser': peer_queries.parser,
    'explosion': survival.explosion,
    'worst': survival.worst_queries,
}
CAPTURED_SERIES = 1_897  # distinct ones of the capture


class Bench:
    """What figures share: where they may write, how large they are, where results go."""

    def __init__(self, folder, options, report):
        self.folder = pathlib.Path(folder)
        self.loads = Loads(folder)
        self.report = report
        self.quick = options.quick
        self.cold = not options.no_cold
        self.drop_all = options.drop_caches
        self.settle_s = 1 if options.quick else 5
        self.captured_series = CAPTURED_SERIES
        self.build = GENERATOR.parent

    def scaled(self, whole, least=1_000):
        """A hundredth in a quick run, but not less than `least` nor more than the whole."""
        return max(min(least, whole), whole // 100) if self.quick else whole


def machine():
    text = pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8')
    model = re.search(r'model name\s*: (.*)', text)
    memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30
    return (f'{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, '
            f'{memory:.0f} GiB, Linux {platform.release()}')


def commit():
    done = subprocess.run(['git', 'describe', '--always', '--dirty'], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or 'unknown'


def heading(options, load_before):
    hearth = [f'`--wal-fsync {f}`: {Hearth.describe(f)}' for f in ('always', 'os')]
    return [
        '# hearth beside its peers', '',
        f'{datetime.date.today()}, commit {commit()}, {machine()}, load average before the run '
        f'{load_before:.1f}{", a quick run: sizes are a hundredth" if options.quick else ""}.', '',
        'Servers are pinned to core 0 (GOMAXPROCS=1), the load generator to core 1, unless a row '
        'says otherwise; bodies are built before, from real scrapes cloned over instances, and are '
        'the same for all. CPU is utime + stime of /proc; medians of runs in turn. Less is better '
        'in every row.', '',
        '| system | version | when an acknowledged sample is safe |', '|---|---|---|',
        f'| hearth | {version_of(BINARY)} | {"; ".join(hearth)} |',
        f'| Prometheus | {version_of(find_prometheus())} | {Prometheus.durability} |',
        f'| VictoriaMetrics | {version_of(find_victoria_metrics())} | '
        f'{VictoriaMetrics.durability}; values are rounded |', '']


def check_programs():
    for path, remedy in ((BINARY, 'make bench-peers builds it'),
                         (GENERATOR, 'make bench-peers builds it'),
                         (CAPTURE, 'HEARTH_SHARED names the folder that has data/'),
                         (QUERIES, 'HEARTH_SHARED names the folder that has data/'),
                         (find_prometheus(), 'tools/setup --peers builds Prometheus')):
        if path is None or not path.exists():
            raise SystemExit(f'{path or "Prometheus"} is not there: {remedy}')
    if find_victoria_metrics() is None:
        print('VictoriaMetrics is left out: tools/setup --peers builds it, or $VICTORIA_METRICS '
              'names one', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', default=','.join(FIGURES), help=', '.join(FIGURES))
    parser.add_argument('--quick', action='store_true', help='a hundredth of the sizes')
    parser.add_argument('--write', action='store_true', help='write bench/RESULTS.md in any case')
    parser.add_argument('--no-cold', action='store_true', help='leave out cold queries')
    parser.add_argument('--drop-caches', action='store_true',
                        help='cold queries: drop the page cache of the whole machine (root)')
    options = parser.parse_args()
    wanted = options.only.split(',')
    if unknown := set(wanted) - set(FIGURES):
        parser.error(f'no figure {", ".join(sorted(unknown))}; there are {", ".join(FIGURES)}')
    check_programs()
    report = Report(say=lambda line: print(line, flush=True))
    begin = heading(options, os.getloadavg()[0])
    folder = pathlib.Path(tempfile.mkdtemp(prefix='bench-', dir=ROOT / 'build'))
    began = time.monotonic()
    try:
        bench = Bench(folder, options, report)
        for name in FIGURES:
            if name in wanted:
                report.say(f'{name}: {FIGURES[name].__doc__.splitlines()[0]}')
                at = time.monotonic()
                FIGURES[name](bench)
                report.say(f'  ({time.monotonic() - at:.0f} s)')
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    lines = [*begin, *markdown(report), '',
             f'The run took {(time.monotonic() - began) / 60:.1f} minutes.']
    print('\n' + '\n'.join(lines))
    whole = set(wanted) == set(FIGURES) and not options.quick
    if whole or options.write:
        (ROOT / 'bench' / 'RESULTS.md').write_text('\n'.join(lines) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
