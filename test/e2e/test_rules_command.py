# SPDX-License-Identifier: Apache-2.0
"""`hearth test rules` and `hearth check rules` as promtool: verdicts, exit codes, words."""

import os
import pathlib
import subprocess
import xml.etree.ElementTree

import pytest

import prometheus_process
from hearth_process import ROOT, run_hearth

FILES = pathlib.Path(os.environ.get('HEARTH_SHARED') or ROOT.parent / 'shared') / 'data' / \
    'rules-unittest'
needs_files = pytest.mark.skipif(not FILES.exists(), reason=f'{FILES} is not there')
ALL = sorted(FILES.glob('*')) if FILES.exists() else []
TESTS = ['unittest', 'at-modifier-test', 'negative-offset-test', 'long-period', 'start-time-test',
         'bad-input-series', 'bad-promql', 'bad-rules-error-test', 'bad-rules-syntax-test',
         'rules_run', 'rules_run_extrafields', 'rules_run_fuzzy', 'rules_run_no_fuzzy']
RULES = ['rules', 'rules-bad', 'rules_duplicates', 'rules_extrafields', 'rules_large',
         'prometheus-rules.lint', 'bad-rules-error', 'bad-rules-syntax', 'negative-offset',
         'at-modifier', 'prometheus-config.rules.good']
FAILED = {'bad-input-series', 'bad-promql', 'bad-rules-error-test', 'bad-rules-syntax-test',
          'rules_run', 'rules_run_extrafields', 'rules_run_fuzzy', 'rules_run_no_fuzzy',
          'rules-bad', 'rules_extrafields', 'bad-rules-syntax'}


def promtool(*arguments):
    program = prometheus_process.find('promtool', current=True)
    if program is None:
        return None
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@needs_files
@pytest.mark.parametrize('name', TESTS)
def test_verdict_of_promtools_own_tests(name):
    path = str(FILES / f'{name}.yml')
    ours = run_hearth('test', 'rules', path)
    assert ours.returncode == (1 if name in FAILED else 0), ours.stdout + ours.stderr
    theirs = promtool('test', 'rules', path)
    if theirs is None:
        return
    assert ours.returncode == theirs.returncode
    # What differs is said in the same words.
    for line in theirs.stderr.splitlines():
        if line.startswith(('        exp: ', '        got: ')):
            assert line in ours.stdout, ours.stdout


@needs_files
@pytest.mark.parametrize('name', RULES)
def test_verdict_on_promtools_rule_files(name):
    path = str(FILES / f'{name}.yml')
    ours = run_hearth('check', 'rules', path)
    assert ours.returncode == (1 if name in FAILED else 0), ours.stdout + ours.stderr
    theirs = promtool('check', 'rules', path)
    if theirs is None:
        return
    assert ours.returncode == theirs.returncode
    if not theirs.stderr:  # promtool has its findings there
        assert ours.stdout == theirs.stdout


@needs_files
@pytest.mark.parametrize('command', ['test', 'check'])
@pytest.mark.parametrize('path', ALL, ids=lambda p: p.name)
def test_every_file_has_promtools_exit_code(command, path):
    theirs = promtool(command, 'rules', path)
    if theirs is None:
        pytest.skip('no promtool')
    ours = run_hearth(command, 'rules', path)
    assert ours.returncode == theirs.returncode, ours.stdout + theirs.stdout + theirs.stderr


@needs_files
def test_lint_options():
    path = FILES / 'rules_duplicates.yml'
    assert run_hearth('check', 'rules', '--lint-fatal', path).returncode == 3
    assert 'SUCCESS: 5 rules' in run_hearth('check', 'rules', '--lint', 'none', path).stdout
    extra = FILES / 'rules_extrafields.yml'
    assert run_hearth('check', 'rules', '--ignore-unknown-fields', extra).returncode == 0
    text = (FILES / 'rules.yml').read_text()
    assert 'SUCCESS: 5 rules' in run_hearth('check', 'rules', stdin=text).stdout


@pytest.mark.parametrize('path', sorted((ROOT / 'rules' / 'tests').glob('*.yaml')),
                         ids=lambda p: p.stem)
def test_the_seven_alerts(path):
    answer = run_hearth('test', 'rules', path)
    assert answer.returncode == 0, answer.stdout
    theirs = promtool('test', 'rules', str(path))
    assert theirs is None or theirs.returncode == 0


def test_run_diff_and_junit(tmp_path):
    (tmp_path / 't.yaml').write_text('''
tests:
- name: good
  input_series: [{series: up, values: 1}]
  promql_expr_test: [{expr: up, eval_time: 0, exp_samples: [{labels: up, value: 1}]}]
- name: bad
  input_series: [{series: up, values: 1}]
  promql_expr_test: [{expr: up, eval_time: 0, exp_samples: [{labels: up, value: 2}]}]
''')
    path, report = tmp_path / 't.yaml', tmp_path / 'junit.xml'
    assert run_hearth('test', 'rules', '--run', 'good', path).returncode == 0
    answer = run_hearth('test', 'rules', '--diff', '--junit', report, path)
    assert answer.returncode == 1
    assert '- {__name__="up"} 2E+00' in answer.stdout
    assert '+ {__name__="up"} 1E+00' in answer.stdout
    cases = xml.etree.ElementTree.parse(report).getroot().findall('testsuite/testcase')
    assert [(c.get('name'), len(c.findall('failure'))) for c in cases] == [('good', 0), ('bad', 1)]
