// SPDX-License-Identifier: Apache-2.0
import type { DataQuery } from '@grafana/schema';

/** A target as dashboards hold it. */
export interface PromQuery extends DataQuery {
  expr: string;
  legendFormat?: string;
  /** Minimum step, may hold a variable. */
  interval?: string;
  intervalFactor?: number;
  instant?: boolean;
  range?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
}
