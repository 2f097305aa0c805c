// SPDX-License-Identifier: Apache-2.0
// Everything the Grafana packages expect of the program around them.
import {
  createTheme,
  EventBusSrv,
  locationUtil,
  setTimeZoneResolver,
  type DataSourceInstanceSettings,
  type DataSourceRef,
  type GrafanaConfig,
  type PanelPlugin,
  type ScopedVars,
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import {
  config,
  setAppEvents,
  setBackendSrv,
  setDataSourceSrv,
  setPluginImportUtils,
  setRunRequest,
  setTemplateSrv,
  type BackendSrv,
  type DataSourceSrv,
  type GetDataSourceListFilters,
  type TemplateSrv,
} from '@grafana/runtime';
import { sceneGraph, type SceneObject } from '@grafana/scenes';
import { of } from 'rxjs';
import type { DataSourceInfo } from '../api/datasources';
import { PrometheusDatasource } from '../datasource/prometheus/datasource';
import { basePath } from '../lib/basePath';
import type { ThemeMode } from '../lib/preferences';
import { preloadIcons } from './icons';
import { fillRegistries } from './registries';
import { runRequest } from './runRequest';

let activeScene: SceneObject | undefined;
/** The scene whose variables texts without a scene of their own are read from. */
export const setActiveScene = (scene: SceneObject | undefined) => {
  activeScene = scene;
};

let sources: PrometheusDatasource[] = [];
let unsupported: DataSourceInfo[] = [];

export const prometheusSources = (): readonly PrometheusDatasource[] => sources;
export const defaultSource = (): PrometheusDatasource | undefined =>
  sources.find((source) => source.settings.isDefault) ?? sources[0];

export function setDataSources(infos: DataSourceInfo[]) {
  sources = infos
    .filter((info) => info.type === 'prometheus')
    .map((i) => new PrometheusDatasource(i));
  unsupported = infos.filter((info) => info.type !== 'prometheus');
}

type Format = Parameters<TemplateSrv['replace']>[2];
type SceneFormat = Parameters<typeof sceneGraph.interpolate>[3];

function replace(text?: string, vars?: ScopedVars, format?: Format): string {
  if (!text) {
    return '';
  }
  const held: unknown = vars?.__sceneObject?.value?.valueOf?.();
  const scene = (held as SceneObject | undefined) ?? activeScene;
  return scene ? sceneGraph.interpolate(scene, text, vars, format as SceneFormat) : text;
}

type Ref = DataSourceRef | string | null;

/** A reference is an uid, a name, or a variable that holds one; none means the default. */
function find(ref?: Ref, vars?: ScopedVars): PrometheusDatasource {
  const given = typeof ref === 'string' ? ref : (ref?.uid ?? '');
  const id = given.includes('$') ? replace(given, vars) : given;
  const found = sources.find((source) => source.uid === id || source.name === id);
  if (found) {
    return found;
  }
  const fallback = defaultSource();
  if (fallback && (!id || id === 'default' || id === 'prometheus')) {
    return fallback;
  }
  const other = unsupported.find((info) => info.uid === id || info.name === id);
  throw new Error(
    other
      ? `data source "${other.name}" is of type ${other.type}; only prometheus can be queried here`
      : id
        ? `there is no data source "${id}" in this workspace`
        : 'this workspace has no Prometheus data source'
  );
}

function settingsOf(ref?: Ref, vars?: ScopedVars): DataSourceInstanceSettings | undefined {
  try {
    return find(ref, vars).settings;
  } catch {
    return undefined;
  }
}

function installServices(panels: (id: string) => PanelPlugin) {
  const dataSourceSrv = {
    get: async (ref?: Ref, vars?: ScopedVars) => find(ref, vars),
    getInstanceSettings: settingsOf,
    getList: (filters: GetDataSourceListFilters = {}) =>
      sources
        .filter((source) => !filters.pluginId || filters.pluginId === source.type)
        .map((source) => source.settings),
    reload: () => undefined,
    registerRuntimeDataSource: () => undefined,
  };
  setDataSourceSrv(dataSourceSrv as unknown as DataSourceSrv);
  setTemplateSrv({
    replace,
    getVariables: () => [],
    containsTemplate: (text?: string) => /\$|\[\[/.test(text ?? ''),
    updateTimeRange: () => undefined,
  });
  // Nothing of the packages we use asks the server on its own; api/ does that.
  setBackendSrv({ get: async () => ({}), fetch: () => of({}) } as unknown as BackendSrv);
  setPluginImportUtils({
    importPanelPlugin: async (id: string) => panels(id),
    getPanelPluginFromCache: (id: string) => panels(id),
  });
  setRunRequest(runRequest);
}

export function setTheme(mode: ThemeMode) {
  config.theme2 = createTheme({ colors: { mode } });
  config.bootData.user.lightTheme = mode === 'light';
  document.documentElement.style.colorScheme = mode;
  return config.theme2;
}

export async function boot(mode: ThemeMode, panels: (id: string) => PanelPlugin) {
  await initPluginTranslations('grafana');
  setTheme(mode);
  setAppEvents(new EventBusSrv());
  setTimeZoneResolver(() => 'browser');
  config.appSubUrl = basePath;
  locationUtil.initialize({
    config: config as unknown as GrafanaConfig,
    getVariablesUrlParams: () => ({}),
    getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }),
  });
  preloadIcons();
  installServices(panels);
  fillRegistries();
}
