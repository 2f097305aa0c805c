// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { interpolateValue } from './interpolate';

test.each([
  ['10.0.0.1:9100', { multi: true }, '10\\\\.0\\\\.0\\\\.1:9100'],
  [['a', 'b'], { multi: true }, '(a|b)'],
  [['a.b'], { multi: true }, 'a\\\\.b'],
  ['5m', {}, '5m'],
  ['.*', undefined, '.*'],
  ['a(b)', { includeAll: true }, 'a\\\\(b\\\\)'],
])('%o of %o is written %s', (value, variable, wanted) => {
  expect(interpolateValue(value, variable)).toBe(wanted);
});
