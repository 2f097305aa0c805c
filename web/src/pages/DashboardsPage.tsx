// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { FilterInput, FilterPill, Icon, useStyles2 } from '@grafana/ui';
import { Link, useSearchParams } from 'react-router-dom';
import { searchDashboards, type SearchHit } from '../api/dashboards';
import { Crumbs } from '../shell/Crumbs';
import { Page } from '../shell/Page';
import { Empty, Failed, Loading } from '../shell/States';
import { useLoad } from '../shell/useLoad';
import { allTags, groupByFolder, hitPath } from './dashboardList';

export default function DashboardsPage() {
  const styles = useStyles2(getStyles);
  const [params, setParams] = useSearchParams();
  const { value: hits, error, reload } = useLoad(() => searchDashboards(), 'dashboards');
  const text = params.get('query') ?? '';
  const tag = params.get('tag') ?? undefined;
  const set = (key: string, value: string | undefined) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        next.delete(key);
        if (value) {
          next.set(key, value);
        }
        return next;
      },
      { replace: true }
    );
  const groups = groupByFolder(hits ?? [], text, tag);
  const count = (hits ?? []).filter((hit) => hit.type === 'dash-db').length;
  return (
    <Page
      title="Dashboards"
      subtitle={hits ? `${count} ${count === 1 ? 'dashboard' : 'dashboards'}` : undefined}
    >
      <Crumbs items={[{ text: 'Dashboards' }]} />
      <div className={styles.filters}>
        <FilterInput
          placeholder="Search by name, folder or tag"
          value={text}
          onChange={(value) => set('query', value)}
          escapeRegex={false}
        />
        <div className={styles.tags}>
          {allTags(hits ?? []).map((one) => (
            <FilterPill
              key={one}
              label={one}
              selected={one === tag}
              onClick={() => set('tag', one === tag ? undefined : one)}
            />
          ))}
        </div>
      </div>
      {error && <Failed title="The dashboards cannot be listed" error={error} retry={reload} />}
      {!hits && !error && <Loading />}
      {hits && groups.length === 0 && (
        <Empty icon="apps" title={count ? 'Nothing matches' : 'No dashboards yet'}>
          {count
            ? 'No dashboard has this name, folder or tag.'
            : 'Add them with Terraform (grafana_dashboard), with POST /api/dashboards/db, ' +
              'or in hearth.yaml.'}
        </Empty>
      )}
      {groups.map((group) => (
        <section key={group.uid} className={styles.group} aria-label={group.title}>
          <h2 className={styles.folder}>
            <Icon name={group.uid ? 'folder' : 'apps'} />
            {group.title}
            <span className={styles.count}>{group.dashboards.length}</span>
          </h2>
          {group.dashboards.length === 0 && <div className={styles.none}>This folder is empty</div>}
          {group.dashboards.map((hit) => (
            <DashboardRow key={hit.uid} hit={hit} />
          ))}
        </section>
      ))}
    </Page>
  );
}

export function DashboardRow({ hit }: { hit: SearchHit }) {
  const styles = useStyles2(getStyles);
  return (
    <Link to={hitPath(hit)} className={styles.row}>
      <span className={styles.name}>{hit.title}</span>
      <span className={styles.rowTags}>
        {(hit.tags ?? []).map((tag) => (
          <span key={tag} className={styles.tag}>
            {tag}
          </span>
        ))}
      </span>
      <Icon name="angle-right" />
    </Link>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  filters: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1.5),
    marginBottom: theme.spacing(3),
  }),
  tags: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
  group: css({
    marginBottom: theme.spacing(3),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    overflow: 'hidden',
  }),
  folder: css({
    ...theme.typography.h5,
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    margin: 0,
    padding: theme.spacing(1.5, 2),
    background: theme.colors.background.secondary,
  }),
  count: css({ color: theme.colors.text.secondary, fontWeight: 400 }),
  none: css({ padding: theme.spacing(1.5, 2), color: theme.colors.text.secondary }),
  row: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(2),
    minHeight: 44,
    padding: theme.spacing(1, 2),
    borderTop: `1px solid ${theme.colors.border.weak}`,
    color: theme.colors.text.primary,
    '&:hover': { background: theme.colors.action.hover },
  }),
  name: css({ fontWeight: 500, flexGrow: 1 }),
  rowTags: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(0.5),
    justifyContent: 'flex-end',
  }),
  tag: css({
    ...theme.typography.bodySmall,
    padding: theme.spacing(0.25, 1),
    borderRadius: theme.shape.radius.pill,
    background: theme.colors.background.secondary,
    color: theme.colors.text.secondary,
  }),
});
