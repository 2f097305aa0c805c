// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Button, Dropdown, IconButton, Menu, useStyles2 } from '@grafana/ui';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'react-router-dom';
import { exploreUrl, parseExplore, type ExploreQuery } from '../../dashboard/explore';
import { defaultSource, setActiveScene } from '../../host/boot';
import { queryHistory, rememberQuery } from '../../lib/preferences';
import { Crumbs } from '../../shell/Crumbs';
import { useTitle } from '../../shell/Page';
import { Empty } from '../../shell/States';
import { SourcePicker } from '../SourcePicker';
import { ExploreScene } from './exploreScene';
import PromqlEditor from './PromqlEditor';

/** Queries to begin with, where nothing has been asked yet. */
const STARTERS = [
  'up',
  'topk(10, count by (__name__) ({__name__=~".+"}))',
  'sum by (job) (rate(http_requests_total[5m]))',
];

function nextRefId(queries: ExploreQuery[]): string {
  const used = new Set(queries.map((query) => query.refId));
  return (
    [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !used.has(letter)) ?? `Q${queries.length}`
  );
}

export default function ExplorePage() {
  const styles = useStyles2(getStyles);
  useTitle('Explore');
  const { search } = useLocation();
  const fromUrl = useMemo(() => parseExplore(search), [search]);
  const [source, setSource] = useState(fromUrl.datasource || (defaultSource()?.uid ?? ''));
  const [queries, setDraft] = useState(fromUrl.queries);
  // Made once, then told of every change.
  const [explore] = useState(() => new ExploreScene({ ...fromUrl, datasource: source }));
  useMemo(() => setActiveScene(explore), [explore]);
  const { timePicker } = explore.state;
  const written = useRef(search);
  // What the address says has been run; what is being typed has not.
  const asked = fromUrl.queries.some((query) => query.expr.trim());

  const write = useCallback(
    (uid: string, next: ExploreQuery[], replace = false) => {
      const { from, to } = explore.state.$timeRange.state;
      const url = exploreUrl({ datasource: uid, queries: next, from, to });
      written.current = url.slice(url.indexOf('?'));
      if (replace) {
        locationService.replace(url);
      } else {
        locationService.push(url);
      }
    },
    [explore]
  );

  const run = (uid = source, next = queries) => {
    next.forEach((query) => rememberQuery(query.expr));
    write(uid, next);
    explore.ask(uid, next);
    explore.run();
  };

  // The address follows the range; and back and forward bring both back.
  useEffect(() => {
    const sub = explore.state.$timeRange.subscribeToState((now, before) => {
      if (now.from !== before.from || now.to !== before.to) {
        write(source, queries, true);
      }
    });
    return () => sub.unsubscribe();
  }, [explore, source, queries, write]);
  useEffect(() => {
    if (search !== written.current && locationService.getLocation().pathname === '/explore') {
      written.current = search;
      const state = parseExplore(search);
      const uid = state.datasource || source;
      setSource(uid);
      setDraft(state.queries);
      explore.state.$timeRange.setState({ from: state.from, to: state.to });
      explore.ask(uid, state.queries);
      explore.run();
    }
  }, [search, explore, source]);
  useEffect(() => explore.activate(), [explore]);

  const edit = (index: number, change: Partial<ExploreQuery>) =>
    setDraft((old) => old.map((query, i) => (i === index ? { ...query, ...change } : query)));
  const put = (expr: string) => {
    const next = queries.map((query, i) => (i === 0 ? { ...query, expr } : query));
    setDraft(next);
    run(source, next);
  };

  return (
    <div className={styles.page}>
      <Crumbs items={[{ text: 'Explore' }]} />
      <h1 className="sr-only">Explore</h1>
      <div className={styles.bar}>
        <SourcePicker
          uid={source}
          always
          onChange={(uid) => {
            setSource(uid);
            run(uid);
          }}
        />
        <div className={styles.time}>
          <timePicker.Component model={timePicker} />
          <Button icon="sync" onClick={() => run()}>
            Run query
          </Button>
        </div>
      </div>
      <div className={styles.queries}>
        {queries.map((query, i) => (
          <div key={query.refId} className={styles.query}>
            <span className={styles.ref}>{query.refId}</span>
            <div className={styles.editor}>
              <PromqlEditor
                value={query.expr}
                source={source}
                label={`Query ${query.refId}`}
                onChange={(expr) => edit(i, { expr })}
                onRun={() => run()}
              />
            </div>
            <IconButton
              name={query.hide ? 'eye-slash' : 'eye'}
              tooltip={query.hide ? 'Take part again' : 'Leave out'}
              aria-label={query.hide ? `Show query ${query.refId}` : `Hide query ${query.refId}`}
              onClick={() => {
                const next = queries.map((q, n) => (n === i ? { ...q, hide: !q.hide } : q));
                setDraft(next);
                run(source, next);
              }}
            />
            {queries.length > 1 && (
              <IconButton
                name="trash-alt"
                tooltip="Remove"
                aria-label={`Remove query ${query.refId}`}
                onClick={() => {
                  const next = queries.filter((_, n) => n !== i);
                  setDraft(next);
                  run(source, next);
                }}
              />
            )}
          </div>
        ))}
        <div className={styles.more}>
          <Button
            variant="secondary"
            size="sm"
            icon="plus"
            onClick={() => setDraft([...queries, { refId: nextRefId(queries), expr: '' }])}
          >
            Add query
          </Button>
          <HistoryMenu onPick={put} />
        </div>
      </div>
      {asked ? (
        <div className={styles.results}>
          <explore.Component model={explore} />
        </div>
      ) : (
        <Empty icon="compass" title="Ask a question">
          <p>Names of metrics and labels are completed while you type.</p>
          <div className={styles.starters}>
            {STARTERS.map((expr) => (
              <button key={expr} type="button" className={styles.starter} onClick={() => put(expr)}>
                {expr}
              </button>
            ))}
          </div>
        </Empty>
      )}
    </div>
  );
}

