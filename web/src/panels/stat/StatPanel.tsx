// SPDX-License-Identifier: Apache-2.0
import {
  getDisplayValueAlignmentFactors,
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  type PanelProps,
} from '@grafana/data';
import { config } from '@grafana/runtime';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  type PercentChangeColorMode,
  type SingleStatBaseOptions,
} from '@grafana/schema';
import { BigValue, VizRepeater } from '@grafana/ui';
import { hasData, NoData } from '../NoData';
import { displayValues, orientationOf } from '../values';

export interface StatOptions extends SingleStatBaseOptions {
  graphMode: BigValueGraphMode;
  colorMode: BigValueColorMode;
  justifyMode: BigValueJustifyMode;
  textMode: BigValueTextMode;
  showPercentChange: boolean;
  percentChangeColorMode?: PercentChangeColorMode;
}

export const STAT_DEFAULTS: Partial<StatOptions> = {
  graphMode: BigValueGraphMode.Area,
  colorMode: BigValueColorMode.Value,
  justifyMode: BigValueJustifyMode.Auto,
  textMode: BigValueTextMode.Auto,
  showPercentChange: false,
};

/** Text never gets smaller than this, however low the panel. */
const MIN_TEXT_PX = 12;

export function StatPanel(props: PanelProps<StatOptions>) {
  const { options, width, height, data, renderCounter } = props;
  if (!hasData(data)) {
    return <NoData {...props} />;
  }
  const sparkline = options.graphMode !== BigValueGraphMode.None;
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={() => displayValues(props, sparkline)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      width={width}
      height={height}
      source={data}
      itemSpacing={3}
      renderCounter={renderCounter}
      autoGrid
      orientation={orientationOf(options.orientation)}
      renderValue={({ value, width, height, alignmentFactors, count }) => (
        <BigValue
          value={value.display}
          sparkline={value.sparkline}
          count={count}
          colorMode={options.colorMode}
          graphMode={height < 50 ? BigValueGraphMode.None : options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          alignmentFactors={alignmentFactors}
          text={
            height < 50
              ? { ...options.text, valueSize: Math.max(MIN_TEXT_PX, height * 0.6) }
              : options.text
          }
          width={width}
          height={height}
          theme={config.theme2}
          hasLinks={value.hasLinks}
        />
      )}
    />
  );
}
