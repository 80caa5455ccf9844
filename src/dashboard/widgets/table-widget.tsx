import { type ReactNode, useEffect } from 'react';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import { titleOf } from '../chart/model.ts';
import { useResource } from '../data/resource.ts';
import { widgetAddress } from '../filters/url-state.ts';
import { useTyped } from '../filters/use-typed.ts';
import { goTo, usePlace } from '../route/location.ts';
import { Empty, Failure, Skeleton } from '../shell/states.tsx';
import { useWords } from '../words/use-words.tsx';
import { DataTable, type ShownColumn } from './data-table.tsx';
import { ExportButtons } from './export-buttons.tsx';
import { OtherRelease, WidgetHead } from './head.tsx';
import type { WidgetProps } from './props.ts';
import { nextSort, pageStart, readTable, type TableState, withTable } from './table-state.ts';

const PAGE_ROWS = 20;

/** Rows to be sorted, searched, paged and taken along, as the address says. The server does all of it: no more than a page of rows is ever here. */
export function TableWidget({ page, widget, state, title_id }: WidgetProps): ReactNode {
  const { words } = useWords();
  const limit = widget.page_rows ?? PAGE_ROWS;
  const { path, query } = usePlace();
  const { sort, found, page: number } = readTable(widget, query);
  const offset = (number - 1) * limit;
  const become = (change: Partial<TableState>, replace = false): void => {
    const text = withTable(widget, change, query).toString();
    goTo(text === '' ? path : `${path}?${text}`, { replace });
  };
  const own = { sort, q: found };
  const asked = widgetAddress(page, widget, state, { ...own, offset: String(offset), limit: String(limit) });
  const { data, error, loading, retry } = useResource<WidgetRows>(asked);
  const { text, type } = useTyped(found, (value) => become({ found: value }, true));
  const beyond = data !== undefined && !loading && data.rows.length === 0 && offset > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: an address that was kept may name a page that is not there any more
  useEffect(() => {
    if (beyond) become({ page: Math.max(1, Math.ceil((data.total ?? 0) / limit)) }, true);
  }, [beyond]);
  return (
    <>
      <WidgetHead widget={widget} title_id={title_id}>
        <input
          type="search"
          className="find"
          placeholder={words.find}
          aria-label={words.find_in(widget.title)}
          value={text}
          onChange={(event) => type(event.target.value)}
        />
        <ExportButtons
          title={widget.title}
          name={widget.id}
          address={(format) => widgetAddress(page, widget, state, { ...own, format })}
        />
      </WidgetHead>
      {data === undefined ? (
        error === undefined ? (
          <Skeleton kind="rows" />
        ) : (
          <Failure error={error} retry={retry} />
        )
      ) : data.rows.length === 0 && offset === 0 ? (
        <Empty hint={words.nothing_hint} />
      ) : (
        <>
          <DataTable
            title_id={title_id}
            columns={columnsOf(widget, data)}
            rows={data.rows}
            offset={offset}
            busy={loading}
            sort={{
              by: sort,
              press: (column) => become({ sort: nextSort(sort, column) }),
            }}
          />
          <Pager
            total={data.total ?? data.rows.length}
            limit={limit}
            offset={offset}
            shown={data.rows.length}
            go={(to) => become({ page: Math.floor(to / limit) + 1 })}
          />
        </>
      )}
      <OtherRelease release={data?.release} />
    </>
  );
}

/** What is declared, or every column under its name. */
export function columnsOf(widget: WidgetShape, { columns }: WidgetRows): readonly ShownColumn[] {
  const declared: NonNullable<WidgetShape['columns']> =
    widget.columns ?? columns.map(({ name }) => ({ name, title: titleOf(name), format: undefined }));
  return declared.flatMap(({ name, title, format }) => {
    const at = columns.findIndex((column) => column.name === name);
    return at === -1 ? [] : [{ name, title, format, at, type: columns[at]?.type ?? '' }];
  });
}

function Pager(props: {
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  readonly shown: number;
  go(offset: number): void;
}): ReactNode {
  const { words, language } = useWords();
  const { total, limit, offset, shown, go } = props;
  const number = new Intl.NumberFormat(language);
  const last = pageStart(total - 1, limit);
  return (
    <div className="pager">
      <p className="quiet small" role="status">
        {total <= limit
          ? words.rows_total(number.format(total), total === 1)
          : words.rows(number.format(offset + 1), number.format(offset + shown), number.format(total))}
      </p>
      {total > limit && (
        <div className="pager-steps">
          <button
            type="button"
            className="button button-small"
            disabled={offset === 0}
            onClick={() => go(Math.max(0, offset - limit))}
          >
            <span aria-hidden="true">‹ </span>
            {words.previous_page}
          </button>
          <button
            type="button"
            className="button button-small"
            disabled={offset >= last}
            onClick={() => go(offset + limit)}
          >
            {words.next_page}
            <span aria-hidden="true"> ›</span>
          </button>
        </div>
      )}
    </div>
  );
}
