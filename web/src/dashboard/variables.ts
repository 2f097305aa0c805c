// SPDX-License-Identifier: Apache-2.0
import {
  AdHocFiltersVariable,
  ConstantVariable,
  CustomVariable,
  DataSourceVariable,
  IntervalVariable,
  QueryVariable,
  TextBoxVariable,
  type SceneVariable,
} from '@grafana/scenes';
import type { DataSourceRef } from '@grafana/schema';
import type { VariableJson } from './model';

const refOf = (ref: VariableJson['datasource']): DataSourceRef | null =>
  typeof ref === 'string' ? { uid: ref } : (ref ?? null);

const textOf = (query: VariableJson['query']) =>
  typeof query === 'string' ? query : (query?.query ?? '');

/** `$__all` counts only where the variable may be "All". */
export function initialValue(v: VariableJson) {
  const value = v.current?.value;
  const given = Array.isArray(value) ? value.length > 0 : Boolean(value);
  const defaultToAll = Boolean(v.includeAll) && !given;
  const current = v.current?.value ?? (v.multi ? [] : '');
  return { value: current, text: v.current?.text ?? current, defaultToAll };
}

const refreshOf = (refresh: VariableJson['refresh']) => (refresh === 2 ? 2 : 1);

/** undefined for a type that is not known: the dashboard works without it. */
export function toVariable(v: VariableJson): SceneVariable | undefined {
  const common = {
    name: v.name,
    label: v.label ?? undefined,
    description: v.description ?? undefined,
    hide: v.hide,
    skipUrlSync: v.skipUrlSync,
  };
  const multi = {
    isMulti: v.multi,
    includeAll: v.includeAll,
    allValue: v.allValue || undefined,
    ...initialValue(v),
  };
  const single = String([v.current?.value ?? ''].flat()[0] ?? '');
  switch (v.type) {
    case 'query':
      return new QueryVariable({
        ...common,
        ...multi,
        datasource: refOf(v.datasource),
        query: typeof v.query === 'object' ? { refId: 'A', ...v.query } : (v.query ?? ''),
        regex: v.regex ?? '',
        refresh: refreshOf(v.refresh),
        sort: v.sort,
      });
    case 'custom':
      return new CustomVariable({ ...common, ...multi, query: textOf(v.query) });
    case 'datasource':
      return new DataSourceVariable({
        ...common,
        ...multi,
        pluginId: textOf(v.query),
        regex: v.regex ?? '',
      });
    case 'constant':
      return new ConstantVariable({ ...common, value: textOf(v.query) });
    case 'textbox':
      return new TextBoxVariable({ ...common, value: single || textOf(v.query) });
    case 'interval':
      return new IntervalVariable({
        ...common,
        value: single,
        intervals: textOf(v.query)
          .split(',')
          .map((x) => x.trim()),
        autoEnabled: v.auto,
        autoStepCount: v.auto_count,
        autoMinInterval: v.auto_min,
      });
    case 'adhoc':
      return new AdHocFiltersVariable({
        ...common,
        datasource: refOf(v.datasource),
        filters: v.filters ?? [],
        applyMode: 'auto',
      });
    default:
      return undefined;
  }
}
