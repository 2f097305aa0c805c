// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import {
  dateTimeFormat,
  LoadingState,
  type GrafanaTheme2,
  type PanelData,
  type TimeRange,
  type TimeZone,
} from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

interface Props {
  data: PanelData;
  timeRange: TimeRange;
  timeZone: TimeZone;
  height: number;
}

/** The text in place of a chart: an error as it was answered, or where nothing was found. */
export function explain({ data, timeRange, timeZone }: Omit<Props, 'height'>) {
  const errors = data.errors ?? (data.error ? [data.error] : []);
  if (errors.length) {
    return {
      title: 'Query failed',
      detail: errors.map((e) => e.message ?? 'unknown error').join('\n'),
    };
  }
  const notices = data.series.flatMap((frame) => frame.meta?.notices ?? []).map((n) => n.text);
  const at = (time: TimeRange['from']) => dateTimeFormat(time, { timeZone });
  const range = `No series was found between ${at(timeRange.from)} and ${at(timeRange.to)}.`;
  const hint = 'Try a wider time range, or check the names of the metric and its labels.';
  return { title: 'No data', detail: [...new Set(notices), `${range} ${hint}`].join('\n') };
}

export function hasData(data: PanelData): boolean {
  return data.series.some((frame) => frame.fields.length > 0 && frame.length > 0);
}

/** Below this height only the title fits. */
const DETAIL_MIN_HEIGHT = 90;

export function NoData(props: Props) {
  const styles = useStyles2(getStyles);
  if (props.data.state === LoadingState.Loading || props.data.state === LoadingState.NotStarted) {
    return <div className={styles.box} />;
  }
  const { title, detail } = explain(props);
  return (
    <div className={styles.box} data-testid="no-data" title={detail}>
      <div className={styles.title}>{title}</div>
      {props.height >= DETAIL_MIN_HEIGHT && <div className={styles.detail}>{detail}</div>}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    height: '100%',
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    gap: theme.spacing(0.5),
    padding: theme.spacing(1),
    textAlign: 'center',
    overflow: 'hidden',
  }),
  title: css({ ...theme.typography.h5, color: theme.colors.text.secondary, margin: 0 }),
  detail: css({
    ...theme.typography.bodySmall,
    color: theme.colors.text.secondary,
    maxWidth: 520,
    whiteSpace: 'pre-line',
    overflowWrap: 'anywhere',
  }),
});
