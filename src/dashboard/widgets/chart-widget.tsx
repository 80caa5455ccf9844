import { type ReactNode, useState } from 'react';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import { Chart } from '../chart/chart.tsx';
import { titleOf } from '../chart/model.ts';
import { useResource } from '../data/resource.ts';
import { widgetAddress } from '../filters/url-state.ts';
import { isNumeric } from '../format/cell.ts';
import { Empty, Failure, Skeleton } from '../shell/states.tsx';
import { useWords } from '../words/use-words.tsx';
import { DataTable, type ShownColumn } from './data-table.tsx';
import { OtherRelease, WidgetHead } from './head.tsx';
import type { WidgetProps } from './props.ts';

/** A chart, and the same rows as a table for whoever would rather read them. */
export function ChartWidget({ page, widget, state, title_id }: WidgetProps): ReactNode {
  const { words, language } = useWords();
  const { data, error, loading, retry } = useResource<WidgetRows>(widgetAddress(page, widget, state));
  const [as_table, setAsTable] = useState(false);
  const shown = data !== undefined && data.rows.length > 0;
  return (
    <>
      <WidgetHead widget={widget} title_id={title_id}>
        {shown && <TableSwitch title={widget.title} on={as_table} press={() => setAsTable(!as_table)} />}
      </WidgetHead>
      {data === undefined ? (
        error === undefined ? (
          <Skeleton kind="chart" />
        ) : (
          <Failure error={error} retry={retry} />
        )
      ) : !shown ? (
        <Empty hint={widget.filters.length > 0 ? words.nothing_hint : undefined} />
      ) : as_table ? (
        <div className="table-bounds">
          <DataTable title_id={title_id} columns={dataColumns(widget, data)} rows={data.rows} busy={loading} />
        </div>
      ) : (
        <div className="chart-frame" aria-busy={loading}>
          <Chart widget={widget} rows={data} />
        </div>
      )}
      {data?.truncated === true && (
        <p className="quiet small">{words.rows_shown(new Intl.NumberFormat(language).format(data.rows.length))}</p>
      )}
      <OtherRelease release={data?.release} />
    </>
  );
}

function TableSwitch(props: { readonly title: string; readonly on: boolean; press(): void }): ReactNode {
  const { words } = useWords();
  const text = props.on ? words.show_chart : words.show_data;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`${text}: ${props.title}`}
      title={text}
      onClick={props.press}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={props.on ? 'M2 2v12h12M5 11V8m3 3V5m3 6V7' : 'M2 3h12v10H2zM2 6.5h12M2 10h12M7 3v10'} />
      </svg>
    </button>
  );
}

/** Every column of the rows; values are written as in the chart. */
function dataColumns({ format, x, series, name }: WidgetShape, { columns }: WidgetRows): readonly ShownColumn[] {
  return columns.map((column, at) => {
    const is_value = isNumeric(column.type) && ![x, series, name].includes(column.name);
    return {
      name: column.name,
      title: titleOf(column.name),
      type: column.type,
      at,
      format: is_value ? format : undefined,
    };
  });
}
