// SPDX-License-Identifier: Apache-2.0
// Prometheus' answers as Grafana data frames.
import {
  DataFrameType,
  FieldType,
  toDataFrame,
  type DataFrame,
  type QueryResultMeta,
} from '@grafana/data';
import type { Labels, MatrixSeries, Outcome, QueryData, Sample } from '../../api/prometheus';
import { legend } from './legend';
import type { PromQuery } from './types';

export interface Asked {
  query: PromQuery;
  /** The expression as sent. */
  expr: string;
  step: number;
  /** More than one target fills a table: its value columns are told apart by refId. */
  severalTargets: boolean;
}

/** "+Inf", "-Inf" and "NaN" are Prometheus' spelling. */
export function parseValue(text: string): number {
  switch (text) {
    case '+Inf':
    case 'Inf':
      return Infinity;
    case '-Inf':
      return -Infinity;
    default:
      return Number.parseFloat(text);
  }
}

const millis = (sample: Sample) => sample[0] * 1000;

function asSeries(data: QueryData): MatrixSeries[] {
  switch (data.resultType) {
    case 'matrix':
      return data.result;
    case 'vector':
      return data.result.map(({ metric, value }) => ({ metric, values: [value] }));
    default:
      return [{ metric: {}, values: [data.result] }];
  }
}

function metaOf(asked: Asked, outcome: Outcome<QueryData>): QueryResultMeta {
  return {
    type: DataFrameType.TimeSeriesMulti,
    custom: { resultType: outcome.data.resultType },
    executedQueryString: `Expr: ${asked.expr}\nStep: ${asked.step}s`,
    notices: [
      ...outcome.warnings.map((text) => ({ severity: 'warning' as const, text })),
      ...outcome.infos.map((text) => ({ severity: 'info' as const, text })),
    ],
  };
}

function tableFrame(asked: Asked, series: MatrixSeries[], meta: QueryResultMeta): DataFrame {
  const rows = series.flatMap(({ metric, values }) => values.map((value) => ({ metric, value })));
  const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const column = (label: string) =>
    rows.map(({ metric }: { metric: Labels }) => metric[label] ?? '');
  return toDataFrame({
    refId: asked.query.refId,
    meta: { ...meta, preferredVisualisationType: 'table' },
    fields: [
      { name: 'Time', type: FieldType.time, values: rows.map(({ value }) => millis(value)) },
      ...labels.map((label) => ({
        name: label,
        type: FieldType.string,
        config: { filterable: true },
        values: column(label),
      })),
      {
        name: asked.severalTargets ? `Value #${asked.query.refId}` : 'Value',
        type: FieldType.number,
        values: rows.map(({ value }) => parseValue(value[1])),
      },
    ],
  });
}

function seriesFrame(asked: Asked, one: MatrixSeries, meta: QueryResultMeta): DataFrame {
  return toDataFrame({
    refId: asked.query.refId,
    meta,
    fields: [
      {
        name: 'Time',
        type: FieldType.time,
        // Where a step is missing the graph breaks its line.
        config: { interval: asked.step * 1000 },
        values: one.values.map(millis),
      },
      {
        name: 'Value',
        type: FieldType.number,
        labels: one.metric,
        config: { displayNameFromDS: legend(asked.query.legendFormat, one.metric, asked.expr) },
        values: one.values.map((sample) => parseValue(sample[1])),
      },
    ],
  });
}

export function toFrames(asked: Asked, outcome: Outcome<QueryData>): DataFrame[] {
  const meta = metaOf(asked, outcome);
  const series = asSeries(outcome.data);
  if (series.length === 0) {
    // Without fields: panels say "no data", and find the query and the warnings here.
    return [toDataFrame({ refId: asked.query.refId, meta, fields: [] })];
  }
  if (asked.query.format === 'table') {
    return [tableFrame(asked, series, meta)];
  }
  return series.map((one) => seriesFrame(asked, one, meta));
}
