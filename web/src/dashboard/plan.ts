// SPDX-License-Identifier: Apache-2.0
// Dashboard JSON -> what to draw, with every default decided. Pure: no scene objects here.
import type { DataSourceRef, DataTransformerConfig } from '@grafana/schema';
import type {
  DashboardJson,
  DatasourceRefJson,
  GridPos,
  LinkJson,
  PanelJson,
  RowJson,
  TargetJson,
  VariableJson,
} from './model';

export interface PanelPlan extends GridPos {
  kind: 'panel';
  key: string;
  id: number;
  type: string;
  title: string;
  description?: string;
  transparent: boolean;
  datasource?: DataSourceRef;
  targets: TargetJson[];
  transformations: DataTransformerConfig[];
  options: Record<string, unknown>;
  fieldConfig: { defaults: Record<string, unknown>; overrides: unknown[] };
  maxDataPoints?: number;
  minInterval?: string;
  timeFrom?: string;
  links: LinkJson[];
  repeat?: { variable: string; direction: 'h' | 'v'; maxPerRow: number };
  json: PanelJson;
}

export interface RowPlan {
  kind: 'row';
  key: string;
  title: string;
  collapsed: boolean;
  y: number;
  repeat?: string;
  panels: PanelPlan[];
}

export type ItemPlan = PanelPlan | RowPlan;

export interface DashboardPlan {
  title: string;
  description: string;
  tags: string[];
  from: string;
  to: string;
  timezone: string;
  refresh: string;
  tooltip: number;
  variables: VariableJson[];
  links: LinkJson[];
  items: ItemPlan[];
}

export const COLUMNS = 24;
const DEFAULT_POS: GridPos = { x: 0, y: 0, w: 12, h: 8 };
/** One grid row is 30 px high with 8 px between rows; old rows carry a height in pixels. */
const GRID_ROW_PX = 38;
const OLD_ROW_PX = 250;

function refOf(datasource: DatasourceRefJson | undefined): DataSourceRef | undefined {
  if (!datasource) {
    return undefined;
  }
  return typeof datasource === 'string' ? { uid: datasource } : datasource;
}

