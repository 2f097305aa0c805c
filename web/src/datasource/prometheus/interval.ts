// SPDX-License-Identifier: Apache-2.0
// How a panel's width becomes a step and a rate window, as Grafana documents it:
// https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/

/** What Prometheus scrapes at unless the data source says otherwise. */
export const DEFAULT_SCRAPE_SECONDS = 15;

/** Prometheus refuses a range query with more points than this. */
export const MAX_POINTS = 11_000;

export interface StepInput {
  /** Width of the time range, seconds. */
  rangeSeconds: number;
  /** $__interval that the panel's width asks for, milliseconds. */
  intervalMs: number;
  /** The target's "min step", seconds. */
  minStepSeconds?: number;
  scrapeSeconds?: number;
  factor?: number;
}

export interface Step {
  step: number;
  rateInterval: number;
}

/** Seconds. Never more than MAX_POINTS, never under the scrape interval or the min step. */
export function stepFor(input: StepInput): Step {
  const scrape = input.scrapeSeconds ?? DEFAULT_SCRAPE_SECONDS;
  const floor = input.minStepSeconds ?? scrape;
  const asked = Math.max(input.intervalMs / 1000, floor) * Math.max(1, input.factor ?? 1);
  const safe = input.rangeSeconds / MAX_POINTS;
  const step = asked >= safe ? asked : Math.ceil(safe);
  return { step, rateInterval: rateInterval(step, input.minStepSeconds ?? scrape) };
}

/** max($__interval + scrape interval, 4 * scrape interval) */
export const rateInterval = (step: number, scrape: number) => Math.max(step + scrape, 4 * scrape);

/** Range queries start on a multiple of the step, so that a refresh moves no point. */
export function align(startSeconds: number, endSeconds: number, step: number) {
  return {
    start: Math.floor(startSeconds / step) * step,
    end: Math.floor(endSeconds / step) * step,
  };
}

/** 90 -> "90s", 0.5 -> "500ms"; what PromQL accepts as a duration. */
export function promDuration(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.max(1, Math.round(seconds * 1000))}ms`;
}
