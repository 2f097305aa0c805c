// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { SearchHit } from '../api/dashboards';
import type { Rule, Target } from '../api/prometheus';
import { groupByFolder, hitPath } from './dashboardList';
import { filterRules, neverLoaded, otherWarnings, ruleState, ruleTotals } from './rules';
import { poolsOf } from './targetPools';

const dashboard = (title: string, more: Partial<SearchHit> = {}): SearchHit => ({
  uid: title,
  title,
  url: `/g-0123456789/d/${title}/x`,
  type: 'dash-db',
  ...more,
});

describe('dashboards', () => {
  const hits: SearchHit[] = [
    { uid: 'f', title: 'Folder', type: 'dash-folder', url: '' },
    { uid: 'e', title: 'Empty', type: 'dash-folder', url: '' },
    dashboard('b', { folderUid: 'f', folderTitle: 'Folder', tags: ['node'] }),
    dashboard('a', { folderUid: 'f', folderTitle: 'Folder' }),
    dashboard('c'),
  ];
  const shown = (text = '', tag?: string) =>
    groupByFolder(hits, text, tag).map((g) => [g.title, ...g.dashboards.map((d) => d.title)]);

  test('lie in their folders', () => {
    expect(shown()).toEqual([['General', 'c'], ['Folder', 'a', 'b'], ['Empty']]);
  });

  test('are found by name, folder and tag', () => {
    expect(shown('FOLD a')).toEqual([['Folder', 'a']]);
    expect(shown('', 'node')).toEqual([['Folder', 'b']]);
    expect(shown('zzz')).toEqual([]);
  });

  test('have an address inside the workspace, with or without the base path', () => {
    expect(hitPath(dashboard('b'), '/g-0123456789')).toBe('/d/b/x');
    expect(hitPath(dashboard('b', { url: '/d/b/x' }), '/g-0123456789')).toBe('/d/b/x');
    expect(hitPath(dashboard('b', { url: '' }), '/g-0123456789')).toBe('/d/b');
  });
});

describe('rules', () => {
  const rule = (more: Partial<Rule>): Rule => ({
    name: 'R',
    query: 'up == 0',
    type: 'alerting',
    health: 'ok',
    lastEvaluation: '2026-11-22T12:00:00Z',
    ...more,
  });

  test.each([
    [{ health: 'unknown', lastEvaluation: undefined }, 'not evaluated yet'],
    [{ health: 'unknown', lastEvaluation: '0001-01-01T00:00:00Z' }, 'not evaluated yet'],
    [{ health: 'err', state: 'firing' }, 'failing'],
    [{ state: 'firing' }, 'firing'],
    [{ state: 'pending' }, 'pending'],
    [{ state: 'inactive' }, 'inactive'],
    [{ type: 'recording' }, 'recording'],
  ] as Array<[Partial<Rule>, string]>)('%o is %s', (more, wanted) => {
    expect(ruleState(rule(more))).toBe(wanted);
  });

  test('are counted, and the urgent ones come first', () => {
    const groups = [
      {
        name: 'g',
        file: 'f',
        interval: 60,
        rules: [rule({ name: 'calm', state: 'inactive' }), rule({ name: 'hot', state: 'firing' })],
      },
    ];
    expect(ruleTotals(groups)).toMatchObject({ total: 2, firing: 1, unevaluated: 0 });
    expect(filterRules(groups, '')[0].rules.map((r) => r.name)).toEqual(['hot', 'calm']);
    expect(filterRules(groups, 'CALM')[0].rules).toHaveLength(1);
    expect(filterRules(groups, '', 'pending')).toEqual([]);
  });

  test('have their errors at their group, and the others above all', () => {
    const groups = [{ name: 'g', file: 'f', interval: 60, rules: [], loadErrors: ['f:4: bad'] }];
    expect(otherWarnings(groups, ['f:4: bad', 'h: cannot be read'])).toEqual(['h: cannot be read']);
    expect(otherWarnings([], [])).toEqual([]);
    expect(neverLoaded({ ...groups[0], rules: [rule({ lastError: 'f:4: bad' })] })).toBe(true);
    expect(neverLoaded({ ...groups[0], rules: [rule({ lastError: 'other' })] })).toBe(false);
  });
});

test('targets lie in their pools, those that fail first', () => {
  const target = (scrapePool: string, scrapeUrl: string, health: Target['health']): Target => ({
    scrapePool,
    scrapeUrl,
    health,
    labels: { job: scrapePool },
  });
  const all = [target('b', 'u1', 'up'), target('b', 'u2', 'down'), target('a', 'u3', 'up')];
  expect(poolsOf(all).map((p) => [p.name, p.up, ...p.targets.map((t) => t.scrapeUrl)])).toEqual([
    ['a', 1, 'u3'],
    ['b', 1, 'u2', 'u1'],
  ]);
  expect(poolsOf(all, '', true).map((p) => p.name)).toEqual(['b']);
  expect(poolsOf(all, 'job="a"').map((p) => p.name)).toEqual(['a']);
});
