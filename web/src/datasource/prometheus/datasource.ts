// SPDX-License-Identifier: Apache-2.0
import {
  DataSourceApi,
  PluginType,
  rangeUtil,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
  type DataSourceJsonData,
  type MetricFindValue,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { from, type Observable } from 'rxjs';
import type { DataSourceInfo } from '../../api/datasources';
import * as prometheus from '../../api/prometheus';
import { toFrames } from './frames';
import { align, DEFAULT_SCRAPE_SECONDS, promDuration, stepFor } from './interval';
import { interpolateValue } from './interpolate';
import { seriesName } from './legend';
import type { PromQuery } from './types';
import { parseVariableQuery } from './variables';

const seconds = (ms: number) => ms / 1000;
const scoped = (text: string, value: unknown = text) => ({ text, value });

function instanceSettings(info: DataSourceInfo): DataSourceInstanceSettings {
  return {
    id: info.id,
    uid: info.uid,
    name: info.name,
    type: info.type,
    isDefault: info.isDefault,
    jsonData: (info.jsonData ?? {}) as DataSourceJsonData,
    access: 'proxy',
    readOnly: true,
    meta: {
      id: info.type,
      name: 'Prometheus',
      type: PluginType.datasource,
      module: '',
      baseUrl: '',
      annotations: true,
      metrics: true,
      info: {
        author: { name: 'hearth' },
        description: '',
        links: [],
        logos: { small: '', large: '' },
        screenshots: [],
        updated: '',
        version: '',
      },
    },
  };
}

export class PrometheusDatasource extends DataSourceApi<PromQuery> {
  readonly settings: DataSourceInstanceSettings;
  private readonly method: string;
  private readonly scrapeSeconds: number;

  constructor(info: DataSourceInfo) {
    const settings = instanceSettings(info);
    super(settings);
    this.settings = settings;
    this.interval = info.jsonData?.timeInterval ?? promDuration(DEFAULT_SCRAPE_SECONDS);
    this.scrapeSeconds = rangeUtil.intervalToSeconds(this.interval);
    this.method = info.jsonData?.httpMethod === 'GET' ? 'GET' : 'POST';
  }

  query(request: DataQueryRequest<PromQuery>): Observable<DataQueryResponse> {
    const wanted = request.targets.filter((target) => target.expr?.trim() && !target.hide);
    const several = wanted.length > 1;
    return from(
      Promise.all(wanted.map((target) => this.runTarget(target, request, several))).then(
        (frames) => ({ data: frames.flat() })
      )
    );
  }

  private async runTarget(
    target: PromQuery,
    request: DataQueryRequest<PromQuery>,
    severalTargets: boolean
  ): Promise<DataFrame[]> {
    const template = getTemplateSrv();
    const { from: start, to: end } = request.range;
    const rangeSeconds = seconds(end.valueOf() - start.valueOf());
    const { step, rateInterval } = stepFor({
      rangeSeconds,
      intervalMs: request.intervalMs,
      scrapeSeconds: this.scrapeSeconds,
      factor: target.intervalFactor,
      minStepSeconds: target.interval
        ? rangeUtil.intervalToSeconds(template.replace(target.interval, request.scopedVars))
        : undefined,
    });
    const vars: ScopedVars = {
      ...request.scopedVars,
      ...rangeVars(rangeSeconds),
      __interval: scoped(promDuration(step)),
      __interval_ms: scoped(String(step * 1000), step * 1000),
      __rate_interval: scoped(promDuration(rateInterval)),
      __rate_interval_ms: scoped(String(rateInterval * 1000), rateInterval * 1000),
    };
    const expr = template.replace(target.expr, vars, interpolateValue);
    const query = { ...target, legendFormat: template.replace(target.legendFormat ?? '', vars) };
    const asked = { query, expr, step, severalTargets };
    try {
      if (target.instant && !target.range) {
        const at = seconds(end.valueOf());
        const outcome = await prometheus.queryInstant(this.uid, expr, at, this.method);
        return toFrames(asked, outcome);
      }
      const range = align(seconds(start.valueOf()), seconds(end.valueOf()), step);
      return toFrames(
        asked,
        await prometheus.queryRange(this.uid, expr, range.start, range.end, step, this.method)
      );
    } catch (error) {
      throw named(error, severalTargets ? `Query ${target.refId}: ` : '');
    }
  }

  async metricFindQuery(
    query: string | { query?: string },
    options?: { range?: TimeRange; scopedVars?: ScopedVars }
  ): Promise<MetricFindValue[]> {
    const text = typeof query === 'string' ? query : (query.query ?? '');
    const replaced = getTemplateSrv().replace(text, options?.scopedVars, interpolateValue);
    if (!replaced.trim()) {
      return [];
    }
    const range = options?.range
      ? { start: options.range.from.unix(), end: options.range.to.unix() }
      : {};
    return (await this.find(replaced, range)).map((value) => ({ text: value, value }));
  }

  private async find(text: string, range: { start?: number; end?: number }): Promise<string[]> {
    const wanted = parseVariableQuery(text);
    const uid = this.uid;
    switch (wanted.kind) {
      case 'labelNames':
        return prometheus.labelNames(uid, { ...range, 'match[]': wanted.match });
      case 'labelValues':
        return prometheus.labelValues(uid, wanted.label, { ...range, 'match[]': wanted.match });
      case 'metrics': {
        const regex = new RegExp(wanted.regex);
        const names = await prometheus.labelValues(uid, '__name__', range);
        return names.filter((name) => regex.test(name));
      }
      case 'queryResult': {
        const at = range.end ?? Math.floor(Date.now() / 1000);
        const { data } = await prometheus.queryInstant(uid, wanted.expr, at, this.method);
        return data.resultType === 'vector'
          ? data.result.map(
              ({ metric, value }) => `${seriesName(metric)} ${value[1]} ${value[0] * 1000}`
            )
          : [];
      }
      case 'series':
        return (await prometheus.series(uid, { ...range, 'match[]': wanted.match })).map(
          seriesName
        );
    }
  }

  async testDatasource() {
    await prometheus.queryInstant(this.uid, '1', Date.now() / 1000, this.method);
    return { status: 'success' as const, message: 'The data source answers' };
  }
}

function rangeVars(rangeSeconds: number): ScopedVars {
  const whole = Math.round(rangeSeconds);
  return {
    __range: scoped(`${whole}s`),
    __range_s: scoped(String(whole), whole),
    __range_ms: scoped(String(Math.round(rangeSeconds * 1000)), Math.round(rangeSeconds * 1000)),
  };
}

function named(error: unknown, prefix: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  const type =
    error instanceof Error && 'errorType' in error && error.errorType ? `${error.errorType}: ` : '';
  return new Error(`${prefix}${type}${message}`);
}
