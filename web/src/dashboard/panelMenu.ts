// SPDX-License-Identifier: Apache-2.0
import type { PanelMenuItem } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { sceneGraph, VizPanelMenu, type SceneQueryRunner, type VizPanel } from '@grafana/scenes';
import { interpolateValue } from '../datasource/prometheus/interpolate';
import { exploreUrl } from './explore';
import { queryRunnerOf } from './queries';
import type { TargetJson } from './model';

export type InspectTab = 'data' | 'query' | 'json';

export const viewPanel = (panel: VizPanel) =>
  locationService.partial({ viewPanel: panel.state.key });
export const inspectPanel = (panel: VizPanel, tab: InspectTab) =>
  locationService.partial({ inspect: panel.state.key, inspectTab: tab });

function explore(panel: VizPanel, runner: SceneQueryRunner): string {
  const { from, to } = sceneGraph.getTimeRange(panel).state;
  const targets = runner.state.queries as unknown as TargetJson[];
  return exploreUrl({
    datasource: sceneGraph.interpolate(panel, runner.state.datasource?.uid ?? ''),
    queries: targets.map((target, i) => ({
      refId: target.refId ?? String.fromCharCode(65 + i),
      expr: sceneGraph.interpolate(panel, target.expr ?? '', {}, interpolateValue),
      ...(target.hide ? { hide: true } : {}),
    })),
    from,
    to,
  });
}

function items(panel: VizPanel): PanelMenuItem[] {
  const runner = queryRunnerOf(panel);
  const viewed = new URLSearchParams(locationService.getLocation().search).has('viewPanel');
  const menu: PanelMenuItem[] = [
    viewed
      ? {
          text: 'Back to dashboard',
          iconClassName: 'arrow-left',
          onClick: () => locationService.partial({ viewPanel: null }),
        }
      : { text: 'View', iconClassName: 'eye', onClick: () => viewPanel(panel) },
  ];
  if (runner) {
    menu.push(
      {
        text: 'Explore',
        iconClassName: 'compass',
        onClick: () => locationService.push(explore(panel, runner)),
      },
      {
        text: 'Inspect',
        iconClassName: 'info-circle',
        onClick: () => inspectPanel(panel, 'data'),
        subMenu: [
          { text: 'Data', onClick: () => inspectPanel(panel, 'data') },
          { text: 'Query', onClick: () => inspectPanel(panel, 'query') },
          { text: 'Panel JSON', onClick: () => inspectPanel(panel, 'json') },
        ],
      }
    );
  } else {
    menu.push({
      text: 'Panel JSON',
      iconClassName: 'info-circle',
      onClick: () => inspectPanel(panel, 'json'),
    });
  }
  return menu;
}

/** Filled each time it opens: the data source and the range may have changed since. */
export function panelMenu(): VizPanelMenu {
  const menu = new VizPanelMenu({ items: [] });
  menu.addActivationHandler(() => {
    if (menu.parent) {
      menu.setItems(items(menu.parent as VizPanel));
    }
  });
  return menu;
}
