// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { parseVariableQuery } from './variables';

test.each([
  [
    'label_values(node_cpu_seconds_total, instance)',
    { kind: 'labelValues', label: 'instance', match: 'node_cpu_seconds_total' },
  ],
  [
    'label_values(up{job="a,b"}, instance)',
    { kind: 'labelValues', label: 'instance', match: 'up{job="a,b"}' },
  ],
  ['label_values(job)', { kind: 'labelValues', label: 'job', match: undefined }],
  ['label_names()', { kind: 'labelNames', match: undefined }],
  ['label_names(up)', { kind: 'labelNames', match: 'up' }],
  ['metrics(node_.*)', { kind: 'metrics', regex: 'node_.*' }],
  ['query_result(topk(3, up))', { kind: 'queryResult', expr: 'topk(3, up)' }],
  ['up{job="x"}', { kind: 'series', match: 'up{job="x"}' }],
])('%s', (text, wanted) => {
  expect(parseVariableQuery(text)).toEqual(wanted);
});
