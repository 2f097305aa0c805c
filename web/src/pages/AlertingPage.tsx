// SPDX-License-Identifier: Apache-2.0
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, FilterInput, FilterPill, Icon, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';
import * as prometheus from '../api/prometheus';
import type { Rule, RuleGroup } from '../api/prometheus';
import { exploreUrl } from '../dashboard/explore';
import { defaultSource } from '../host/boot';
import { ago, duration } from '../lib/time';
import { Crumbs } from '../shell/Crumbs';
import { Page } from '../shell/Page';
import { Empty, Failed, Loading } from '../shell/States';
import { useLoad } from '../shell/useLoad';
import { Labels } from './Labels';
import {
  filterRules,
  neverEvaluated,
  neverLoaded,
  otherWarnings,
  ruleState,
  ruleTotals,
  type RuleState,
} from './rules';
import { SourcePicker } from './SourcePicker';

const EVERY_MS = 15_000;
const STATES: RuleState[] = ['firing', 'pending', 'failing', 'inactive', 'not evaluated yet'];

export default function AlertingPage() {
  const styles = useStyles2(getStyles);
  const [uid, setUid] = useState(defaultSource()?.uid ?? '');
  const [text, setText] = useState('');
  const [state, setState] = useState<RuleState>();
  const { value, error, reload } = useLoad(() => prometheus.rules(uid), uid, EVERY_MS);
  const all = value?.data.groups ?? [];
  const groups = filterRules(all, text, state);
  const warnings = otherWarnings(all, value?.warnings ?? []);
  const totals = ruleTotals(all);
  const said = [
    `${totals.total} rules`,
    totals.firing && `${totals.firing} firing`,
    totals.pending && `${totals.pending} pending`,
    totals.failing && `${totals.failing} failing`,
    totals.unevaluated && `${totals.unevaluated} not evaluated yet`,
  ].filter(Boolean);
  return (
    <Page
      title="Alert rules"
      subtitle={value && said.join(', ')}
      actions={
        <>
          <SourcePicker uid={uid} onChange={setUid} />
          <Button variant="secondary" icon="sync" onClick={reload}>
            Refresh
          </Button>
        </>
      }
    >
      <Crumbs items={[{ text: 'Alert rules' }]} />
      <div className={styles.filters}>
        <FilterInput
          placeholder="Search by name, expression or label"
          value={text}
          onChange={setText}
          escapeRegex={false}
        />
        {STATES.map((one) => (
          <FilterPill
            key={one}
            label={one}
            selected={state === one}
            onClick={() => setState(state === one ? undefined : one)}
          />
        ))}
      </div>
      {error && <Failed title="The rules cannot be read" error={error} retry={reload} />}
      {warnings.length > 0 && (
        <Alert severity="warning" title="The rules have problems">
          <Remarks texts={warnings} />
        </Alert>
      )}
      {!value && !error && <Loading />}
      {value && groups.length === 0 && (
        <Empty icon="bell" title={all.length ? 'Nothing matches' : 'No rules yet'}>
          {!all.length &&
            'Rules come from rule_files in hearth.yaml, or from a rule groups namespace: ' +
              'aws amp create-rule-groups-namespace.'}
        </Empty>
      )}
      {groups.map((group) => (
        <GroupTable key={`${group.file}/${group.name}`} group={group} source={uid} />
      ))}
    </Page>
  );
}

function Remarks({ texts }: { texts: string[] }) {
  const styles = useStyles2(getStyles);
  return (
    <ul className={styles.remarks}>
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

/** The end of a long path says enough; the whole is its title. */
const shortFile = (file: string) => file.split('/').slice(-2).join('/');

function GroupTable({ group, source }: { group: RuleGroup; source: string }) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.group} aria-label={group.name}>
      <h2 className={styles.groupTitle}>
        <Icon name="folder" />
        <span title={group.file}>{shortFile(group.file)}</span>{' '}
        <span className={styles.faint}>/</span> {group.name}
        <span className={styles.every}>every {duration(group.interval)}</span>
      </h2>
      {group.loadErrors && group.loadErrors.length > 0 && (
        <div className={styles.unused} role="alert">
          {neverLoaded(group)
            ? 'This group is not in use: none of its rules is evaluated.'
            : 'The newest text of this group is not in use; what was good before goes on.'}
          <Remarks texts={group.loadErrors} />
        </div>
      )}
      {group.rules.map((rule, i) => (
        <RuleRow
          key={`${rule.name}-${i}`}
          rule={rule}
          source={source}
          error={group.loadErrors?.includes(rule.lastError ?? '') ? undefined : rule.lastError}
        />
      ))}
    </section>
  );
}

