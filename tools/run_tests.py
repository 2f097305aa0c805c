#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs every tier of tests, and ends with one plain line `N passed, M failed`.

tools/run_tests.py [--only unit,fuzz,wire,ui] [--long] [--no-build] [--fuzz-seconds S] [-k EXPR]

unit  GoogleTest programs under build/dev (ASan and UBSan), tools' own tests, web's unit tests
fuzz  each fuzz target on its seeds and mutations of them, 30 s in all
wire  pytest of test/ against build/release/hearth with real clients and servers
ui    test/ui in Chromium
libfuzzer  each fuzz target with clang's libFuzzer (make fuzz)

--long adds ThreadSanitizer, clang and what pytest marks `long`. Results lie in build/test-results.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree
from dataclasses import dataclass, field

import postgres

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'build' / 'test-results'
# One core each for the two that run at a time; unit tests wait little.
PARALLEL = max(1, min(2, os.cpu_count() or 1))
# Tests over the wire wait for servers and clients most of the time; a file's tests share a server.
WIRE_PARALLEL = PARALLEL + 1
# A unit test program takes seconds; one that hangs must not use up CI's hour.
UNIT_TIMEOUT_S = 600
TIER_TIMEOUT_S = 2400
OUTPUT_LINES_MAX = 120


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def fail(self, name, output):
        self.failed += 1
        self.failures.append((name, output))


def environment():
    env = dict(os.environ)
    env['PATH'] = os.pathsep.join([str(ROOT / 'build/node/bin'), env.get('PATH', '')])
    env['HEARTH_ROOT'] = str(ROOT)
    env['HEARTH_BIN'] = str(ROOT / 'build/release/hearth')
    env['HEARTH_BUILD'] = str(ROOT / 'build/release')
    env['HEARTH_PEERS'] = str(ROOT / 'build/peers')
    env['HEARTH_TEST_RESULTS'] = str(RESULTS)
    env.setdefault('HEARTH_SHARED', str(ROOT.parent / 'shared'))
    env['ASAN_OPTIONS'] = 'detect_stack_use_after_return=1:' + env.get('ASAN_OPTIONS', '')
    env['UBSAN_OPTIONS'] = 'print_stacktrace=1:' + env.get('UBSAN_OPTIONS', '')
    env['PYTHONDONTWRITEBYTECODE'] = '1'
    return env


def run(command, timeout, cwd=ROOT, env=None):
    """Runs a command; returns (exit code, output). 124 when it took too long, as timeout(1)."""
    try:
        done = subprocess.run(command, cwd=cwd, env=env or environment(), timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode(errors='replace')
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b'').decode(errors='replace') + f'\nstopped after {timeout} s'


def listed(preset, kind):
    path = ROOT / 'build' / preset / f'{kind}.txt'
    return path.read_text().split() if path.exists() else []


# ---- unit ----------------------------------------------------------------------------------

def parse_gtest(report):
    tally = Tally()
    for suite in report.get('testsuites', []):
        for case in suite.get('testsuite', []):
            name = f"{suite['name']}.{case['name']}"
            messages = [f['failure'] for f in case.get('failures', [])]
            if messages:
                tally.fail(name, '\n'.join(messages))
            elif case.get('result') == 'SKIPPED':
                reasons = [s.get('message', '') for s in case.get('skipped', [])]
                tally.skipped.append(f"{name} ({'; '.join(reasons).strip() or 'no reason'})")
            elif case.get('status') == 'RUN':
                tally.passed += 1
    return tally


def run_gtest(preset, program, env=None):
    report = RESULTS / f'{preset}-{program}.json'
    report.unlink(missing_ok=True)
    code, output = run([str(ROOT / 'build' / preset / program),
                        f'--gtest_output=json:{report}', '--gtest_brief=1'], UNIT_TIMEOUT_S,
                       env=env)
    try:
        tally = parse_gtest(json.loads(report.read_text()))
    except (OSError, ValueError):
        tally = Tally()
    if code != 0 and tally.failed == 0:
        # Crashed, timed out, or a sanitizer spoke after the last test.
        tally.fail(f'{program} (exit code {code})', output)
    return tally


def run_gtests(preset):
    """All programs of a preset, the catalog's also on PostgreSQL, where it can be started."""
    tally = Tally()
    env = environment()
    with contextlib.ExitStack() as stack:
        try:
            env['HEARTH_TEST_POSTGRES'] = stack.enter_context(
                postgres.temporary(ROOT / 'build/peers/bin'))
        except postgres.Unavailable as why:
            tally.skipped.append(f'catalog tests on PostgreSQL ({why})')
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(PARALLEL))
        for one in pool.map(lambda program: run_gtest(preset, program, env),
                            listed(preset, 'tests')):
            tally.add(one)
    return tally


