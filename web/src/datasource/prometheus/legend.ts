// SPDX-License-Identifier: Apache-2.0
import type { Labels } from '../../api/prometheus';

/** "http_requests_total{code="200"}", with labels in the order of their names. */
export function seriesName(metric: Labels): string {
  const { __name__: name = '', ...labels } = metric;
  const keys = Object.keys(labels).sort();
  if (keys.length === 0) {
    return name;
  }
  return `${name}{${keys.map((key) => `${key}="${labels[key]}"`).join(', ')}}`;
}

/** {{label}} becomes the label's value, an unknown label the empty string, as Grafana does. */
export const renderLegend = (format: string, metric: Labels) =>
  format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label: string) => metric[label] ?? '');

/**
 * The name of a series. `__auto`: the value of the one label that differs between the series of
 * this answer where there is exactly one label, else the whole name; a series with neither name
 * nor labels is called by its expression.
 */
export function legend(format: string | undefined, metric: Labels, expr: string): string {
  if (format && format !== '__auto') {
    return renderLegend(format, metric);
  }
  if (format === '__auto') {
    const { __name__: _name, ...labels } = metric;
    const values = Object.values(labels);
    if (values.length === 1) {
      return values[0];
    }
  }
  return seriesName(metric) || expr;
}
