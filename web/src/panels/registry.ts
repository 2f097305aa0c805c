// SPDX-License-Identifier: Apache-2.0
import { FieldColorModeId, type PanelPlugin } from '@grafana/data';
import { BARGAUGE_DEFAULTS, BarGaugePanel } from './bargauge/BarGaugePanel';
import { GAUGE_DEFAULTS, GaugePanel } from './gauge/GaugePanel';
import { makePlugin } from './plugin';
import { STAT_DEFAULTS, StatPanel } from './stat/StatPanel';
import { TABLE_CUSTOM, TABLE_DEFAULTS, TablePanel } from './table/TablePanel';
import { TEXT_DEFAULTS, TextPanel } from './text/TextPanel';
import { TIMESERIES_CUSTOM } from './timeseries/options';
import { TimeSeriesPanel } from './timeseries/TimeSeriesPanel';
import { makeUnsupported } from './Unsupported';

const plugins = new Map<string, PanelPlugin>(
  [
    makePlugin({
      id: 'timeseries',
      name: 'Time series',
      component: TimeSeriesPanel,
      custom: TIMESERIES_CUSTOM,
      color: FieldColorModeId.PaletteClassic,
    }),
    makePlugin({ id: 'stat', name: 'Stat', component: StatPanel, defaults: STAT_DEFAULTS }),
    makePlugin({ id: 'gauge', name: 'Gauge', component: GaugePanel, defaults: GAUGE_DEFAULTS }),
    makePlugin({
      id: 'bargauge',
      name: 'Bar gauge',
      component: BarGaugePanel,
      defaults: BARGAUGE_DEFAULTS,
    }),
    makePlugin({
      id: 'table',
      name: 'Table',
      component: TablePanel,
      defaults: TABLE_DEFAULTS,
      custom: TABLE_CUSTOM,
    }),
    makePlugin({
      id: 'text',
      name: 'Text',
      component: TextPanel,
      defaults: TEXT_DEFAULTS,
      skipQuery: true,
    }),
  ].map((plugin) => [plugin.meta.id, plugin])
);

export const panelTypes = () => [...plugins.keys()];

/** A type that is not drawn here answers with a panel that says so. */
export function panelPlugin(type: string): PanelPlugin {
  const known = plugins.get(type);
  if (known) {
    return known;
  }
  const made = makeUnsupported(type);
  plugins.set(type, made);
  return made;
}
