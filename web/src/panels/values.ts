// SPDX-License-Identifier: Apache-2.0
// What stat, gauge and bar gauge share: a panel's data reduced to display values.
import {
  getFieldDisplayValues,
  VizOrientation,
  type FieldDisplay,
  type PanelProps,
} from '@grafana/data';
import { config } from '@grafana/runtime';
import type { SingleStatBaseOptions } from '@grafana/schema';

export function displayValues<O extends SingleStatBaseOptions>(
  props: PanelProps<O>,
  sparkline: boolean
): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig: props.fieldConfig,
    reduceOptions: props.options.reduceOptions ?? { calcs: ['lastNotNull'] },
    replaceVariables: props.replaceVariables,
    theme: config.theme2,
    data: props.data.series,
    sparkline,
    timeZone: props.timeZone,
  });
}

export const orientationOf = (orientation: string | undefined): VizOrientation =>
  orientation === 'horizontal' || orientation === 'vertical'
    ? (orientation as VizOrientation)
    : VizOrientation.Auto;
