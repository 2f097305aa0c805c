// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { Fragment, useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { Link } from 'react-router-dom';

export interface Crumb {
  text: string;
  to?: string;
}

/** The path in the top bar; nothing where there is no top bar (kiosk). */
export function Crumbs({ items }: { items: Crumb[] }) {
  const styles = useStyles2(getStyles);
  const [host, setHost] = useState<Element | null>(null);
  useEffect(() => setHost(document.getElementById('crumbs')), []);
  if (!host) {
    return null;
  }
  return createPortal(
    <nav aria-label="Path" className={styles.path}>
      {items.map((item, i) => (
        <Fragment key={i}>
          {i > 0 && <span className={styles.slash}>/</span>}
          {item.to ? (
            <Link to={item.to} className={styles.link}>
              {item.text}
            </Link>
          ) : (
            <span className={styles.here} title={item.text}>
              {item.text}
            </span>
          )}
        </Fragment>
      ))}
    </nav>,
    host
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  path: css({
    display: 'flex',
    alignItems: 'center',
    minWidth: 0,
    whiteSpace: 'nowrap',
    [theme.breakpoints.down('sm')]: { '> :not(:last-child)': { display: 'none' } },
  }),
  slash: css({ margin: theme.spacing(0, 1), color: theme.colors.text.disabled }),
  link: css({
    color: theme.colors.text.secondary,
    '&:hover': { color: theme.colors.text.primary, textDecoration: 'underline' },
  }),
  here: css({ overflow: 'hidden', textOverflow: 'ellipsis', fontWeight: 500 }),
});
