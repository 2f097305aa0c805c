// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import {
  sceneGraph,
  SceneObjectBase,
  VizPanel,
  type SceneComponentProps,
  type SceneGridLayout,
  type SceneObjectState,
  type SceneRefreshPicker,
  type SceneTimePicker,
  type VariableValueSelectors,
} from '@grafana/scenes';
import { useStyles2 } from '@grafana/ui';
import { DashboardLinks } from './DashboardLinks';
import { DashboardMenu } from './DashboardMenu';
import type { DashboardJson } from './model';

interface DashboardSceneState extends SceneObjectState {
  json: DashboardJson;
  title: string;
  selectors: VariableValueSelectors;
  timePicker: SceneTimePicker;
  refreshPicker: SceneRefreshPicker;
  body: SceneGridLayout;
  /** A copy of the one panel that fills the page. */
  viewed?: VizPanel;
  hideControls?: boolean;
}

export class DashboardScene extends SceneObjectBase<DashboardSceneState> {
  static Component = DashboardSceneView;

  findPanel(key: string): VizPanel | undefined {
    const wanted = /^\d+$/.test(key) ? `panel-${key}` : key;
    const found = sceneGraph.findObject(
      this.state.body,
      (object) => object instanceof VizPanel && object.state.key === wanted
    );
    return found instanceof VizPanel ? found : undefined;
  }

  /** Fills the page with one panel; undefined goes back to the grid. */
  view(key: string | undefined) {
    const viewed = key ? this.findPanel(key) : undefined;
    if (viewed?.state.key !== this.state.viewed?.state.key) {
      // Repeated panels keep the value of their own copy.
      const local = viewed?.parent?.state.$variables?.clone();
      this.setState({ viewed: viewed?.clone(local ? { $variables: local } : undefined) });
    }
  }
}

function DashboardSceneView({ model }: SceneComponentProps<DashboardScene>) {
  const { json, body, viewed, selectors, timePicker, refreshPicker, hideControls } =
    model.useState();
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.page}>
      {!hideControls && (
        <div className={styles.controls} data-testid="dashboard-controls">
          <div className={styles.variables}>
            <selectors.Component model={selectors} />
          </div>
          <div className={styles.time}>
            <DashboardLinks links={json.links ?? []} />
            <timePicker.Component model={timePicker} />
            <refreshPicker.Component model={refreshPicker} />
            <DashboardMenu json={json} />
          </div>
        </div>
      )}
      <div className={viewed ? styles.viewed : styles.body}>
        {viewed ? <viewed.Component model={viewed} /> : <body.Component model={body} />}
      </div>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', flexGrow: 1, minHeight: 0 }),
  controls: css({
    position: 'sticky',
    top: 0,
    zIndex: theme.zIndex.navbarFixed,
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'flex-start',
    gap: theme.spacing(1),
    padding: theme.spacing(1.5, 2),
    background: theme.colors.background.canvas,
    [theme.breakpoints.down('md')]: { position: 'static', padding: theme.spacing(1) },
  }),
  variables: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), minWidth: 0 }),
  time: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    marginLeft: 'auto',
    [theme.breakpoints.down('md')]: { marginLeft: 0 },
  }),
  body: css({
    display: 'flex',
    flexGrow: 1,
    padding: theme.spacing(0, 2, 2),
    [theme.breakpoints.down('md')]: { padding: theme.spacing(0, 1, 1) },
  }),
  viewed: css({
    display: 'flex',
    flexGrow: 1,
    minHeight: 320,
    height: 'calc(100vh - 150px)',
    padding: theme.spacing(0, 2, 2),
  }),
});
