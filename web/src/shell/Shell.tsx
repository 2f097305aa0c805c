// SPDX-License-Identifier: Apache-2.0
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import {
  Dropdown,
  Icon,
  IconButton,
  Menu,
  Toggletip,
  ToolbarButton,
  useStyles2,
} from '@grafana/ui';
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { Link, useLocation } from 'react-router-dom';
import { onRemark, serverRemarks } from '../api/prometheus';
import { signOutUrl } from '../api/session';
import { navCollapsed, setNavCollapsed } from '../lib/preferences';
import { isActive, NAV } from './nav';
import { SearchDialog } from './SearchDialog';
import { useSession } from './session';
import { useThemeChoice } from './theme';

export function Shell({ children }: { children: ReactNode }) {
  const styles = useStyles2(getStyles);
  const location = useLocation();
  const kiosk = new URLSearchParams(location.search).has('kiosk');
  const [open, setOpen] = useState(false);
  const [collapsed, setCollapsed] = useState(navCollapsed);
  const [searching, setSearching] = useState(false);
  useEffect(() => setOpen(false), [location.pathname]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setSearching(true);
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  if (kiosk) {
    return <main className={styles.kiosk}>{children}</main>;
  }
  const toggle = () => {
    setNavCollapsed(!collapsed);
    setCollapsed(!collapsed);
  };
  return (
    <div className={styles.app}>
      <a className={styles.skip} href="#main">
        Skip to content
      </a>
      {open && <div className={styles.shade} onClick={() => setOpen(false)} />}
      <nav
        aria-label="Main"
        className={cx(styles.nav, collapsed && styles.navCollapsed, open && styles.navOpen)}
      >
        <Link to="/" className={styles.brand} aria-label="hearth, home">
          <img src="/public/hearth.svg" alt="" width={26} height={26} />
          <span className={cx(styles.brandText, collapsed && styles.hideable)}>hearth</span>
        </Link>
        <ul className={styles.list}>
          {NAV.map((item) => {
            const active = isActive(item, location.pathname);
            return (
              <li key={item.path}>
                <Link
                  to={item.path}
                  title={collapsed ? item.text : undefined}
                  aria-label={item.text}
                  aria-current={active ? 'page' : undefined}
                  className={cx(styles.item, active && styles.itemActive)}
                >
                  <Icon name={item.icon} size="lg" />
                  <span className={cx(collapsed && styles.hideable)}>{item.text}</span>
                </Link>
              </li>
            );
          })}
        </ul>
        <button
          type="button"
          className={styles.collapse}
          onClick={toggle}
          aria-label={collapsed ? 'Widen the navigation' : 'Narrow the navigation'}
        >
          <Icon name={collapsed ? 'angle-right' : 'angle-left'} size="lg" />
        </button>
      </nav>
      <div className={styles.column}>
        <header className={styles.top}>
          <IconButton
            className={styles.hamburger}
            name="bars"
            size="xl"
            aria-label="Open the navigation"
            onClick={() => setOpen(true)}
          />
          <div id="crumbs" className={styles.crumbs} />
          <button type="button" className={styles.search} onClick={() => setSearching(true)}>
            <Icon name="search" />
            <span>Search or jump to…</span>
            <kbd>ctrl K</kbd>
          </button>
          <div className={styles.tools}>
            <Remarks />
            <ThemeMenu />
            <UserMenu />
          </div>
        </header>
        <main id="main" tabIndex={-1} className={styles.main}>
          {children}
        </main>
      </div>
      {searching && <SearchDialog onClose={() => setSearching(false)} />}
    </div>
  );
}

/** What hearth remarks on every query, such as a workspace that has no role of its own. */
function Remarks() {
  const styles = useStyles2(getStyles);
  const remarks = useSyncExternalStore(onRemark, serverRemarks);
  if (remarks.length === 0) {
    return null;
  }
  const content = (
    <div>
      {remarks.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
  return (
    <Toggletip content={content} title="Remarks on the queries" placement="bottom-end">
      <button type="button" className={styles.remarks} aria-label="Remarks on the queries">
        <Icon name="exclamation-triangle" />
      </button>
    </Toggletip>
  );
}

function ThemeMenu() {
  const { mode, chosen, choose } = useThemeChoice();
  const menu = () => (
    <Menu>
      <Menu.Item label="Same as the browser" active={!chosen} onClick={() => choose(undefined)} />
      <Menu.Item label="Dark" active={chosen === 'dark'} onClick={() => choose('dark')} />
      <Menu.Item label="Light" active={chosen === 'light'} onClick={() => choose('light')} />
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <ToolbarButton
        icon={<ThemeMark dark={mode === 'dark'} />}
        variant="canvas"
        aria-label="Theme"
        tooltip="Theme"
      />
    </Dropdown>
  );
}

const MOON =
  'M20 14.6A8.6 8.6 0 0 1 9.4 4a1 1 0 0 0-1.3-1.2 9.9 9.9 0 1 0 13 13 1 1 0 0 0-1.1-1.2Z';

/** Grafana's icon set has neither a sun nor a moon. */
function ThemeMark({ dark }: { dark: boolean }) {
  return (
    <svg viewBox="0 0 24 24" width={17} height={17} aria-hidden fill="currentColor">
      {dark ? (
        <path d={MOON} />
      ) : (
        <>
          <circle cx="12" cy="12" r="4.6" />
          <g stroke="currentColor" strokeWidth="2" strokeLinecap="round">
            <path d="M12 2v2M12 20v2M2 12h2M20 12h2" />
            <path d="m4.9 4.9 1.5 1.5M17.6 17.6l1.5 1.5M4.9 19.1l1.5-1.5M17.6 6.4l1.5-1.5" />
          </g>
        </>
      )}
    </svg>
  );
}

function UserMenu() {
  const { user, settings } = useSession();
  const name = user.name || user.login;
  const version = settings?.buildInfo?.version;
  const menu = () => (
    <Menu
      header={
        <div style={{ padding: '4px 12px' }}>
          {name}
          {user.orgName ? ` · ${user.orgName}` : ''}
        </div>
      }
    >
      <Menu.Item
        label="Sign out"
        icon="signout"
        onClick={() => window.location.assign(signOutUrl)}
      />
      {version && <Menu.Item label={`hearth ${version}`} icon="info-circle" disabled />}
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <ToolbarButton
        icon="user"
        variant="canvas"
        aria-label={`Signed in as ${name}`}
        tooltip={name}
      />
    </Dropdown>
  );
}

const NAV_WIDTH = 208;
const NAV_NARROW = 56;
const TOP_HEIGHT = 48;

const getStyles = (theme: GrafanaTheme2) => ({
  app: css({ display: 'flex', minHeight: '100vh', background: theme.colors.background.canvas }),
  kiosk: css({
    display: 'flex',
    flexDirection: 'column',
    minHeight: '100vh',
    background: theme.colors.background.canvas,
  }),
  skip: css({
    position: 'absolute',
    left: -9999,
    '&:focus': {
      left: 8,
      top: 8,
      zIndex: theme.zIndex.modal,
      background: theme.colors.background.primary,
      padding: 8,
    },
  }),
  shade: css({
    position: 'fixed',
    inset: 0,
    zIndex: theme.zIndex.modalBackdrop,
    background: theme.components.overlay.background,
  }),
  nav: css({
    position: 'sticky',
    top: 0,
    height: '100vh',
    flex: `0 0 ${NAV_WIDTH}px`,
    display: 'flex',
    flexDirection: 'column',
    background: theme.colors.background.primary,
    borderRight: `1px solid ${theme.colors.border.weak}`,
    overflow: 'hidden',
    [theme.breakpoints.down('md')]: {
      position: 'fixed',
      left: 0,
      width: 260,
      zIndex: theme.zIndex.modal,
      transform: 'translateX(-100%)',
      visibility: 'hidden',
      transition: 'transform 160ms ease, visibility 160ms',
    },
  }),
  navCollapsed: css({ [theme.breakpoints.up('md')]: { flexBasis: NAV_NARROW } }),
  navOpen: css({ [theme.breakpoints.down('md')]: { transform: 'none', visibility: 'visible' } }),
  hideable: css({ [theme.breakpoints.up('md')]: { display: 'none' } }),
  brand: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1.25),
    height: TOP_HEIGHT,
    padding: theme.spacing(0, 1.75),
    flexShrink: 0,
    color: theme.colors.text.maxContrast,
  }),
  brandText: css({ fontSize: 19, fontWeight: 500, letterSpacing: '-0.02em' }),
  list: css({ listStyle: 'none', margin: 0, padding: theme.spacing(1), flexGrow: 1 }),
  item: css({
    position: 'relative',
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1.5),
    height: 38,
    padding: theme.spacing(0, 1.25),
    marginBottom: 2,
    borderRadius: theme.shape.radius.default,
    color: theme.colors.text.secondary,
    whiteSpace: 'nowrap',
    '&:hover, &:focus-visible': {
      color: theme.colors.text.primary,
      background: theme.colors.action.hover,
    },
  }),
  itemActive: css({
    color: theme.colors.text.maxContrast,
    background: theme.colors.action.selected,
    '&::before': {
      content: '""',
      position: 'absolute',
      left: 0,
      top: 8,
      bottom: 8,
      width: 3,
      borderRadius: 2,
      background: 'linear-gradient(#ffb347, #f2441d)',
    },
  }),
  collapse: css({
    display: 'flex',
    justifyContent: 'flex-end',
    padding: theme.spacing(1.5, 2),
    border: 0,
    background: 'none',
    color: theme.colors.text.secondary,
    '&:hover': { color: theme.colors.text.primary },
    [theme.breakpoints.down('md')]: { display: 'none' },
  }),
  column: css({ flexGrow: 1, minWidth: 0, display: 'flex', flexDirection: 'column' }),
  top: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    height: TOP_HEIGHT,
    flexShrink: 0,
    padding: theme.spacing(0, 2),
    background: theme.colors.background.primary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    [theme.breakpoints.down('md')]: { padding: theme.spacing(0, 1) },
  }),
  hamburger: css({ [theme.breakpoints.up('md')]: { display: 'none' } }),
  crumbs: css({ flex: '1 1 0', minWidth: 0, display: 'flex', alignItems: 'center' }),
  search: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    width: 300,
    height: 32,
    padding: theme.spacing(0, 1),
    borderRadius: theme.shape.radius.default,
    border: `1px solid ${theme.components.input.borderColor}`,
    background: theme.components.input.background,
    color: theme.colors.text.secondary,
    '&:hover': { borderColor: theme.components.input.borderHover },
    kbd: {
      marginLeft: 'auto',
      fontSize: 11,
      padding: '1px 6px',
      boxShadow: 'none',
      color: theme.colors.text.secondary,
      background: theme.colors.background.secondary,
    },
    [theme.breakpoints.down('lg')]: { width: 'auto', 'span, kbd': { display: 'none' } },
  }),
  remarks: css({
    display: 'grid',
    placeItems: 'center',
    width: 32,
    height: 32,
    border: 0,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.warning.transparent,
    color: theme.colors.warning.text,
  }),
  tools: css({ display: 'flex', gap: theme.spacing(0.5) }),
  main: css({
    flexGrow: 1,
    display: 'flex',
    flexDirection: 'column',
    minWidth: 0,
    outline: 'none',
  }),
});
