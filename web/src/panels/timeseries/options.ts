// SPDX-License-Identifier: Apache-2.0
import { LegendDisplayMode, SortOrder, TooltipDisplayMode } from '@grafana/schema';
import type { VizLegendOptions, VizTooltipOptions } from '@grafana/schema';

export interface TimeSeriesOptions {
  legend: VizLegendOptions;
  tooltip: VizTooltipOptions;
}

export const DEFAULT_LEGEND: VizLegendOptions = {
  showLegend: true,
  displayMode: LegendDisplayMode.List,
  placement: 'bottom',
  calcs: [],
};

const DEFAULT_TOOLTIP: VizTooltipOptions = {
  mode: TooltipDisplayMode.Single,
  sort: SortOrder.None,
};

/** Options as drawn; "hidden" is the old way to write showLegend: false. */
export function completeOptions(options: Partial<TimeSeriesOptions>): TimeSeriesOptions {
  const legend = { ...DEFAULT_LEGEND, ...options.legend };
  if (legend.displayMode === LegendDisplayMode.Hidden) {
    legend.showLegend = false;
  }
  return { legend, tooltip: { ...DEFAULT_TOOLTIP, ...options.tooltip } };
}

/** Every custom field option of a graph. */
export const TIMESERIES_CUSTOM = [
  'drawStyle',
  'lineInterpolation',
  'lineWidth',
  'lineStyle',
  'lineColor',
  'fillOpacity',
  'fillColor',
  'fillBelowTo',
  'gradientMode',
  'showPoints',
  'showValues',
  'pointSize',
  'pointColor',
  'stacking',
  'transform',
  'spanNulls',
  'insertNulls',
  'barAlignment',
  'barWidthFactor',
  'barMaxWidth',
  'axisPlacement',
  'axisLabel',
  'axisWidth',
  'axisSoftMin',
  'axisSoftMax',
  'axisColorMode',
  'axisGridShow',
  'axisCenteredZero',
  'axisBorderShow',
  'scaleDistribution',
  'thresholdsStyle',
  'hideFrom',
];
