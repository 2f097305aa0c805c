// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import type { Labels as LabelSet } from '../api/prometheus';

export function Labels({ labels }: { labels: LabelSet }) {
  const styles = useStyles2(getStyles);
  return (
    <span className={styles.all}>
      {Object.keys(labels)
        .sort()
        .map((key) => (
          <span key={key} className={styles.one}>
            {key}=<b>{labels[key]}</b>
          </span>
        ))}
    </span>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  all: css({ display: 'inline-flex', flexWrap: 'wrap', gap: 4 }),
  one: css({
    padding: '1px 6px',
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.secondary,
    color: theme.colors.text.secondary,
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: 12,
    overflowWrap: 'anywhere',
    b: { fontWeight: 500, color: theme.colors.text.primary },
  }),
});
