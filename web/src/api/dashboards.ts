// SPDX-License-Identifier: Apache-2.0
import type { DashboardJson } from '../dashboard/model';
import { get } from './client';

export interface SearchHit {
  uid: string;
  title: string;
  url: string;
  type: 'dash-db' | 'dash-folder';
  tags?: string[];
  folderUid?: string;
  folderTitle?: string;
}

export interface DashboardMeta {
  folderUid?: string;
  folderTitle?: string;
  url?: string;
  slug?: string;
  version?: number;
  canSave?: boolean;
  created?: string;
  updated?: string;
  updatedBy?: string;
  provisioned?: boolean;
}

/** Grafana's own limit for one page of a search. */
const SEARCH_LIMIT = 1000;

export const searchDashboards = (query = '') =>
  get<SearchHit[]>('search', { query: query || undefined, limit: SEARCH_LIMIT });

export const dashboardByUid = (uid: string) =>
  get<{ meta: DashboardMeta; dashboard: DashboardJson }>(
    `dashboards/uid/${encodeURIComponent(uid)}`
  );
