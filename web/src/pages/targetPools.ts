// SPDX-License-Identifier: Apache-2.0
import type { Target } from '../api/prometheus';

export interface TargetTotals {
  up: number;
  down: number;
  unknown: number;
  total: number;
}

export function targetTotals(targets: Target[]): TargetTotals {
  const count = (health: Target['health']) => targets.filter((t) => t.health === health).length;
  return { up: count('up'), down: count('down'), unknown: count('unknown'), total: targets.length };
}

export interface Pool extends TargetTotals {
  name: string;
  targets: Target[];
}

const HEALTH_ORDER = { down: 0, unknown: 1, up: 2 };

/** Targets under their scrape pool; within a pool, those that fail come first. */
export function poolsOf(targets: Target[], text = '', onlyDown = false): Pool[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (target: Target) => {
    const all = [
      target.scrapePool,
      target.scrapeUrl,
      target.lastError ?? '',
      ...Object.entries(target.labels).map(([key, value]) => `${key}="${value}"`),
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => all.includes(word)) && (!onlyDown || target.health !== 'up');
  };
  const pools = new Map<string, Target[]>();
  for (const target of targets.filter(matches)) {
    pools.set(target.scrapePool, [...(pools.get(target.scrapePool) ?? []), target]);
  }
  return [...pools]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, members]) => ({
      name,
      ...targetTotals(members),
      targets: members.sort(
        (a, b) =>
          HEALTH_ORDER[a.health] - HEALTH_ORDER[b.health] || a.scrapeUrl.localeCompare(b.scrapeUrl)
      ),
    }));
}
