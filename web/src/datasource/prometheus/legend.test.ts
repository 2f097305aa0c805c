// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { legend, seriesName } from './legend';

test.each([
  ['{{instance}} read', { instance: 'a:9100' }, 'a:9100 read'],
  ['{{ instance }}', { instance: 'a' }, 'a'],
  ['{{missing}}x', { instance: 'a' }, 'x'],
  ['fixed', {}, 'fixed'],
  ['__auto', { __name__: 'up', job: 'node' }, 'node'],
  ['__auto', { __name__: 'up', job: 'n', instance: 'i' }, 'up{instance="i", job="n"}'],
  ['__auto', {}, 'sum(up)'],
  [undefined, { __name__: 'up' }, 'up'],
  ['', { job: 'a' }, '{job="a"}'],
])('legend %o over %o is %s', (format, metric, wanted) => {
  expect(legend(format, metric, 'sum(up)')).toBe(wanted);
});

test('labels of a name are in the order of their names', () => {
  expect(seriesName({ b: '2', __name__: 'm', a: '1' })).toBe('m{a="1", b="2"}');
});
