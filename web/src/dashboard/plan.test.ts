// SPDX-License-Identifier: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DashboardJson } from './model';
import { panelsOfRows, planDashboard, timezoneOf, type PanelPlan } from './plan';

const shipped = path.resolve(import.meta.dirname, '../../../dashboards');
const read = (name: string) =>
  JSON.parse(fs.readFileSync(path.join(shipped, `${name}.json`), 'utf8')) as DashboardJson;

const at = (y: number, x = 0) => ({ x, y, w: 12, h: 8 });

describe('items', () => {
  test('an open row holds the panels below it, a collapsed one its own', () => {
    const { items } = planDashboard({
      panels: [
        { type: 'stat', id: 1, gridPos: at(0) },
        { type: 'row', id: 2, title: 'open', gridPos: at(8) },
        { type: 'stat', id: 3, gridPos: at(9) },
        {
          type: 'row',
          id: 4,
          title: 'closed',
          collapsed: true,
          gridPos: at(17),
          panels: [{ type: 'stat', id: 5 }],
        },
        { type: 'stat', id: 6, gridPos: at(18) },
      ],
    });
    expect(items.map((item) => item.key)).toEqual(['panel-1', 'row-2', 'row-4', 'panel-6']);
    const rows = items.filter((item) => item.kind === 'row');
    expect(rows.map((row) => row.panels.map((panel) => panel.id))).toEqual([[3], [5]]);
  });

  test('panels come in reading order, and one without an id gets its own', () => {
    const { items } = planDashboard({
      panels: [
        { type: 'b', gridPos: at(0, 12) },
        { type: 'a', id: 7, gridPos: at(0, 0) },
        { type: 'c', gridPos: at(8) },
      ],
    });
    expect(items.map((item) => (item as PanelPlan).type)).toEqual(['a', 'b', 'c']);
    expect(new Set(items.map((item) => item.key)).size).toBe(3);
  });

  test('the data source is the panel’s, or with mixed ones the first target’s', () => {
    const uid = (panel: object) =>
      (planDashboard({ panels: [{ type: 'stat', ...panel }] }).items[0] as PanelPlan).datasource
        ?.uid;
    expect(uid({ datasource: '$ds' })).toBe('$ds');
    expect(uid({ datasource: { uid: '${datasource}' } })).toBe('${datasource}');
    expect(
      uid({ datasource: { uid: '-- Mixed --' }, targets: [{ datasource: { uid: 'A' } }] })
    ).toBe('A');
    expect(uid({})).toBeUndefined();
  });

  test('rows of old dashboards become a grid', () => {
    const panels = panelsOfRows([
      {
        title: 'one',
        height: '250px',
        panels: [
          { type: 'graph', span: 6 },
          { type: 'graph', span: 6 },
        ],
      },
      { title: 'two', collapse: true, panels: [{ type: 'graph', span: 12 }] },
    ]);
    expect(panels.map(({ type, gridPos }) => [type, gridPos])).toEqual([
      ['row', { x: 0, y: 0, w: 24, h: 1 }],
      ['graph', { x: 0, y: 1, w: 12, h: 7 }],
      ['graph', { x: 12, y: 1, w: 12, h: 7 }],
      ['row', { x: 0, y: 8, w: 24, h: 1 }],
    ]);
    expect(panels[3].panels).toHaveLength(1);
  });
});

test.each([
  ['', 'browser'],
  ['browser', 'browser'],
  ['UTC', 'utc'],
  ['utc', 'utc'],
  ['Europe/Berlin', 'Europe/Berlin'],
  [undefined, 'browser'],
])('time zone %o is %s', (given, wanted) => {
  expect(timezoneOf(given)).toBe(wanted);
});

test.each([[false], [null], [''], [undefined]])('refresh %o is off', (refresh) => {
  expect(planDashboard({ refresh }).refresh).toBe('');
});

describe('the dashboards we ship', () => {
  const data = (name: string) =>
    planDashboard(read(name)).items.filter(
      (item): item is PanelPlan => item.kind === 'panel' && item.targets.length > 0
    );

  test.each([
    [
      'cluster-health',
      [
        'Node CPU Utilisation',
        'Node Memory Utilisation',
        'Cluster Request Rate',
        'Total Pod Count',
        'PVC Usage',
      ],
    ],
    [
      'node-metrics',
      ['CPU Usage per Node', 'Memory Usage per Node', 'Disk I/O per Node', 'Network I/O per Node'],
    ],
    ['application-metrics', ['Request Rate', 'Error Rate', 'P95 Latency', 'Active Connections']],
  ])('%s has its panels', (name, titles) => {
    expect(read(name).uid).toBe(name);
    expect(data(name).map((panel) => panel.title)).toEqual(titles);
    for (const panel of data(name)) {
      expect(panel.description).toBeTruthy();
      expect(panel.fieldConfig.defaults.unit).toBeTruthy();
      expect(panel.fieldConfig.defaults.thresholds).toBeTruthy();
      expect(panel.datasource?.uid).toBe('${datasource}');
      expect(panel.targets.every((target) => target.expr && target.legendFormat)).toBe(true);
      expect(panel.x + panel.w).toBeLessThanOrEqual(24);
    }
  });

  test.each([['cluster-health'], ['node-metrics'], ['application-metrics']])(
    '%s asks the data source AMP by default',
    (name) => {
      const source = planDashboard(read(name)).variables.find((v) => v.type === 'datasource');
      expect(source?.current?.value).toBe('AMP');
    }
  );
});
