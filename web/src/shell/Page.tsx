// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { useEffect, type ReactNode } from 'react';

interface Props {
  title: string;
  subtitle?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page of text and lists; dashboards and Explore use the whole width instead. */
export function Page({ title, subtitle, actions, children }: Props) {
  const styles = useStyles2(getStyles);
  useTitle(title);
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div>
          <h1 className={styles.title}>{title}</h1>
          {subtitle && <div className={styles.subtitle}>{subtitle}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · hearth`;
  }, [title]);
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({
    width: '100%',
    maxWidth: 1320,
    margin: '0 auto',
    padding: theme.spacing(3, 3, 6),
    [theme.breakpoints.down('md')]: { padding: theme.spacing(2, 1.5, 4) },
  }),
  header: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'flex-start',
    justifyContent: 'space-between',
    gap: theme.spacing(2),
    marginBottom: theme.spacing(3),
  }),
  title: css({ ...theme.typography.h2, margin: 0 }),
  subtitle: css({ color: theme.colors.text.secondary, marginTop: theme.spacing(0.5) }),
  actions: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
});
