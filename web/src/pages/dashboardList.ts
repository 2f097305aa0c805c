// SPDX-License-Identifier: Apache-2.0
// Search hits as the lists show them. Pure.
import type { SearchHit } from '../api/dashboards';
import { basePath } from '../lib/basePath';

export interface FolderGroup {
  uid: string;
  title: string;
  dashboards: SearchHit[];
}

/** The address inside the workspace; the API's url may carry the base path or not. */
export function hitPath(hit: SearchHit, base = basePath): string {
  const url = hit.url || `/d/${hit.uid}`;
  return base && url.startsWith(`${base}/`) ? url.slice(base.length) : url;
}

const byTitle = (a: { title: string }, b: { title: string }) => a.title.localeCompare(b.title);

export const GENERAL = 'General';

/** Dashboards under their folders, by name; those in no folder come first, empty folders last. */
export function groupByFolder(hits: SearchHit[], text = '', tag?: string): FolderGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (hit: SearchHit) => {
    const name =
      `${hit.title} ${hit.folderTitle ?? ''} ${(hit.tags ?? []).join(' ')}`.toLowerCase();
    return words.every((word) => name.includes(word)) && (!tag || (hit.tags ?? []).includes(tag));
  };
  const groups = new Map<string, FolderGroup>();
  const narrowed = words.length > 0 || Boolean(tag);
  for (const hit of hits) {
    if (hit.type === 'dash-folder' && !narrowed) {
      groups.set(hit.uid, { uid: hit.uid, title: hit.title, dashboards: [] });
    }
  }
  for (const hit of hits.filter((one) => one.type === 'dash-db' && matches(one))) {
    const uid = hit.folderUid ?? '';
    const group = groups.get(uid) ?? {
      uid,
      title: uid ? (hit.folderTitle ?? uid) : GENERAL,
      dashboards: [],
    };
    group.dashboards.push(hit);
    groups.set(uid, group);
  }
  const rank = (group: FolderGroup) => (group.uid === '' ? 0 : group.dashboards.length ? 1 : 2);
  return [...groups.values()]
    .map((group) => ({ ...group, dashboards: group.dashboards.sort(byTitle) }))
    .sort((a, b) => rank(a) - rank(b) || byTitle(a, b));
}

export const allTags = (hits: SearchHit[]) =>
  [...new Set(hits.flatMap((hit) => hit.tags ?? []))].sort();
