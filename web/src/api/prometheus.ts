// SPDX-License-Identifier: Apache-2.0
// Prometheus' HTTP API behind the data source proxy.
// https://prometheus.io/docs/prometheus/latest/querying/api/
import { basePath } from '../lib/basePath';
import { ApiError, getWithHeaders, postForm, type Answer, type Params } from './client';

export type Labels = Record<string, string>;
export type Sample = [number, string];

export interface VectorSample {
  metric: Labels;
  value: Sample;
}

export interface MatrixSeries {
  metric: Labels;
  values: Sample[];
}

export type QueryData =
  | { resultType: 'vector'; result: VectorSample[] }
  | { resultType: 'matrix'; result: MatrixSeries[] }
  | { resultType: 'scalar' | 'string'; result: Sample };

export interface Outcome<T> {
  data: T;
  warnings: string[];
  infos: string[];
}

export interface Target {
  scrapePool: string;
  scrapeUrl: string;
  globalUrl?: string;
  labels: Labels;
  discoveredLabels?: Labels;
  health: 'up' | 'down' | 'unknown';
  lastError?: string;
  lastScrape?: string;
  lastScrapeDuration?: number;
  scrapeInterval?: string;
  scrapeTimeout?: string;
}

export interface ActiveAlert {
  labels: Labels;
  annotations?: Labels;
  state: string;
  activeAt?: string;
  value?: string;
}

export interface Rule {
  name: string;
  query: string;
  type: 'alerting' | 'recording';
  duration?: number;
  labels?: Labels;
  annotations?: Labels;
  alerts?: ActiveAlert[];
  state?: 'firing' | 'pending' | 'inactive' | 'unknown';
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  lastEvaluation?: string;
  evaluationTime?: number;
}

export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  rules: Rule[];
  /** Why the newest text of the group is not in use; hearth's own. */
  loadErrors?: string[];
}

interface Envelope<T> {
  status: 'success' | 'error';
  data?: T;
  error?: string;
  errorType?: string;
  warnings?: string[];
  infos?: string[];
}

/** hearth's own remark on a proxied query, such as a workspace without a role. */
const WARNING_HEADER = 'X-Hearth-Warning';

const proxy = (uid: string) => `datasources/proxy/uid/${encodeURIComponent(uid)}`;

/** The address codemirror-promql asks for its completions. */
export const proxyUrl = (uid: string) => `${basePath}/api/${proxy(uid)}`;

function open<T>({ body, headers }: Answer<Envelope<T>>): Outcome<T> {
  if (body.status !== 'success' || body.data === undefined) {
    throw new ApiError(200, body.error ?? 'the answer holds no data', body.errorType);
  }
  remark(headers.get(WARNING_HEADER));
  return { data: body.data, warnings: body.warnings ?? [], infos: body.infos ?? [] };
}

// The same on every answer of a workspace: told once, not by each panel.
let remarks: readonly string[] = [];
const listeners = new Set<() => void>();

function remark(text: string | null) {
  if (text && !remarks.includes(text)) {
    remarks = [...remarks, text];
    listeners.forEach((listener) => listener());
  }
}

/** What hearth itself remarked on the queries of this page so far; see useSyncExternalStore. */
export const serverRemarks = () => remarks;
export function onRemark(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

async function readWithNotes<T>(uid: string, path: string, params: Params = {}) {
  return open<T>(await getWithHeaders(`${proxy(uid)}/api/v1/${path}`, params));
}

async function read<T>(uid: string, path: string, params: Params = {}): Promise<T> {
  return (await readWithNotes<T>(uid, path, params)).data;
}

async function ask(uid: string, path: string, params: Params, method: string) {
  const url = `${proxy(uid)}/api/v1/${path}`;
  const send =
    method === 'GET' ? getWithHeaders<Envelope<QueryData>> : postForm<Envelope<QueryData>>;
  return open(await send(url, params));
}

export const queryInstant = (uid: string, query: string, time: number, method = 'POST') =>
  ask(uid, 'query', { query, time }, method);

export const queryRange = (
  uid: string,
  query: string,
  start: number,
  end: number,
  step: number,
  method = 'POST'
) => ask(uid, 'query_range', { query, start, end, step }, method);

export const labelNames = (uid: string, params: Params) => read<string[]>(uid, 'labels', params);
export const labelValues = (uid: string, label: string, params: Params) =>
  read<string[]>(uid, `label/${encodeURIComponent(label)}/values`, params);
export const series = (uid: string, params: Params) => read<Labels[]>(uid, 'series', params);
export const targets = (uid: string) =>
  read<{ activeTargets: Target[]; droppedTargets?: unknown[] }>(uid, 'targets', {
    state: 'active',
  });
/** Warnings are texts that are not in use because of errors, and groups that are too slow. */
export const rules = (uid: string) => readWithNotes<{ groups: RuleGroup[] }>(uid, 'rules');
