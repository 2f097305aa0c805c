// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { ago, duration } from './time';

const now = Date.parse('2026-11-22T12:00:00Z');

test.each([
  ['2026-11-22T11:59:48Z', /12\s?s/],
  ['2026-11-22T11:57:00Z', /3\s?m/],
  ['2026-11-21T11:00:00Z', /1\s?d/],
  ['0001-01-01T00:00:00Z', /^never$/],
  [undefined, /^never$/],
  ['nonsense', /^never$/],
  ['2026-11-22T12:00:00Z', /^just now$/],
])('%s is said as %s', (iso, said) => {
  expect(ago(iso, now)).toMatch(said);
});

test.each([
  [0.0123, '12.3 ms'],
  [0.5, '500 ms'],
  [5, '5 s'],
  [60, '1 m'],
  [90, '1 m 30 s'],
  [3600, '1 h'],
  [undefined, '–'],
  [NaN, '–'],
])('%o seconds are %s', (seconds, said) => {
  expect(duration(seconds)).toBe(said);
});
