// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2, PanelPlugin } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { makePlugin } from './plugin';

function Message({ type }: { type: string }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.box} data-testid="unsupported-panel">
      <div className={styles.title}>Panel type “{type}” is not supported</div>
      <div className={styles.detail}>
        hearth draws timeseries, stat, gauge, bargauge, table, text and row panels. The panel’s JSON
        is kept as it is; its data can be seen with Inspect in the panel’s menu.
      </div>
    </div>
  );
}

export function makeUnsupported(type: string): PanelPlugin {
  return makePlugin({ id: type, name: type, component: () => <Message type={type} /> });
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    height: '100%',
    display: 'flex',
    flexDirection: 'column',
    justifyContent: 'center',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(2),
    textAlign: 'center',
  }),
  title: css({ ...theme.typography.h5, margin: 0 }),
  detail: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary, maxWidth: 480 }),
});
