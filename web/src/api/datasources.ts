// SPDX-License-Identifier: Apache-2.0
import { get } from './client';

export interface DataSourceInfo {
  id: number;
  uid: string;
  name: string;
  type: string;
  isDefault?: boolean;
  jsonData?: { httpMethod?: string; timeInterval?: string; [key: string]: unknown };
}

export const dataSources = () => get<DataSourceInfo[]>('datasources');