def run_script(name, command, timeout=UNIT_TIMEOUT_S):
    """A program that says how many tests it ran, in one of the usual ways; else it counts as 1."""
    tally = Tally()
    code, output = run(command, timeout)
    (RESULTS / f'{name}.log').write_text(output)
    plain = re.sub(r'\x1b\[[0-9;]*m', '', output)
    passed = failed = 0
    ran = re.search(r'^Ran (\d+) tests?', plain, re.M)  # Python's unittest
    vitest = re.search(r'^\s*Tests\s+(.*)$', plain, re.M)
    if ran:
        failed = sum(int(n) for n in re.findall(r'(?:failures|errors)=(\d+)', plain))
        passed = int(ran.group(1)) - failed
    elif vitest:
        counts = {word: int(n) for n, word in re.findall(r'(\d+) (\w+)', vitest.group(1))}
        passed, failed = counts.get('passed', 0), counts.get('failed', 0)
        tally.skipped += [f'{name} test'] * counts.get('skipped', 0)
    elif re.search(r'^(?:#|ℹ) pass \d+', plain, re.M):  # node --test
        def count(word):
            return sum(int(n) for n in re.findall(rf'^(?:#|ℹ) {word} (\d+)', plain, re.M))
        passed, failed = count('pass'), count('fail') + count('cancelled')
        reasons = re.findall(r'^\s*ok \d+ - (.*?) # SKIP ?(.*)$', plain, re.M)
        tally.skipped += [f'{what} ({why or "no reason"})' for what, why in reasons]
    elif code == 0:
        passed = 1
    tally.passed = passed
    if code != 0 or failed:
        tally.failed = max(failed, 1)
        tally.failures.append((name, output))
    return tally


def unit_tier(options):
    tally = Tally()
    python = sys.executable
    tally.add(run_script('tidy_test', [python, 'tools/tidy_test.py']))
    tally.add(run_script('tidy', [python, 'tools/tidy.py']))
    for preset in ['dev'] + (['tsan'] if options.long else []):
        tally.add(run_gtests(preset))
    package = ROOT / 'web/package.json'
    if package.exists() and 'test' in json.loads(package.read_text()).get('scripts', {}):
        if (ROOT / 'web/node_modules').is_dir():
            tally.add(run_script('web', ['npm', '--prefix', 'web', 'test']))
        else:
            tally.skipped.append('web unit tests (run `make web` first)')
    return tally


# ---- fuzz ----------------------------------------------------------------------------------

def seeds_of(program):
    """Seed files of src/<module>/<x>_fuzz.cc: src/<module>/testdata/<x>_fuzz/."""
    for source in (ROOT / 'src').rglob(f'{program}.cc'):
        folder = source.parent / 'testdata' / program
        if folder.is_dir():
            return [str(folder)]
    return []


def fuzz_tier(options, preset='dev'):
    tally = Tally()
    programs = listed(preset, 'fuzzers')
    if not programs:
        return tally
    each = options.fuzz_seconds / (1 if options.fuzz_each else len(programs))
    runs = 100_000 if options.long else 1_000

    def one(program):
        own = Tally()
        command = [str(ROOT / 'build' / preset / program)]
        if preset == 'fuzz':
            corpus = ROOT / 'build/fuzz-corpus' / program
            corpus.mkdir(parents=True, exist_ok=True)
            command += [f'-max_total_time={int(each)}', f'-artifact_prefix={RESULTS}/{program}-',
                        '-print_final_stats=1', str(corpus)]
        else:
            command += [f'-runs={runs}', f'-max_total_time={each:.1f}',
                        f'-artifact_prefix={RESULTS}/{program}-']
        code, output = run(command + seeds_of(program), each + 120)
        if code == 0:
            own.passed += 1
        else:
            own.fail(f'{program} (exit code {code})', output)
        return own

    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for one_tally in pool.map(one, programs):
            tally.add(one_tally)
    return tally


# ---- over the wire -------------------------------------------------------------------------

def parse_junit(path):
    tally = Tally()
    for case in xml.etree.ElementTree.parse(path).getroot().iter('testcase'):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".strip('.')
        broken = [e for e in case if e.tag in ('failure', 'error')]
        skipped = case.find('skipped')
        if broken:
            tally.fail(name, '\n'.join((e.get('message') or '') + '\n' + (e.text or '')
                                       for e in broken))
        elif skipped is not None:
            tally.skipped.append(f"{name} ({skipped.get('message') or 'no reason'})")
        else:
            tally.passed += 1
    return tally


