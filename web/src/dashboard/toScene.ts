// SPDX-License-Identifier: Apache-2.0
import { DashboardCursorSync, type FieldConfigSource } from '@grafana/data';
import {
  behaviors,
  SceneDataTransformer,
  SceneGridItem,
  SceneGridLayout,
  SceneGridRow,
  SceneQueryRunner,
  SceneRefreshPicker,
  SceneTimePicker,
  SceneTimeRange,
  SceneVariableSet,
  VariableValueSelectors,
  VizPanel,
  type SceneDataQuery,
  type SceneGridItemLike,
  type SceneVariable,
} from '@grafana/scenes';
import type { DashboardJson } from './model';
import { inspectPanel, panelMenu } from './panelMenu';
import { planDashboard, type DashboardPlan, type PanelPlan, type RowPlan } from './plan';
import { PanelRepeat, RowRepeat } from './repeat';
import { DashboardScene } from './scene';
import { toVariable } from './variables';

const REFRESH_INTERVALS = ['5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h'];

function dataOf(plan: PanelPlan) {
  if (plan.targets.length === 0) {
    return undefined;
  }
  const runner = new SceneQueryRunner({
    datasource: plan.datasource,
    queries: plan.targets as unknown as SceneDataQuery[],
    maxDataPoints: plan.maxDataPoints,
    maxDataPointsFromWidth: plan.maxDataPoints === undefined,
    minInterval: plan.minInterval,
  });
  return plan.transformations.length
    ? new SceneDataTransformer({ $data: runner, transformations: plan.transformations })
    : runner;
}

export function toPanel(plan: PanelPlan, suffix = ''): VizPanel {
  return new VizPanel({
    key: plan.key + suffix,
    pluginId: plan.type,
    title: plan.title,
    description: plan.description,
    displayMode: plan.transparent ? 'transparent' : 'default',
    hoverHeader: plan.title === '',
    options: plan.options,
    fieldConfig: plan.fieldConfig as unknown as FieldConfigSource,
    menu: panelMenu(),
    $data: dataOf(plan),
    $timeRange: plan.timeFrom
      ? new SceneTimeRange({ from: `now-${plan.timeFrom}`, to: 'now' })
      : undefined,
    // Makes the error corner list every error and warning, and open the inspector.
    extendPanelContext: (panel, context) => {
      context.onOpenInspector = () => inspectPanel(panel, 'query');
    },
  });
}

export function toGridItem(plan: PanelPlan, suffix = '', dy = 0): SceneGridItem {
  return new SceneGridItem({
    key: `grid-${plan.key}${suffix}`,
    x: plan.x,
    y: plan.y + dy,
    width: plan.w,
    height: plan.h,
    isDraggable: false,
    isResizable: false,
    body: toPanel(plan, suffix),
  });
}

/** The items of some panels, and what draws those again that have a value for each. */
function place(panels: PanelPlan[], suffix = '', dy = 0) {
  const children: SceneGridItemLike[] = [];
  const repeats: PanelRepeat[] = [];
  for (const panel of panels) {
    const item = toGridItem(panel, suffix, dy);
    children.push(item);
    if (panel.repeat) {
      const plan = { ...panel, key: panel.key + suffix, y: panel.y + dy };
      const { variable: variableName } = panel.repeat;
      repeats.push(new PanelRepeat({ plan, variableName, first: item }));
    }
  }
  return { children, repeats };
}

export function toRow(plan: RowPlan, suffix = '', dy = 0): SceneGridRow {
  const { children, repeats } = place(plan.panels, suffix, dy);
  return new SceneGridRow({
    key: plan.key + suffix,
    title: plan.title,
    isCollapsed: plan.collapsed,
    y: plan.y + dy,
    children,
    $behaviors: repeats,
  });
}

function toItems(plan: DashboardPlan) {
  const { children, repeats } = place(plan.items.filter((item) => item.kind === 'panel'));
  const rowRepeats: RowRepeat[] = [];
  for (const row of plan.items.filter((item) => item.kind === 'row')) {
    const first = toRow(row);
    children.push(first);
    if (row.repeat) {
      rowRepeats.push(new RowRepeat({ plan: row, variableName: row.repeat, first }));
    }
  }
  children.sort((a, b) => (a.state.y ?? 0) - (b.state.y ?? 0));
  return { children, repeats: [...repeats, ...rowRepeats] };
}

export function toScene(json: DashboardJson): DashboardScene {
  const plan = planDashboard(json);
  const { children, repeats } = toItems(plan);
  return new DashboardScene({
    key: `dashboard-${json.uid ?? 'new'}`,
    json,
    title: plan.title,
    $timeRange: new SceneTimeRange({ from: plan.from, to: plan.to, timeZone: plan.timezone }),
    $variables: new SceneVariableSet({
      variables: plan.variables.map(toVariable).filter((v): v is SceneVariable => v !== undefined),
    }),
    $behaviors: [
      new behaviors.CursorSync({ key: 'cursor', sync: plan.tooltip as DashboardCursorSync }),
      new behaviors.SceneQueryController(),
    ],
    selectors: new VariableValueSelectors({}),
    timePicker: new SceneTimePicker({ isOnCanvas: true }),
    refreshPicker: new SceneRefreshPicker({
      refresh: plan.refresh,
      intervals: REFRESH_INTERVALS,
      isOnCanvas: true,
      withText: false,
    }),
    body: new SceneGridLayout({
      isLazy: true,
      isDraggable: false,
      isResizable: false,
      children,
      $behaviors: repeats,
    }),
  });
}
