// SPDX-License-Identifier: Apache-2.0

/** Where a gauge begins and ends, radians clockwise from three o'clock. */
export const START = Math.PI * 0.86;
export const END = Math.PI * 2.14;

/** The angle of a value; one that is not a number stands at the start. */
export function angleOf(value: number, min: number, max: number): number {
  const share = (value - min) / (max - min || 1);
  return START + (END - START) * Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
}

/** An SVG path from one angle to another; empty when there is nothing to draw. */
export function arcPath(cx: number, cy: number, r: number, from: number, to: number): string {
  if (!(r > 0) || to - from < 0.001) {
    return '';
  }
  const at = (angle: number) => `${cx + r * Math.cos(angle)} ${cy + r * Math.sin(angle)}`;
  return `M${at(from)}A${r} ${r} 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}`;
}
