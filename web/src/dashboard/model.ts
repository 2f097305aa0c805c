// SPDX-License-Identifier: Apache-2.0
// Classic dashboard JSON, as far as it is read here. Everything else is kept as it is.
import type { DataSourceRef, DataTransformerConfig } from '@grafana/schema';

export type DatasourceRefJson = DataSourceRef | string | null;

export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface TargetJson {
  refId?: string;
  expr?: string;
  datasource?: DatasourceRefJson;
  hide?: boolean;
  [key: string]: unknown;
}

export interface LinkJson {
  title?: string;
  url?: string;
  type?: string;
  tags?: string[];
  targetBlank?: boolean;
  includeVars?: boolean;
  keepTime?: boolean;
  asDropdown?: boolean;
  icon?: string;
  tooltip?: string;
}

export interface PanelJson {
  id?: number;
  type: string;
  title?: string;
  description?: string;
  transparent?: boolean;
  gridPos?: Partial<GridPos>;
  datasource?: DatasourceRefJson;
  targets?: TargetJson[];
  transformations?: DataTransformerConfig[];
  options?: Record<string, unknown>;
  fieldConfig?: { defaults?: Record<string, unknown>; overrides?: unknown[] };
  maxDataPoints?: number | null;
  interval?: string | null;
  timeFrom?: string | null;
  links?: LinkJson[];
  repeat?: string;
  repeatDirection?: 'h' | 'v';
  maxPerRow?: number;
  collapsed?: boolean;
  panels?: PanelJson[];
  [key: string]: unknown;
}

export interface VariableJson {
  name: string;
  type: string;
  label?: string | null;
  description?: string | null;
  hide?: number;
  skipUrlSync?: boolean;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string | null;
  current?: { text?: string | string[]; value?: string | string[] } | null;
  datasource?: DatasourceRefJson;
  query?: string | { query?: string; refId?: string; [key: string]: unknown };
  regex?: string;
  refresh?: number | boolean;
  sort?: number;
  auto?: boolean;
  auto_count?: number;
  auto_min?: string;
  filters?: Array<{ key: string; operator: string; value: string }>;
  [key: string]: unknown;
}

export interface RowJson {
  title?: string;
  collapse?: boolean;
  height?: string | number;
  repeat?: string | null;
  showTitle?: boolean;
  panels?: Array<PanelJson & { span?: number }>;
}

export interface DashboardJson {
  uid?: string;
  title?: string;
  description?: string;
  tags?: string[];
  schemaVersion?: number;
  version?: number;
  time?: { from?: string; to?: string };
  refresh?: string | boolean | null;
  timezone?: string;
  graphTooltip?: number;
  templating?: { list?: VariableJson[] };
  annotations?: { list?: unknown[] };
  links?: LinkJson[];
  panels?: PanelJson[];
  /** Before schema version 16. */
  rows?: RowJson[];
  [key: string]: unknown;
}
