// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { angleOf, arcPath, END, START } from './gauge/arc';

test.each([
  [0, START],
  [100, END],
  [50, (START + END) / 2],
  [-5, START],
  [500, END],
  [NaN, START],
])('a gauge’s value %o stands at %o', (value, angle) => {
  expect(angleOf(value, 0, 100)).toBeCloseTo(angle, 9);
});

test('a gauge without a value draws no path with NaN', () => {
  expect(arcPath(10, 10, 5, START, angleOf(NaN, 0, 100))).toBe('');
  expect(arcPath(10, 10, -1, START, END)).toBe('');
  expect(arcPath(10, 10, 5, START, END)).not.toContain('NaN');
});
