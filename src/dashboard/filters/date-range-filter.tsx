import { type ReactNode, useId } from 'react';
import { useWords } from '../words/use-words.tsx';
import type { FilterProps } from './props.ts';
import { type Range, rangeOf, rangeText } from './url-state.ts';

/** Two days, either of which may be left open. */
export function DateRangeFilter({ filter, values, set }: FilterProps): ReactNode {
  const { words } = useWords();
  const label = useId();
  const range = rangeOf(values[0]);
  const change = (part: Partial<Range>): void => set(rangeText({ ...range, ...part }));
  return (
    <fieldset className="filter" aria-labelledby={label}>
      <span className="filter-label" id={label}>
        {filter.label}
      </span>
      <div className="filter-range">
        <input
          type="date"
          aria-label={`${filter.label}, ${words.from}`}
          value={range.from}
          max={range.to === '' ? undefined : range.to}
          onChange={(event) => change({ from: event.target.value })}
        />
        <span aria-hidden="true">–</span>
        <input
          type="date"
          aria-label={`${filter.label}, ${words.to}`}
          value={range.to}
          min={range.from === '' ? undefined : range.from}
          onChange={(event) => change({ to: event.target.value })}
        />
      </div>
    </fieldset>
  );
}