function HistoryMenu({ onPick }: { onPick: (expr: string) => void }) {
  const menu = () => {
    const past = queryHistory();
    return (
      <Menu>
        {past.length === 0 && <Menu.Item label="Nothing was asked in this browser yet" disabled />}
        {past.slice(0, 15).map((expr) => (
          <Menu.Item
            key={expr}
            label={expr.length > 90 ? `${expr.slice(0, 90)}…` : expr}
            onClick={() => onPick(expr)}
          />
        ))}
      </Menu>
    );
  };
  return (
    <Dropdown overlay={menu} placement="bottom-start">
      <Button variant="secondary" fill="text" size="sm" icon="history">
        History
      </Button>
    </Dropdown>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
    flexGrow: 1,
    padding: theme.spacing(2),
    [theme.breakpoints.down('md')]: { padding: theme.spacing(1) },
  }),
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
  time: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    marginLeft: 'auto',
    [theme.breakpoints.down('md')]: { marginLeft: 0 },
  }),
  queries: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    padding: theme.spacing(1.5),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
  }),
  query: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1) }),
  ref: css({ width: 20, textAlign: 'center', color: theme.colors.text.link, fontWeight: 500 }),
  editor: css({ flexGrow: 1, minWidth: 0 }),
  more: css({ display: 'flex', gap: theme.spacing(1), paddingLeft: 28 }),
  results: css({ display: 'flex', flexGrow: 1, minHeight: 720 }),
  starters: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    alignItems: 'stretch',
  }),
  starter: css({
    padding: theme.spacing(1, 1.5),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    color: theme.colors.text.primary,
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: 13,
    overflowWrap: 'anywhere',
    '&:hover': { borderColor: theme.colors.border.strong },
  }),
});
