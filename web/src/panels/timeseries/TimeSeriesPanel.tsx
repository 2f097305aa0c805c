// SPDX-License-Identifier: Apache-2.0
import {
  DashboardCursorSync,
  FieldType,
  type DataFrame,
  type Field,
  type PanelProps,
} from '@grafana/data';
import { TooltipDisplayMode } from '@grafana/schema';
import {
  EventBusPlugin,
  getFieldDisplayItems,
  getFieldDisplayLinks,
  isTooltipScrollable,
  KeyboardPlugin,
  TimeSeries,
  TooltipPlugin2,
  usePanelContext,
  VizTooltipContent,
  VizTooltipFooter,
  VizTooltipHeader,
  VizTooltipWrapper,
  XAxisInteractionAreaPlugin,
  type UPlotConfigBuilder,
} from '@grafana/ui';
import { useMemo } from 'react';
import { NoData } from '../NoData';
import { completeOptions, type TimeSeriesOptions } from './options';

/** TooltipHoverMode of @grafana/ui, which does not export it. */
const HOVER_ONE = 0;
const HOVER_ALL = 1;

const drawable = (frames: DataFrame[]) =>
  frames.some((frame) => frame.fields.some((f) => f.type === FieldType.number && f.values.length));

const inTooltip = (field: Field) =>
  field.type === FieldType.number && !field.config.custom?.hideFrom?.tooltip;

export function TimeSeriesPanel(props: PanelProps<TimeSeriesOptions>) {
  const { data, timeRange, timeZone, width, height } = props;
  const options = useMemo(() => completeOptions(props.options), [props.options]);
  // Time series without a point hold only a name for the legend.
  const frames = useMemo(() => data.series.filter((frame) => frame.length > 0), [data.series]);
  if (!drawable(frames)) {
    return <NoData {...props} />;
  }
  return (
    <TimeSeries
      frames={frames}
      structureRev={data.structureRev}
      timeRange={timeRange}
      timeZone={timeZone}
      width={width}
      height={height}
      legend={options.legend}
      options={options}
    >
      {(config, aligned) => (
        <Interaction
          config={config}
          aligned={aligned}
          options={options}
          onZoom={props.onChangeTimeRange}
        />
      )}
    </TimeSeries>
  );
}

interface InteractionProps {
  config: UPlotConfigBuilder;
  aligned: DataFrame;
  options: TimeSeriesOptions;
  onZoom: PanelProps['onChangeTimeRange'];
}

function Interaction({ config, aligned, options, onZoom }: InteractionProps) {
  const context = usePanelContext();
  const sync = context.sync?.() ?? DashboardCursorSync.Off;
  const { tooltip } = options;
  const hidden = tooltip.mode === TooltipDisplayMode.None;
  return (
    <>
      <KeyboardPlugin config={config} />
      {sync !== DashboardCursorSync.Off && (
        <EventBusPlugin config={config} eventBus={context.eventBus} frame={aligned} />
      )}
      <XAxisInteractionAreaPlugin config={config} queryZoom={onZoom} />
      <TooltipPlugin2
        config={config}
        hoverMode={tooltip.mode === TooltipDisplayMode.Single ? HOVER_ONE : HOVER_ALL}
        queryZoom={onZoom}
        clientZoom
        syncMode={sync}
        syncScope={context.eventsScope}
        maxWidth={tooltip.maxWidth}
        getDataLinks={(series, index) => getFieldDisplayLinks(aligned.fields[series], index)}
        render={(_plot, indexes, series, pinned, _dismiss, _range, viaSync, links) => {
          if (hidden || (viaSync && sync !== DashboardCursorSync.Tooltip)) {
            return null;
          }
          const time = aligned.fields[0];
          const at = indexes[0];
          const items = getFieldDisplayItems(
            aligned.fields,
            time,
            indexes,
            series,
            tooltip.mode,
            tooltip.sort,
            inTooltip,
            tooltip.hideZeros
          );
          const value = at == null ? '' : (time.display?.(time.values[at]).text ?? '');
          return (
            <VizTooltipWrapper>
              <VizTooltipHeader item={{ label: '', value }} isPinned={pinned} />
              <VizTooltipContent
                items={items}
                isPinned={pinned}
                scrollable={isTooltipScrollable(tooltip)}
                maxHeight={tooltip.maxHeight}
              />
              {pinned && links.length > 0 && <VizTooltipFooter dataLinks={links} />}
            </VizTooltipWrapper>
          );
        }}
      />
    </>
  );
}
