import type { ReactNode } from 'react';
import type { WidgetRows } from '../../core/contract/dashboard.ts';
import { useResource } from '../data/resource.ts';
import { widgetAddress } from '../filters/url-state.ts';
import { Empty, Failure, Skeleton } from '../shell/states.tsx';
import { useWords } from '../words/use-words.tsx';
import { DataTable } from './data-table.tsx';
import { OtherRelease, WidgetHead } from './head.tsx';
import type { WidgetProps } from './props.ts';
import { columnsOf } from './table-widget.tsx';

/** The rows of a chart. */
export function ChartWidget({ page, widget, state, title_id }: WidgetProps): ReactNode {
  const { words } = useWords();
  const { data, error, loading, retry } = useResource<WidgetRows>(widgetAddress(page, widget, state));
  return (
    <>
      <WidgetHead widget={widget} title_id={title_id} />
      {data === undefined ? (
        error === undefined ? (
          <Skeleton kind="chart" />
        ) : (
          <Failure error={error} retry={retry} />
        )
      ) : data.rows.length === 0 ? (
        <Empty hint={words.nothing_hint} />
      ) : (
        <DataTable title_id={title_id} columns={columnsOf(widget, data)} rows={data.rows} busy={loading} />
      )}
      <OtherRelease release={data?.release} />
    </>
  );
}
