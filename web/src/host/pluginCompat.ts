// SPDX-License-Identifier: Apache-2.0
// Stands in for @grafana/plugin-compat/datasources, which imports names that this version of
// @grafana/runtime does not export. Everything goes through our own DataSourceSrv.
import type { DataSourceInstanceSettings, DataSourceRef, ScopedVars } from '@grafana/data';
import { getDataSourceSrv, type GetDataSourceListFilters } from '@grafana/runtime';

type Ref = DataSourceRef | string | null;

export const getDataSourceInstance = (ref?: Ref, vars?: ScopedVars) =>
  getDataSourceSrv().get(ref, vars);

export const getDataSourceInstanceSettings = async (ref?: Ref, vars?: ScopedVars) =>
  getDataSourceSrv().getInstanceSettings(ref, vars);

export const getDataSourceInstanceList = async (filters?: GetDataSourceListFilters) =>
  getDataSourceSrv().getList(filters);

export const getDefaultDataSourceInstanceListItem = async (items: DataSourceInstanceSettings[]) =>
  items.find((item) => item.isDefault) ?? items[0];
