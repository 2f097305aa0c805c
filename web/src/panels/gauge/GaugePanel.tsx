// SPDX-License-Identifier: Apache-2.0
// @grafana/ui 13 carries no gauge any more: an SVG arc of our own.
import {
  formattedValueToString,
  getDisplayValueAlignmentFactors,
  ThresholdsMode,
  type DisplayValueAlignmentFactors,
  type FieldConfig,
  type FieldDisplay,
  type PanelProps,
} from '@grafana/data';
import type { SingleStatBaseOptions } from '@grafana/schema';
import { useTheme2, VizRepeater } from '@grafana/ui';
import { hasData, NoData } from '../NoData';
import { displayValues, orientationOf } from '../values';
import { angleOf, arcPath, END, START } from './arc';

export interface GaugeOptions extends SingleStatBaseOptions {
  showThresholdLabels: boolean;
  showThresholdMarkers: boolean;
}

export const GAUGE_DEFAULTS: Partial<GaugeOptions> = {
  showThresholdLabels: false,
  showThresholdMarkers: true,
};

interface Step {
  at: number;
  color: string;
}

function useSteps(field: FieldConfig, min: number, max: number): Step[] {
  const theme = useTheme2();
  const percentage = field.thresholds?.mode === ThresholdsMode.Percentage;
  return (field.thresholds?.steps ?? []).map(({ value, color }) => ({
    color: theme.visualization.getColorByName(color),
    at: !Number.isFinite(value) ? min : percentage ? min + ((max - min) * value) / 100 : value,
  }));
}

interface ArcGaugeProps {
  value: FieldDisplay;
  width: number;
  height: number;
  showTitle: boolean;
  options: GaugeOptions;
}

function ArcGauge({ value: { display, field }, width, height, showTitle, options }: ArcGaugeProps) {
  const theme = useTheme2();
  const min = field.min ?? 0;
  const max = field.max ?? 100;
  const steps = useSteps(field, min, max);
  const titleHeight = showTitle ? 22 : 0;
  const margin = options.showThresholdLabels ? 26 : 10;
  const outer = Math.max(12, Math.min(width / 2, (height - titleHeight) / 1.42) - margin);
  const cx = width / 2;
  const cy = outer + margin + Math.max(0, (height - titleHeight - outer * 1.42 - margin) / 2 - 4);
  const band = outer * 0.22;
  const r = outer - band / 2;
  const text = formattedValueToString(display);
  const fontSize =
    options.text?.valueSize ??
    Math.max(10, Math.min(outer * 0.46, (outer * 2.2) / Math.max(3, text.length)));
  return (
    <svg
      width={width}
      height={height}
      role="meter"
      aria-valuenow={Number.isFinite(display.numeric) ? display.numeric : undefined}
      aria-valuemin={min}
      aria-valuemax={max}
      aria-valuetext={text}
      aria-label={display.title || text}
    >
      <g fill="none" strokeWidth={band}>
        <path d={arcPath(cx, cy, r, START, END)} stroke={theme.colors.background.secondary} />
        <path
          d={arcPath(cx, cy, r, START, angleOf(display.numeric, min, max))}
          stroke={display.color}
        />
      </g>
      {options.showThresholdMarkers && (
        <g fill="none" strokeWidth={outer * 0.05}>
          {steps.map((step, i) => (
            <path
              key={i}
              d={arcPath(
                cx,
                cy,
                outer + outer * 0.05,
                angleOf(step.at, min, max),
                angleOf(steps[i + 1]?.at ?? max, min, max)
              )}
              stroke={step.color}
            />
          ))}
        </g>
      )}
      {options.showThresholdLabels &&
        steps.slice(1).map((step) => {
          const angle = angleOf(step.at, min, max);
          const far = outer + outer * 0.1 + 10;
          return (
            <text
              key={step.at}
              x={cx + far * Math.cos(angle)}
              y={cy + far * Math.sin(angle)}
              textAnchor="middle"
              dominantBaseline="middle"
              fontSize={11}
              fill={theme.colors.text.secondary}
            >
              {step.at}
            </text>
          );
        })}
      <text
        x={cx}
        y={cy + fontSize * 0.3}
        textAnchor="middle"
        fontSize={fontSize}
        fontWeight={500}
        fill={display.color}
      >
        {text}
      </text>
      {showTitle && (
        <text
          x={cx}
          y={height - 6}
          textAnchor="middle"
          fontSize={14}
          fill={theme.colors.text.primary}
        >
          {display.title}
        </text>
      )}
    </svg>
  );
}

export function GaugePanel(props: PanelProps<GaugeOptions>) {
  const { options, width, height, data, renderCounter } = props;
  if (!hasData(data)) {
    return <NoData {...props} />;
  }
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={() => displayValues(props, false)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      width={width}
      height={height}
      source={data}
      itemSpacing={8}
      renderCounter={renderCounter}
      autoGrid
      orientation={orientationOf(options.orientation)}
      renderValue={({ value, width, height, count }) => (
        <ArcGauge
          value={value}
          width={width}
          height={height}
          showTitle={count > 1}
          options={options}
        />
      )}
    />
  );
}
