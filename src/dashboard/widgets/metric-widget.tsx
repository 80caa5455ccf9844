import type { ReactNode } from 'react';
import type { WidgetRows, WidgetShape } from '../../core/contract/dashboard.ts';
import { useResource } from '../data/resource.ts';
import { widgetAddress } from '../filters/url-state.ts';
import { formattedCell } from '../format/cell.ts';
import { formattedNumber, numberOf } from '../format/number.ts';
import { Empty, Failure, Skeleton } from '../shell/states.tsx';
import { useWords } from '../words/use-words.tsx';
import { changeOf, type Trend } from './change.ts';
import { OtherRelease, WidgetHead } from './head.tsx';
import type { WidgetProps } from './props.ts';

/** One number, and how it changed. */
export function MetricWidget({ page, widget, state, title_id }: WidgetProps): ReactNode {
  const { data, error, loading, retry } = useResource<WidgetRows>(widgetAddress(page, widget, state));
  return (
    <>
      <WidgetHead widget={widget} title_id={title_id} />
      {data === undefined ? (
        error === undefined ? (
          <Skeleton kind={widget.change === undefined ? 'number' : 'changed-number'} />
        ) : (
          <Failure error={error} retry={retry} />
        )
      ) : (
        <div aria-busy={loading} className="metric">
          <Figure widget={widget} data={data} />
        </div>
      )}
      <OtherRelease release={data?.release} />
    </>
  );
}

function Figure({ widget, data }: { readonly widget: WidgetShape; readonly data: WidgetRows }): ReactNode {
  const { words, language } = useWords();
  const at = (name: string): number => data.columns.findIndex((column) => column.name === name);
  const row = data.rows[0];
  const place = Math.max(0, at('value'));
  const value = row?.[place] ?? null;
  if (value === null) return <Empty />;
  const style = { type: data.columns[place]?.type ?? '', format: widget.format };
  const before = at('previous') === -1 ? null : (row?.[at('previous')] ?? null);
  return (
    <>
      <p className="metric-value">
        {numberOf(value) === undefined
          ? formattedCell(value, style, language, words)
          : formattedNumber(value, style.format, language)}
      </p>
      {widget.change !== undefined && (
        <Change trend={changeOf(numberOf(value), numberOf(before), widget.change.good)} label={widget.change.label} />
      )}
    </>
  );
}

const ARROW = { up: '▲', down: '▼', same: '=' } as const;

function Change({ trend, label }: { readonly trend: Trend | undefined; readonly label: string }): ReactNode {
  const { words, language } = useWords();
  if (trend === undefined) return <p className="metric-change quiet">– {label}</p>;
  const text = trend.direction === 'same' ? words.unchanged : formattedNumber(Math.abs(trend.share), '0.0%', language);
  const sign = trend.direction === 'up' ? '+' : trend.direction === 'down' ? '−' : '';
  return (
    <p className="metric-change">
      <span className={`change change-${trend.verdict}`}>
        <span aria-hidden="true">{ARROW[trend.direction]} </span>
        {sign}
        {text}
      </span>{' '}
      <span className="quiet">{label}</span>
    </p>
  );
}
