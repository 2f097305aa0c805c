// SPDX-License-Identifier: Apache-2.0
// Explore's address, in the form Grafana writes: one pane with a data source, queries, a range.

export interface ExploreQuery {
  refId: string;
  expr: string;
  legendFormat?: string;
  hide?: boolean;
}

export interface ExploreState {
  datasource: string;
  queries: ExploreQuery[];
  from: string;
  to: string;
}

export function exploreUrl(state: ExploreState): string {
  const pane = {
    datasource: state.datasource,
    queries: state.queries.map((query) => ({
      ...query,
      datasource: { type: 'prometheus', uid: state.datasource },
    })),
    range: { from: state.from, to: state.to },
  };
  const params = new URLSearchParams({
    schemaVersion: '1',
    panes: JSON.stringify({ a: pane }),
    orgId: '1',
  });
  return `/explore?${params.toString()}`;
}

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null;
const text = (x: unknown, fallback: string) => (typeof x === 'string' && x ? x : fallback);

export const DEFAULT_EXPLORE: ExploreState = {
  datasource: '',
  queries: [{ refId: 'A', expr: '' }],
  from: 'now-1h',
  to: 'now',
};

/** What the address says, and the default for whatever it does not say or says wrongly. */
export function parseExplore(search: string): ExploreState {
  let panes: unknown;
  try {
    panes = JSON.parse(new URLSearchParams(search).get('panes') ?? '{}');
  } catch {
    return DEFAULT_EXPLORE;
  }
  const pane = isRecord(panes) ? Object.values(panes).find(isRecord) : undefined;
  if (!pane) {
    return DEFAULT_EXPLORE;
  }
  const range = isRecord(pane.range) ? pane.range : {};
  const queries = (Array.isArray(pane.queries) ? pane.queries : [])
    .filter(isRecord)
    .map((query, i) => ({
      refId: text(query.refId, String.fromCharCode(65 + i)),
      expr: text(query.expr, ''),
      ...(query.hide === true ? { hide: true } : {}),
      ...(typeof query.legendFormat === 'string' ? { legendFormat: query.legendFormat } : {}),
    }));
  return {
    datasource: text(pane.datasource, ''),
    queries: queries.length ? queries : DEFAULT_EXPLORE.queries,
    from: text(range.from, DEFAULT_EXPLORE.from),
    to: text(range.to, DEFAULT_EXPLORE.to),
  };
}
