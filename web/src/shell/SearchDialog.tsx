// SPDX-License-Identifier: Apache-2.0
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2, IconName } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router-dom';
import { searchDashboards } from '../api/dashboards';
import { hitPath } from '../pages/dashboardList';
import { NAV } from './nav';
import { useLoad } from './useLoad';

interface Choice {
  icon: IconName;
  title: string;
  detail: string;
  path: string;
}

const SHOWN = 12;

export function SearchDialog({ onClose }: { onClose: () => void }) {
  const styles = useStyles2(getStyles);
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const { value: hits } = useLoad(() => searchDashboards(), 'search');
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const choices = useMemo<Choice[]>(() => {
    const all: Choice[] = [
      ...(hits ?? [])
        .filter((hit) => hit.type === 'dash-db')
        .map((hit) => ({
          icon: 'apps' as const,
          title: hit.title,
          detail: hit.folderTitle ?? 'Dashboard',
          path: hitPath(hit),
        })),
      ...NAV.map((item) => ({
        icon: item.icon,
        title: item.text,
        detail: 'Page',
        path: item.path,
      })),
    ];
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return all
      .filter((c) => words.every((word) => `${c.title} ${c.detail}`.toLowerCase().includes(word)))
      .slice(0, SHOWN);
  }, [hits, text]);
  const go = (choice: Choice | undefined) => {
    if (choice) {
      onClose();
      navigate(choice.path);
    }
  };
  const onKey = (event: React.KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by) {
      event.preventDefault();
      setAt((old) => Math.max(0, Math.min(choices.length - 1, old + by)));
    } else if (event.key === 'Enter') {
      go(choices[at]);
    }
  };
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-label="Search"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.field}>
        <Icon name="search" size="lg" />
        <input
          autoFocus
          value={text}
          placeholder="Search dashboards and pages"
          aria-label="Search dashboards and pages"
          onKeyDown={onKey}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
        />
      </div>
      <div role="listbox" aria-label="Results" className={styles.list}>
        {choices.map((choice, i) => (
          <div
            key={choice.path}
            role="option"
            aria-selected={i === at}
            className={cx(styles.choice, i === at && styles.chosen)}
            onMouseEnter={() => setAt(i)}
            onClick={() => go(choice)}
          >
            <Icon name={choice.icon} />
            <span>{choice.title}</span>
            <span className={styles.detail}>{choice.detail}</span>
          </div>
        ))}
        {choices.length === 0 && <div className={styles.none}>Nothing is called “{text}”</div>}
      </div>
    </dialog>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  dialog: css({
    width: 'min(620px, calc(100vw - 24px))',
    marginTop: '12vh',
    padding: 0,
    border: `1px solid ${theme.colors.border.medium}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.elevated,
    color: theme.colors.text.primary,
    boxShadow: theme.shadows.z3,
    '&::backdrop': { background: theme.components.overlay.background },
  }),
  field: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1.5),
    padding: theme.spacing(1.5, 2),
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    input: {
      flexGrow: 1,
      border: 0,
      outline: 'none',
      background: 'none',
      fontSize: 16,
      color: 'inherit',
    },
  }),
  list: css({ padding: theme.spacing(1), maxHeight: '55vh', overflow: 'auto' }),
  choice: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1.5),
    padding: theme.spacing(1),
    borderRadius: theme.shape.radius.default,
    cursor: 'pointer',
  }),
  chosen: css({ background: theme.colors.action.selected }),
  detail: css({ marginLeft: 'auto', color: theme.colors.text.secondary, fontSize: 12 }),
  none: css({ padding: theme.spacing(2), color: theme.colors.text.secondary }),
});