/** A panel may leave its data source to its targets; "mixed" always does. */
function panelDatasource(panel: PanelJson): DataSourceRef | undefined {
  const own = refOf(panel.datasource);
  if (own && own.uid !== '-- Mixed --') {
    return own;
  }
  return refOf(panel.targets?.find((target) => target.datasource)?.datasource) ?? undefined;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function targetsOf(panel: PanelJson): TargetJson[] {
  return (panel.targets ?? []).map((target, i) => ({
    ...target,
    refId: target.refId ?? LETTERS[i % LETTERS.length],
  }));
}

const repeatOf = (panel: PanelJson): PanelPlan['repeat'] =>
  panel.repeat
    ? {
        variable: panel.repeat,
        direction: panel.repeatDirection === 'v' ? 'v' : 'h',
        maxPerRow: panel.maxPerRow ?? 4,
      }
    : undefined;

function planPanel(panel: PanelJson, fallbackId: number): PanelPlan {
  const id = panel.id ?? fallbackId;
  const pos = { ...DEFAULT_POS, ...panel.gridPos };
  return {
    kind: 'panel',
    key: `panel-${id}`,
    id,
    type: panel.type,
    title: panel.title ?? '',
    description: panel.description,
    transparent: panel.transparent ?? false,
    x: Math.min(pos.x, COLUMNS - 1),
    y: pos.y,
    w: Math.min(pos.w, COLUMNS),
    h: Math.max(1, pos.h),
    datasource: panelDatasource(panel),
    targets: targetsOf(panel),
    transformations: panel.transformations ?? [],
    options: panel.options ?? {},
    fieldConfig: {
      defaults: panel.fieldConfig?.defaults ?? {},
      overrides: panel.fieldConfig?.overrides ?? [],
    },
    maxDataPoints: panel.maxDataPoints ?? undefined,
    minInterval: panel.interval ?? undefined,
    timeFrom: panel.timeFrom ?? undefined,
    links: panel.links ?? [],
    repeat: repeatOf(panel),
    json: panel,
  };
}

/** Dashboards before schema version 16 hold rows of panels with a span of 12 columns. */
export function panelsOfRows(rows: RowJson[]): PanelJson[] {
  const out: PanelJson[] = [];
  let y = 0;
  for (const row of rows) {
    const pixels = Number.parseInt(String(row.height ?? OLD_ROW_PX), 10) || OLD_ROW_PX;
    const h = Math.max(3, Math.round(pixels / GRID_ROW_PX));
    let x = 0;
    const placed = (row.panels ?? []).map((panel) => {
      const w = Math.max(1, Math.round((panel.span ?? 4) * (COLUMNS / 12)));
      if (x + w > COLUMNS) {
        x = 0;
        y += h;
      }
      const gridPos = { x, y: y + 1, w, h };
      x += w;
      return { ...panel, gridPos };
    });
    const collapsed = Boolean(row.collapse);
    out.push({
      type: 'row',
      title: row.title ?? '',
      collapsed,
      repeat: row.repeat ?? undefined,
      gridPos: { x: 0, y: placed[0]?.gridPos.y ? placed[0].gridPos.y - 1 : y, w: COLUMNS, h: 1 },
      panels: collapsed ? placed : [],
    });
    if (!collapsed) {
      out.push(...placed);
    }
    y += h + 1;
  }
  return out;
}

const yOf = (panel: PanelJson) => panel.gridPos?.y ?? 0;
const xOf = (panel: PanelJson) => panel.gridPos?.x ?? 0;

function planItems(panels: PanelJson[]): ItemPlan[] {
  const items: ItemPlan[] = [];
  let row: RowPlan | undefined;
  // Ids must be unique: they name a panel in the URL.
  let nextId =
    1 + Math.max(0, ...panels.flatMap((p) => [p, ...(p.panels ?? [])]).map((p) => p.id ?? 0));
  for (const panel of [...panels].sort((a, b) => yOf(a) - yOf(b) || xOf(a) - xOf(b))) {
    if (panel.type === 'row') {
      row = {
        kind: 'row',
        key: `row-${panel.id ?? nextId++}`,
        title: panel.title ?? '',
        collapsed: panel.collapsed ?? false,
        y: yOf(panel),
        repeat: panel.repeat || undefined,
        panels: (panel.panels ?? []).map((inner) => planPanel(inner, nextId++)),
      };
      items.push(row);
    } else {
      const plan = planPanel(panel, nextId++);
      (row && !row.collapsed ? row.panels : items).push(plan);
    }
  }
  return items;
}

/** `refresh` is written in several ways for "off": "", false, null, absent. */
const refreshOf = (refresh: DashboardJson['refresh']) =>
  typeof refresh === 'string' ? refresh : '';

/** "" and "browser" mean the reader's zone; "UTC" is spelt in both cases. */
export function timezoneOf(timezone: string | undefined): string {
  if (!timezone || timezone === 'browser') {
    return 'browser';
  }
  return timezone.toLowerCase() === 'utc' ? 'utc' : timezone;
}

export function planDashboard(json: DashboardJson): DashboardPlan {
  const panels = json.panels ?? (json.rows ? panelsOfRows(json.rows) : []);
  return {
    title: json.title ?? 'Untitled dashboard',
    description: json.description ?? '',
    tags: json.tags ?? [],
    from: json.time?.from ?? 'now-6h',
    to: json.time?.to ?? 'now',
    timezone: timezoneOf(json.timezone),
    refresh: refreshOf(json.refresh),
    tooltip: json.graphTooltip ?? 0,
    variables: json.templating?.list ?? [],
    links: json.links ?? [],
    items: planItems(panels),
  };
}