/** `error` is what is wrong with the rule, where its group does not say so already. */
function RuleRow({ rule, source, error }: { rule: Rule; source: string; error?: string }) {
  const styles = useStyles2(getStyles);
  const state = ruleState(rule);
  const tone =
    state === 'firing' || state === 'failing'
      ? styles.bad
      : state === 'pending'
        ? styles.warn
        : state === 'inactive'
          ? styles.good
          : styles.calm;
  const { summary, description, ...others } = rule.annotations ?? {};
  const explore = exploreUrl({
    datasource: source,
    queries: [{ refId: 'A', expr: rule.query }],
    from: 'now-1h',
    to: 'now',
  });
  return (
    <details className={styles.rule}>
      <summary className={styles.summary}>
        <Icon name="angle-right" className="fold" />
        <span className={cx(styles.badge, tone)}>{state}</span>
        <span className={styles.name}>{rule.name}</span>
        <span className={styles.text}>{summary ?? description ?? ''}</span>
        {rule.alerts && rule.alerts.length > 0 && (
          <span className={styles.faint}>{rule.alerts.length} active</span>
        )}
      </summary>
      <div className={styles.detail}>
        <pre className={styles.expr}>{rule.query}</pre>
        <dl className={styles.facts}>
          {rule.type === 'alerting' && (
            <Fact
              name="Pending period"
              value={rule.duration ? duration(rule.duration) : 'none, fires at once'}
            />
          )}
          <Fact
            name="Last evaluation"
            value={
              neverEvaluated(rule)
                ? 'not evaluated yet'
                : `${ago(rule.lastEvaluation)}, took ${duration(rule.evaluationTime)}`
            }
          />
          {rule.labels && Object.keys(rule.labels).length > 0 && (
            <Fact name="Labels" value={<Labels labels={rule.labels} />} />
          )}
          {description && <Fact name="Description" value={description} />}
          {Object.entries(others).map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
        </dl>
        {error && <div className={styles.error}>{error}</div>}
        {(rule.alerts ?? []).map((alert, i) => (
          <div key={i} className={styles.alert}>
            <span className={cx(styles.badge, alert.state === 'firing' ? styles.bad : styles.warn)}>
              {alert.state}
            </span>
            <Labels labels={alert.labels} />
            <span className={styles.faint}>
              {alert.activeAt && `since ${ago(alert.activeAt)}`}{' '}
              {alert.value && `value ${alert.value}`}
            </span>
          </div>
        ))}
        <Link to={explore} className={styles.link}>
          <Icon name="compass" /> See the expression in Explore
        </Link>
      </div>
    </details>
  );
}

function Fact({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  filters: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    marginBottom: theme.spacing(3),
    '> :first-child': { flex: '1 1 280px' },
  }),
  group: css({
    marginBottom: theme.spacing(3),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    overflow: 'hidden',
  }),
  groupTitle: css({
    ...theme.typography.h5,
    display: 'flex',
    alignItems: 'center',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    margin: 0,
    padding: theme.spacing(1.5, 2),
    background: theme.colors.background.secondary,
  }),
  remarks: css({ margin: 0, paddingLeft: theme.spacing(2.5), overflowWrap: 'anywhere' }),
  unused: css({
    padding: theme.spacing(1, 2),
    borderTop: `1px solid ${theme.colors.border.weak}`,
    color: theme.colors.error.text,
  }),
  every: css({
    ...theme.typography.bodySmall,
    marginLeft: 'auto',
    color: theme.colors.text.secondary,
  }),
  faint: css({
    ...theme.typography.bodySmall,
    color: theme.colors.text.secondary,
    whiteSpace: 'nowrap',
  }),
  rule: css({
    borderTop: `1px solid ${theme.colors.border.weak}`,
    '&[open] > summary .fold': { transform: 'rotate(90deg)' },
  }),
  summary: css({
    display: 'flex',
    alignItems: 'center',
    flexWrap: 'wrap',
    gap: theme.spacing(1.5),
    minHeight: 44,
    padding: theme.spacing(1, 2),
    cursor: 'pointer',
    listStyle: 'none',
    '&::-webkit-details-marker': { display: 'none' },
    '&:hover': { background: theme.colors.action.hover },
  }),
  name: css({ fontWeight: 500 }),
  text: css({ color: theme.colors.text.secondary, flex: '1 1 200px' }),
  badge: css({
    ...theme.typography.bodySmall,
    fontWeight: 500,
    padding: theme.spacing(0.25, 1),
    borderRadius: theme.shape.radius.pill,
    whiteSpace: 'nowrap',
  }),
  good: css({ color: theme.colors.success.text, background: theme.colors.success.transparent }),
  warn: css({ color: theme.colors.warning.text, background: theme.colors.warning.transparent }),
  bad: css({ color: theme.colors.error.text, background: theme.colors.error.transparent }),
  calm: css({ color: theme.colors.text.secondary, background: theme.colors.background.secondary }),
  detail: css({
    padding: theme.spacing(0.5, 2, 2, 5.5),
    [theme.breakpoints.down('md')]: { paddingLeft: theme.spacing(2) },
  }),
  expr: css({ margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }),
  facts: css({
    display: 'grid',
    gridTemplateColumns: 'max-content 1fr',
    gap: theme.spacing(0.5, 2),
    margin: theme.spacing(1.5, 0),
    dt: { color: theme.colors.text.secondary, fontWeight: 400 },
    dd: { margin: 0 },
  }),
  error: css({ color: theme.colors.error.text, marginBottom: theme.spacing(1) }),
  alert: css({
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: theme.spacing(1),
    marginBottom: theme.spacing(1),
  }),
  link: css({ color: theme.colors.text.link, '&:hover': { textDecoration: 'underline' } }),
});
