// SPDX-License-Identifier: Apache-2.0

const UNITS: Array<[Intl.RelativeTimeFormatUnit, number]> = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });

/** "12 sec. ago"; an empty or zero time (Go's year 1) is "never". */
export function ago(iso: string | undefined, now = Date.now()): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (!Number.isFinite(at) || at <= 0) {
    return 'never';
  }
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 1) {
    return 'just now';
  }
  const [unit, size] = UNITS.find(([, s]) => Math.abs(seconds) >= s) ?? UNITS[3];
  return relative.format(Math.round(seconds / size), unit);
}

/** 0.0123 -> "12.3 ms" */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) {
    return '–';
  }
  if (seconds < 1) {
    return `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
  }
  if (seconds < 60) {
    return `${Number(seconds.toFixed(1))} s`;
  }
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds % 60);
  if (minutes >= 60 && minutes % 60 === 0 && rest === 0) {
    return `${minutes / 60} h`;
  }
  return rest ? `${minutes} m ${rest} s` : `${minutes} m`;
}