def wire_tier(options):
    folders = [f'test/{d}' for d in ('e2e', 'compat', 'crash') if (ROOT / 'test' / d).is_dir()]
    if not folders:
        return Tally()
    report = RESULTS / 'wire.xml'
    report.unlink(missing_ok=True)
    command = [str(ROOT / 'build/venv/bin/python'), '-m', 'pytest', '-q', '-p', 'no:cacheprovider',
               '--durations=15', f'--junitxml={report}', '-n', str(WIRE_PARALLEL),
               '--dist', 'loadfile', *folders]
    if not options.long:
        command += ['-m', 'not long']
    if options.k:
        command += ['-k', options.k]
    env = environment()
    if options.long:
        env['HEARTH_LONG'] = '1'
    code, output = run(command, TIER_TIMEOUT_S * (4 if options.long else 1), env=env)
    (RESULTS / 'wire.log').write_text(output)
    slowest = re.search(r'slowest \d+ durations =*\n(.*?)\n(?:=|\d+ )', output, re.S)
    if slowest:
        print('slowest wire tests:\n' + slowest.group(1))
    tally = parse_junit(report) if report.exists() else Tally()
    if code not in (0, 5) and tally.failed == 0:
        tally.fail(f'pytest (exit code {code})', output)
    return tally


def ui_tier(options):
    folder = ROOT / 'test/ui'
    if not folder.is_dir():
        return Tally()
    tests = sorted(p for pattern in ('*.test.mjs', '*.test.js') for p in folder.glob(pattern))
    if (folder / 'package.json').exists():
        code, output = run(['npm', '--prefix', 'test/ui', 'ci', '--no-audit', '--no-fund'], 600)
        if code != 0:
            tally = Tally()
            tally.fail('npm ci in test/ui', output)
            return tally
    return run_script('ui', ['node', '--test', '--test-reporter=tap', '--test-concurrency=1',
                             *map(str, tests)], TIER_TIMEOUT_S)


# ---- builds --------------------------------------------------------------------------------

def builds(tiers, options):
    if tiers & {'wire', 'ui'}:
        yield ['tools/build_web']
        yield ['tools/build', 'release', 'hearth']
        if (ROOT / 'apps/sample').is_dir():
            yield ['tools/build', 'release', 'sample', 'replay']
    if tiers & {'unit'}:
        yield ['tools/build', 'dev', 'all_tests']
        if options.long:
            yield ['tools/build', 'tsan', 'all_tests']
    if 'fuzz' in tiers:
        yield ['tools/build', 'dev', 'all_fuzzers']
    if 'libfuzzer' in tiers:
        yield ['tools/build', 'fuzz', 'all_fuzzers']


def build(tiers, options):
    """Returns True when everything was built. Shows the output only where it failed."""
    for command in builds(tiers, options):
        began = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(f'{" ".join(command)}: {time.monotonic() - began:.0f} s', flush=True)
        if done.returncode != 0:
            show(' '.join(command), done.stdout.decode(errors='replace'))
            return False
    return True


def show(name, output):
    lines = output.rstrip().split('\n')
    if len(lines) > OUTPUT_LINES_MAX:
        cut = len(lines) - OUTPUT_LINES_MAX
        lines = [f'… {cut} lines left out …'] + lines[-OUTPUT_LINES_MAX:]
    print(f'\n--- FAILED: {name}\n' + '\n'.join('    ' + line for line in lines), flush=True)


TIERS = {'unit': unit_tier, 'fuzz': fuzz_tier, 'wire': wire_tier, 'ui': ui_tier,
         'libfuzzer': lambda options: fuzz_tier(options, 'fuzz')}


def summary(total):
    for name, output in total.failures:
        show(name, output)
    print()
    if total.skipped:
        print(f'{len(total.skipped)} skipped: ' + '; '.join(' '.join(s.split())
                                                            for s in total.skipped))
    print(f'{total.passed} passed, {total.failed} failed', flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', default='unit,fuzz,wire,ui')
    parser.add_argument('--long', action='store_true')
    parser.add_argument('--no-build', action='store_true')
    parser.add_argument('--fuzz-seconds', type=float)
    parser.add_argument('-k', help='passed to pytest')
    options = parser.parse_args()
    options.fuzz_each = options.fuzz_seconds is not None
    options.fuzz_seconds = options.fuzz_seconds or (1800 if options.long else 30)
    tiers = set(options.only.split(',')) | ({'libfuzzer'} if options.long else set())
    unknown = tiers - set(TIERS)
    if unknown:
        parser.error(f'no such tier: {", ".join(sorted(unknown))}; there are {", ".join(TIERS)}')

    began = time.monotonic()
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    total = Tally()
    if not options.no_build and not build(tiers, options):
        total.fail('build', 'see above')
        return summary(total)
    for name, tier in TIERS.items():
        if name not in tiers:
            continue
        started = time.monotonic()
        tally = tier(options)
        total.add(tally)
        print(f'{name}: {tally.passed} passed, {tally.failed} failed, '
              f'{len(tally.skipped)} skipped in {time.monotonic() - started:.1f} s', flush=True)
    print(f'all: {time.monotonic() - began:.1f} s')
    return summary(total)


if __name__ == '__main__':
    sys.exit(main())
