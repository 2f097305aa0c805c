// SPDX-License-Identifier: Apache-2.0
import { cacheFieldDisplayNames, getFrameDisplayName, type PanelProps } from '@grafana/data';
import type { TableCellHeight, TableSortByFieldState } from '@grafana/schema';
import { Combobox } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useMemo, useState } from 'react';
import { hasData, NoData } from '../NoData';

export interface TableOptions {
  showHeader: boolean;
  sortBy?: TableSortByFieldState[];
  cellHeight?: TableCellHeight;
  enablePagination?: boolean;
  showTypeIcons?: boolean;
  footer?: { enablePagination?: boolean };
  frozenColumns?: { left?: number };
}

export const TABLE_DEFAULTS: Partial<TableOptions> = { showHeader: true };

export const TABLE_CUSTOM = [
  'align',
  'width',
  'minWidth',
  'cellOptions',
  'inspect',
  'filterable',
  'hidden',
  'hideFrom',
  'footer',
  'wrapText',
  'wrapHeaderText',
  'tooltip',
];

/** Room for the choice of frame under the table. */
const SELECT_HEIGHT = 40;

export function TablePanel(props: PanelProps<TableOptions>) {
  const { data, options, width, height } = props;
  // TableNG shows the names of fields from this cache, not from their overrides.
  useMemo(() => cacheFieldDisplayNames(data.series), [data.series]);
  const [chosen, setChosen] = useState(0);
  if (!hasData(data)) {
    return <NoData {...props} />;
  }
  const several = data.series.length > 1;
  const index = Math.min(chosen, data.series.length - 1);
  return (
    <>
      <TableNG
        data={data.series[index]}
        width={width}
        height={several ? height - SELECT_HEIGHT : height}
        noHeader={!options.showHeader}
        sortBy={options.sortBy}
        cellHeight={options.cellHeight}
        enablePagination={options.footer?.enablePagination ?? options.enablePagination}
        fieldConfig={props.fieldConfig}
        timeRange={props.timeRange}
        structureRev={data.structureRev}
        showTypeIcons={options.showTypeIcons}
        frozenColumns={options.frozenColumns?.left}
        resizable
      />
      {several && (
        <Combobox
          aria-label="Table"
          options={data.series.map((frame, value) => ({
            label: getFrameDisplayName(frame, value),
            value,
          }))}
          value={index}
          onChange={({ value }) => setChosen(value)}
        />
      )}
    </>
  );
}
