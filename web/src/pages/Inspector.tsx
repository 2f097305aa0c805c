// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  dataFrameToJSON,
  FieldType,
  getFrameDisplayName,
  outerJoinDataFrames,
  toCSV,
  type DataFrame,
  type GrafanaTheme2,
  type PanelData,
} from '@grafana/data';
import { config, locationService } from '@grafana/runtime';
import { sceneGraph, type VizPanel } from '@grafana/scenes';
import { Button, Combobox, Drawer, Tab, TabsBar, useStyles2 } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'react-router-dom';
import type { InspectTab } from '../dashboard/panelMenu';
import { queryRunnerOf } from '../dashboard/queries';
import { explain } from '../panels/NoData';

const TABS: Array<{ id: InspectTab; label: string }> = [
  { id: 'data', label: 'Data' },
  { id: 'query', label: 'Query' },
  { id: 'json', label: 'JSON' },
];

/** The width that decides the step of a panel that was not drawn. */
const UNSEEN_WIDTH = 1000;

export function Inspector({ panel, onClose }: { panel: VizPanel; onClose: () => void }) {
  const { search } = useLocation();
  const asked = new URLSearchParams(search).get('inspectTab');
  const hasQuery = queryRunnerOf(panel) !== undefined;
  const shown = TABS.filter((tab) => hasQuery || tab.id === 'json');
  const tab = shown.find(({ id }) => id === asked)?.id ?? shown[0].id;
  // A collapsed or unseen panel asks nothing by itself.
  useEffect(() => {
    const deactivate = panel.activate();
    if (!sceneGraph.getData(panel).state.data) {
      queryRunnerOf(panel)?.setContainerWidth(UNSEEN_WIDTH);
    }
    return deactivate;
  }, [panel]);
  const { data } = sceneGraph.getData(panel).useState();
  const title = panel.interpolate(panel.state.title) || 'Panel';
  const tabs = (
    <TabsBar>
      {shown.map(({ id, label }) => (
        <Tab
          key={id}
          label={label}
          active={id === tab}
          onChangeTab={() => locationService.partial({ inspectTab: id }, true)}
        />
      ))}
    </TabsBar>
  );
  return (
    <Drawer title={`Inspect: ${title}`} size="md" onClose={onClose} tabs={tabs}>
      {tab === 'data' && <DataTab panel={panel} data={data} />}
      {tab === 'query' && <QueryTab panel={panel} data={data} />}
      {tab === 'json' && <JsonTab panel={panel} data={data} />}
    </Drawer>
  );
}

interface TabProps {
  panel: VizPanel;
  data?: PanelData;
}

function frameChoices(series: DataFrame[]): Array<{ label: string; frame: DataFrame }> {
  const frames = series.filter((frame) => frame.length > 0);
  const all = frames.map((frame, i) => ({ label: getFrameDisplayName(frame, i), frame }));
  const timed = frames.every((frame) => frame.fields[0]?.type === FieldType.time);
  const joined = frames.length > 1 && timed ? outerJoinDataFrames({ frames }) : undefined;
  return joined ? [{ label: 'All series, joined by time', frame: joined }, ...all] : all;
}

function DataTab({ panel, data }: TabProps) {
  const styles = useStyles2(getStyles);
  const [chosen, setChosen] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    if (box.current) {
      observer.observe(box.current);
    }
    return () => observer.disconnect();
  }, []);
  const choices = useMemo(() => frameChoices(data?.series ?? []), [data?.series]);
  const index = Math.min(chosen, choices.length - 1);
  const frame = useMemo(() => {
    if (index < 0) {
      return undefined;
    }
    const [drawn] = applyFieldOverrides({
      data: [choices[index].frame],
      theme: config.theme2,
      fieldConfig: { defaults: {}, overrides: [] },
      replaceVariables: (text) => text,
      timeZone: sceneGraph.getTimeRange(panel).getTimeZone(),
    });
    cacheFieldDisplayNames([drawn]);
    return drawn;
  }, [choices, index, panel]);
  const save = () => {
    if (frame) {
      const blob = new Blob([toCSV([frame], { useExcelHeader: false })], { type: 'text/csv' });
      const anchor = document.createElement('a');
      anchor.href = URL.createObjectURL(blob);
      anchor.download = `${panel.state.title || 'panel'}.csv`;
      anchor.click();
      URL.revokeObjectURL(anchor.href);
    }
  };
  const range = sceneGraph.getTimeRange(panel);
  return (
    <div ref={box}>
      {frame ? (
        <>
          <div className={styles.bar}>
            <Combobox
              aria-label="Series"
              value={index}
              options={choices.map(({ label }, value) => ({ label, value }))}
              onChange={({ value }) => setChosen(value)}
            />
            <Button icon="download-alt" variant="secondary" onClick={save}>
              Download CSV
            </Button>
          </div>
          {width > 0 && (
            <TableNG
              data={frame}
              width={width}
              height={Math.max(300, window.innerHeight - 260)}
              resizable
            />
          )}
        </>
      ) : (
        data && (
          <p className={styles.faint}>
            {explain({ data, timeRange: range.state.value, timeZone: range.getTimeZone() }).detail}
          </p>
        )
      )}
    </div>
  );
}

