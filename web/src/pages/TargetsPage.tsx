// SPDX-License-Identifier: Apache-2.0
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, FilterInput, FilterPill, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import * as prometheus from '../api/prometheus';
import type { Target } from '../api/prometheus';
import { defaultSource } from '../host/boot';
import { ago, duration } from '../lib/time';
import { Crumbs } from '../shell/Crumbs';
import { Page } from '../shell/Page';
import { Empty, Failed, Loading } from '../shell/States';
import { useLoad } from '../shell/useLoad';
import { Labels } from './Labels';
import { SourcePicker } from './SourcePicker';
import { poolsOf, targetTotals, type Pool } from './targetPools';

const EVERY_MS = 10_000;

export default function TargetsPage() {
  const styles = useStyles2(getStyles);
  const [uid, setUid] = useState(defaultSource()?.uid ?? '');
  const [text, setText] = useState('');
  const [onlyDown, setOnlyDown] = useState(false);
  const { value, error, reload } = useLoad(() => prometheus.targets(uid), uid, EVERY_MS);
  const targets = value?.activeTargets ?? [];
  const totals = targetTotals(targets);
  const pools = poolsOf(targets, text, onlyDown);
  return (
    <Page
      title="Targets"
      subtitle={
        value && `${totals.up} of ${totals.total} up${totals.down ? `, ${totals.down} down` : ''}`
      }
      actions={
        <>
          <SourcePicker uid={uid} onChange={setUid} />
          <Button variant="secondary" icon="sync" onClick={reload}>
            Refresh
          </Button>
        </>
      }
    >
      <Crumbs items={[{ text: 'Targets' }]} />
      <div className={styles.filters}>
        <FilterInput
          placeholder="Search by pool, endpoint, label or error"
          value={text}
          onChange={setText}
          escapeRegex={false}
        />
        <FilterPill
          label="Only unhealthy"
          selected={onlyDown}
          onClick={() => setOnlyDown(!onlyDown)}
        />
      </div>
      {error && <Failed title="The targets cannot be read" error={error} retry={reload} />}
      {!value && !error && <Loading />}
      {value && pools.length === 0 && (
        <Empty
          icon="crosshair"
          title={targets.length ? 'Nothing matches' : 'Nothing is scraped here'}
        >
          {!targets.length &&
            'Add scrape_configs to hearth.yaml, or send metrics with remote_write from a ' +
              'Prometheus or a collector.'}
        </Empty>
      )}
      {pools.map((pool) => (
        <PoolTable key={pool.name} pool={pool} />
      ))}
    </Page>
  );
}

function PoolTable({ pool }: { pool: Pool }) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.pool} aria-label={pool.name}>
      <h2 className={styles.poolTitle}>
        {pool.name}
        <span className={cx(styles.badge, pool.down ? styles.bad : styles.good)}>
          {pool.up} / {pool.total} up
        </span>
      </h2>
      <div role="table" className={styles.table} aria-label={`Targets of ${pool.name}`}>
        <div role="row" className={styles.head}>
          <span role="columnheader">Endpoint</span>
          <span role="columnheader">State</span>
          <span role="columnheader">Labels</span>
          <span role="columnheader">Last scrape</span>
        </div>
        {pool.targets.map((target) => (
          <TargetRow key={target.scrapeUrl + JSON.stringify(target.labels)} target={target} />
        ))}
      </div>
    </section>
  );
}

function TargetRow({ target }: { target: Target }) {
  const styles = useStyles2(getStyles);
  const tone =
    target.health === 'up' ? styles.good : target.health === 'down' ? styles.bad : styles.calm;
  return (
    <div role="row" className={styles.row}>
      <span role="cell" className={styles.url}>
        {target.scrapeUrl}
        {target.lastError && <span className={styles.error}>{target.lastError}</span>}
      </span>
      <span role="cell">
        <span className={cx(styles.badge, tone)}>{target.health}</span>
      </span>
      <span role="cell">
        <Labels labels={target.labels} />
      </span>
      <span role="cell" className={styles.when}>
        {ago(target.lastScrape)}
        <span className={styles.faint}>
          took {duration(target.lastScrapeDuration)}
          {target.scrapeInterval ? `, every ${target.scrapeInterval}` : ''}
        </span>
      </span>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => {
  const columns = 'minmax(200px, 2fr) 80px minmax(180px, 2fr) 170px';
  return {
    filters: css({
      display: 'flex',
      flexWrap: 'wrap',
      gap: theme.spacing(1.5),
      marginBottom: theme.spacing(3),
      '> :first-child': { flex: '1 1 280px' },
    }),
    pool: css({
      marginBottom: theme.spacing(3),
      border: `1px solid ${theme.colors.border.weak}`,
      borderRadius: theme.shape.radius.default,
      background: theme.colors.background.primary,
      overflow: 'hidden',
    }),
    poolTitle: css({
      ...theme.typography.h5,
      display: 'flex',
      alignItems: 'center',
      gap: theme.spacing(1.5),
      margin: 0,
      padding: theme.spacing(1.5, 2),
      background: theme.colors.background.secondary,
    }),
    badge: css({
      ...theme.typography.bodySmall,
      fontWeight: 500,
      padding: theme.spacing(0.25, 1),
      borderRadius: theme.shape.radius.pill,
      whiteSpace: 'nowrap',
    }),
    good: css({ color: theme.colors.success.text, background: theme.colors.success.transparent }),
    bad: css({ color: theme.colors.error.text, background: theme.colors.error.transparent }),
    calm: css({
      color: theme.colors.text.secondary,
      background: theme.colors.background.secondary,
    }),
    table: css({ width: '100%' }),
    head: css({
      ...theme.typography.bodySmall,
      display: 'grid',
      gridTemplateColumns: columns,
      gap: theme.spacing(2),
      padding: theme.spacing(1, 2),
      color: theme.colors.text.secondary,
      [theme.breakpoints.down('md')]: { display: 'none' },
    }),
    row: css({
      display: 'grid',
      gridTemplateColumns: columns,
      gap: theme.spacing(2),
      alignItems: 'start',
      padding: theme.spacing(1.25, 2),
      borderTop: `1px solid ${theme.colors.border.weak}`,
      [theme.breakpoints.down('md')]: { gridTemplateColumns: '1fr auto', gap: theme.spacing(1) },
    }),
    url: css({
      overflowWrap: 'anywhere',
      fontFamily: theme.typography.fontFamilyMonospace,
      fontSize: 13,
    }),
    error: css({ display: 'block', marginTop: 4, color: theme.colors.error.text }),
    when: css({ display: 'flex', flexDirection: 'column' }),
    faint: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary }),
  };
};
