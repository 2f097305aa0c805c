// SPDX-License-Identifier: Apache-2.0
// Links of a dashboard to others and to elsewhere. Pure.
import type { SearchHit } from '../api/dashboards';
import type { LinkJson } from './model';

/** What a link may take along: the range and the variables, as the address has them now. */
export function carried(search: string, link: LinkJson): string {
  const now = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const [key, value] of now) {
    const isTime = key === 'from' || key === 'to' || key === 'timezone';
    if ((link.keepTime && isTime) || (link.includeVars && key.startsWith('var-'))) {
      kept.append(key, value);
    }
  }
  return kept.toString();
}

export function withQuery(url: string, query: string): string {
  return query ? `${url}${url.includes('?') ? '&' : '?'}${query}` : url;
}

/** The dashboards that carry every tag of the link. */
export const tagged = (hits: SearchHit[], link: LinkJson) =>
  hits.filter(
    (hit) =>
      hit.type === 'dash-db' && (link.tags ?? []).every((tag) => (hit.tags ?? []).includes(tag))
  );
