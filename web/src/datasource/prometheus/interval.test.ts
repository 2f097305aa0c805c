// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { align, MAX_POINTS, promDuration, rateInterval, stepFor } from './interval';

describe('the step', () => {
  test.each([
    ['follows the width', { rangeSeconds: 3600, intervalMs: 30_000 }, 30],
    ['is never under the scrape interval', { rangeSeconds: 300, intervalMs: 200 }, 15],
    [
      'takes the scrape interval of the source',
      { rangeSeconds: 300, intervalMs: 200, scrapeSeconds: 5 },
      5,
    ],
    ['takes the min step', { rangeSeconds: 3600, intervalMs: 5_000, minStepSeconds: 60 }, 60],
    [
      'lets a min step go under the scrape interval',
      { rangeSeconds: 60, intervalMs: 100, minStepSeconds: 1 },
      1,
    ],
    ['multiplies by the factor', { rangeSeconds: 3600, intervalMs: 30_000, factor: 2 }, 60],
  ])('%s', (_, input, step) => {
    expect(stepFor(input).step).toBe(step);
  });

  test('never asks for more points than Prometheus answers', () => {
    const rangeSeconds = 90 * 86400;
    const { step } = stepFor({ rangeSeconds, intervalMs: 1000 });
    expect(rangeSeconds / step).toBeLessThanOrEqual(MAX_POINTS);
  });
});

test.each([
  [15, 15, 60],
  [60, 15, 75],
  [30, 30, 120],
  [600, 60, 660],
])('$__rate_interval of step %i at scrapes every %i is %i', (step, scrape, wanted) => {
  expect(rateInterval(step, scrape)).toBe(wanted);
});

test('a range begins and ends on a multiple of the step', () => {
  expect(align(1003, 1999, 15)).toEqual({ start: 990, end: 1995 });
});

test('durations are written as PromQL reads them', () => {
  expect([promDuration(60), promDuration(0.5)]).toEqual(['60s', '500ms']);
});
