// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2, IconName } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import { searchDashboards } from '../api/dashboards';
import * as prometheus from '../api/prometheus';
import { defaultSource } from '../host/boot';
import { Crumbs } from '../shell/Crumbs';
import { Page } from '../shell/Page';
import { useSession } from '../shell/session';
import { Failed } from '../shell/States';
import { useLoad } from '../shell/useLoad';
import { hitPath } from './dashboardList';
import { ruleTotals } from './rules';
import { targetTotals } from './targetPools';

const EVERY_MS = 30_000;

export default function HomePage() {
  const styles = useStyles2(getStyles);
  const { settings } = useSession();
  const { value: hits, error, reload } = useLoad(() => searchDashboards(), 'home');
  const dashboards = (hits ?? []).filter((hit) => hit.type === 'dash-db');
  const name = settings?.workspace?.name;
  return (
    <Page
      title={name ? `Workspace ${name}` : 'Home'}
      subtitle="Metrics, dashboards and alerts of this workspace"
    >
      <Crumbs items={[{ text: 'Home' }]} />
      <div className={styles.tiles}>
        <TargetsTile />
        <RulesTile />
        <Tile
          to="/dashboards"
          icon="apps"
          label="Dashboards"
          value={hits ? String(dashboards.length) : '…'}
          detail="Browse and search"
        />
        <Tile
          to="/explore"
          icon="compass"
          label="Explore"
          value="PromQL"
          detail="Ask any question of the data"
        />
      </div>
      <h2 className={styles.heading}>Dashboards</h2>
      {error && <Failed title="The dashboards cannot be listed" error={error} retry={reload} />}
      <div className={styles.cards}>
        {dashboards.slice(0, 24).map((hit) => (
          <Link key={hit.uid} to={hitPath(hit)} className={styles.card}>
            <span className={styles.cardIcon}>
              <Icon name="graph-bar" size="lg" />
            </span>
            <span>
              <span className={styles.cardTitle}>{hit.title}</span>
              <span className={styles.cardDetail}>
                {[hit.folderTitle, ...(hit.tags ?? [])].filter(Boolean).join(' · ') || 'General'}
              </span>
            </span>
          </Link>
        ))}
        {hits && dashboards.length === 0 && (
          <div className={styles.cardDetail}>
            None yet. Add them with Terraform, with the HTTP API, or in hearth.yaml.
          </div>
        )}
      </div>
    </Page>
  );
}

type Tone = 'good' | 'bad' | 'calm';

interface TileProps {
  to: string;
  icon: IconName;
  label: string;
  value: ReactNode;
  detail: ReactNode;
  tone?: Tone;
}

function Tile({ to, icon, label, value, detail, tone = 'calm' }: TileProps) {
  const styles = useStyles2(getStyles);
  return (
    <Link to={to} className={styles.tile}>
      <span className={styles.tileLabel}>
        <Icon name={icon} /> {label}
      </span>
      <span className={styles[tone]}>{value}</span>
      <span className={styles.tileDetail}>{detail}</span>
    </Link>
  );
}

function TargetsTile() {
  const uid = defaultSource()?.uid ?? '';
  const { value, error } = useLoad(() => prometheus.targets(uid), `targets-${uid}`, EVERY_MS);
  const { up, down, total } = targetTotals(value?.activeTargets ?? []);
  return (
    <Tile
      to="/targets"
      icon="crosshair"
      label="Targets up"
      value={value ? `${up} / ${total}` : error ? '–' : '…'}
      tone={!value ? 'calm' : down ? 'bad' : total ? 'good' : 'calm'}
      detail={
        error
          ? error.message
          : down
            ? `${down} down`
            : total
              ? 'All answer'
              : 'Nothing is scraped here'
      }
    />
  );
}

function RulesTile() {
  const uid = defaultSource()?.uid ?? '';
  const { value, error } = useLoad(() => prometheus.rules(uid), `rules-${uid}`, EVERY_MS);
  const groups = value?.data.groups ?? [];
  const { firing, pending, failing, total, unevaluated } = ruleTotals(groups);
  const counts = [
    failing && `${failing} failing`,
    pending && `${pending} pending`,
    `${total} rules`,
  ].filter(Boolean);
  const waiting = total > 0 && unevaluated === total;
  return (
    <Tile
      to="/alerting/list"
      icon="bell"
      label={waiting || !value ? 'Alert rules' : 'Alerts firing'}
      value={value ? (waiting ? total : firing) : error ? '–' : '…'}
      tone={firing || failing ? 'bad' : waiting || !value ? 'calm' : 'good'}
      detail={error ? error.message : waiting ? 'not evaluated yet' : counts.join(', ')}
    />
  );
}

const getStyles = (theme: GrafanaTheme2) => {
  const value = { fontSize: 30, lineHeight: 1.2, fontWeight: 500, letterSpacing: '-0.02em' };
  const box = {
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    color: theme.colors.text.primary,
    '&:hover': { borderColor: theme.colors.border.strong },
  };
  return {
    tiles: css({
      display: 'grid',
      gridTemplateColumns: 'repeat(auto-fit, minmax(230px, 1fr))',
      gap: theme.spacing(2),
      marginBottom: theme.spacing(4),
      [theme.breakpoints.down('sm')]: { gridTemplateColumns: '1fr 1fr', gap: theme.spacing(1) },
    }),
    tile: css({
      ...box,
      display: 'flex',
      flexDirection: 'column',
      gap: 6,
      padding: theme.spacing(2),
    }),
    tileLabel: css({
      display: 'flex',
      alignItems: 'center',
      gap: 6,
      color: theme.colors.text.secondary,
    }),
    tileDetail: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary }),
    good: css({ ...value, color: theme.colors.success.text }),
    bad: css({ ...value, color: theme.colors.error.text }),
    calm: css({ ...value, color: theme.colors.text.maxContrast }),
    heading: css({ ...theme.typography.h4, margin: theme.spacing(0, 0, 2) }),
    cards: css({
      display: 'grid',
      gridTemplateColumns: 'repeat(auto-fill, minmax(300px, 1fr))',
      gap: theme.spacing(2),
    }),
    card: css({
      ...box,
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(2),
      padding: theme.spacing(2),
    }),
    cardIcon: css({
      display: 'grid',
      placeItems: 'center',
      width: 40,
      height: 40,
      flexShrink: 0,
      borderRadius: theme.shape.radius.default,
      color: '#ff7a2f',
      background: 'rgba(255, 122, 47, 0.12)',
    }),
    cardTitle: css({ display: 'block', fontWeight: 500, fontSize: 16 }),
    cardDetail: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary }),
  };
};
