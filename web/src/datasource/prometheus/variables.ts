// SPDX-License-Identifier: Apache-2.0
// The query language of dashboard variables:
// https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/

export type VariableQuery =
  | { kind: 'labelNames'; match?: string }
  | { kind: 'labelValues'; label: string; match?: string }
  | { kind: 'metrics'; regex: string }
  | { kind: 'queryResult'; expr: string }
  | { kind: 'series'; match: string };

export function parseVariableQuery(text: string): VariableQuery {
  const query = text.trim();
  let match = /^label_names\((.*)\)$/s.exec(query);
  if (match) {
    return { kind: 'labelNames', match: match[1].trim() || undefined };
  }
  match = /^label_values\((?:(.+),\s*)?([a-zA-Z_]\w*)\s*\)$/s.exec(query);
  if (match) {
    return { kind: 'labelValues', label: match[2], match: match[1]?.trim() };
  }
  match = /^metrics\((.*)\)$/s.exec(query);
  if (match) {
    return { kind: 'metrics', regex: match[1] };
  }
  match = /^query_result\((.+)\)$/s.exec(query);
  if (match) {
    return { kind: 'queryResult', expr: match[1] };
  }
  return { kind: 'series', match: query };
}