function QueryTab({ panel, data }: TabProps) {
  const styles = useStyles2(getStyles);
  const runner = queryRunnerOf(panel);
  const frames = data?.series ?? [];
  const executed = new Map<string, { text: string; series: number; points: number }>();
  for (const frame of frames) {
    const key = frame.refId ?? '';
    const old = executed.get(key);
    const text = frame.meta?.executedQueryString ?? '';
    executed.set(key, {
      text: old?.text ?? text,
      series: (old?.series ?? 0) + (frame.length ? 1 : 0),
      points: (old?.points ?? 0) + frame.length,
    });
  }
  const started = data?.request?.startTime;
  const ended = data?.request?.endTime;
  const errors = data?.errors ?? (data?.error ? [data.error] : []);
  const notices = [...new Set(frames.flatMap((f) => f.meta?.notices ?? []).map((n) => n.text))];
  return (
    <div>
      <div className={styles.bar}>
        <Button icon="sync" variant="secondary" onClick={() => runner?.runQueries()}>
          Run again
        </Button>
        {started && ended && <span className={styles.faint}>answered in {ended - started} ms</span>}
      </div>
      {errors.map((error, i) => (
        <pre key={i} className={styles.error}>
          {error.message}
        </pre>
      ))}
      {notices.map((text) => (
        <pre key={text}>{text}</pre>
      ))}
      {[...executed].map(([refId, { text, series, points }]) => (
        <section key={refId}>
          <h3 className={styles.heading}>
            {refId}{' '}
            <span className={styles.faint}>
              {series} series, {points} points
            </span>
          </h3>
          <pre className={styles.code}>{text}</pre>
        </section>
      ))}
    </div>
  );
}

function JsonTab({ panel, data }: TabProps) {
  const styles = useStyles2(getStyles);
  const [what, setWhat] = useState<'panel' | 'data'>('panel');
  const text = useMemo(
    () =>
      what === 'panel'
        ? JSON.stringify(panelJson(panel), null, 2)
        : JSON.stringify(
            (data?.series ?? []).map((frame) => dataFrameToJSON(frame)),
            null,
            2
          ),
    [what, panel, data]
  );
  return (
    <div>
      <div className={styles.bar}>
        <Combobox
          aria-label="JSON of"
          width={24}
          value={what}
          options={[
            { label: 'Panel', value: 'panel' as const },
            { label: 'Data frames', value: 'data' as const },
          ]}
          onChange={({ value }) => setWhat(value)}
        />
        <Button
          icon="copy"
          variant="secondary"
          onClick={() => navigator.clipboard?.writeText(text)}
        >
          Copy
        </Button>
      </div>
      <pre className={styles.code}>{text}</pre>
    </div>
  );
}

function panelJson(panel: VizPanel) {
  const { pluginId, title, description, options, fieldConfig } = panel.state;
  const runner = queryRunnerOf(panel);
  return {
    type: pluginId,
    title,
    description,
    datasource: runner?.state.datasource,
    targets: runner?.state.queries,
    options,
    fieldConfig,
  };
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    marginBottom: theme.spacing(2),
  }),
  faint: css({ ...theme.typography.bodySmall, color: theme.colors.text.secondary }),
  heading: css({ ...theme.typography.h5 }),
  code: css({ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }),
  error: css({ whiteSpace: 'pre-wrap', color: theme.colors.error.text }),
});
