// SPDX-License-Identifier: Apache-2.0
import { FieldColorModeId } from '@grafana/data';
import {
  SceneFlexItem,
  SceneFlexLayout,
  SceneObjectBase,
  SceneQueryRunner,
  SceneTimePicker,
  SceneTimeRange,
  VizPanel,
  type SceneComponentProps,
  type SceneObjectState,
} from '@grafana/scenes';
import type { ExploreQuery, ExploreState } from '../../dashboard/explore';

interface ExploreSceneState extends SceneObjectState {
  $timeRange: SceneTimeRange;
  timePicker: SceneTimePicker;
  body: SceneFlexLayout;
}

const asked = (queries: ExploreQuery[]) =>
  queries.filter((query) => query.expr.trim() && !query.hide);

const rangeQueries = (queries: ExploreQuery[]) =>
  asked(queries).map(({ refId, expr, legendFormat }) => ({
    refId,
    expr,
    legendFormat,
    range: true,
  }));

const tableQueries = (queries: ExploreQuery[]) =>
  asked(queries).map(({ refId, expr }) => ({ refId, expr, instant: true, format: 'table' }));

/** A graph over the range and a table of the values at its end; the page draws the rest. */
export class ExploreScene extends SceneObjectBase<ExploreSceneState> {
  static Component = ExploreResults;

  constructor(
    start: ExploreState,
    private readonly graph = new SceneQueryRunner({ queries: [], maxDataPointsFromWidth: true }),
    private readonly table = new SceneQueryRunner({ queries: [] })
  ) {
    super({
      $timeRange: new SceneTimeRange({ from: start.from, to: start.to }),
      timePicker: new SceneTimePicker({ isOnCanvas: true }),
      body: new SceneFlexLayout({
        direction: 'column',
        children: [
          new SceneFlexItem({ minHeight: 400, body: graphPanel(graph) }),
          new SceneFlexItem({ minHeight: 320, body: tablePanel(table) }),
        ],
      }),
    });
    this.ask(start.datasource, start.queries);
  }

  ask(uid: string, queries: ExploreQuery[]) {
    const datasource = { uid, type: 'prometheus' };
    this.graph.setState({ datasource, queries: rangeQueries(queries) });
    this.table.setState({ datasource, queries: tableQueries(queries) });
  }

  run() {
    // "now" moves on first, so that a second run of the same query shows newer values.
    this.state.$timeRange.onRefresh();
    this.graph.runQueries();
    this.table.runQueries();
  }
}

function ExploreResults({ model }: SceneComponentProps<ExploreScene>) {
  const { body } = model.useState();
  return <body.Component model={body} />;
}

const graphPanel = ($data: SceneQueryRunner) =>
  new VizPanel({
    key: 'explore-graph',
    pluginId: 'timeseries',
    title: 'Graph',
    options: {
      legend: {
        showLegend: true,
        displayMode: 'table',
        placement: 'bottom',
        calcs: ['min', 'max', 'lastNotNull'],
      },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    fieldConfig: {
      defaults: {
        color: { mode: FieldColorModeId.PaletteClassic },
        custom: { lineWidth: 1, fillOpacity: 8, gradientMode: 'opacity', showPoints: 'auto' },
      },
      overrides: [],
    },
    $data,
  });

/** A time with milliseconds fits. */
const TIME_WIDTH = 190;

const tablePanel = ($data: SceneQueryRunner) =>
  new VizPanel({
    key: 'explore-table',
    pluginId: 'table',
    title: 'Table',
    description: 'The values at the end of the time range.',
    fieldConfig: {
      defaults: {},
      overrides: [
        {
          matcher: { id: 'byName', options: 'Time' },
          properties: [{ id: 'custom.width', value: TIME_WIDTH }],
        },
      ],
    },
    $data,
  });
