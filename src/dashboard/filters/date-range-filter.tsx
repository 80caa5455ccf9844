import { type ReactNode, useId } from 'react';
import type { FilterValues } from '../../core/contract/dashboard.ts';
import { useResource } from '../data/resource.ts';
import { formattedDate } from '../format/time.ts';
import { useWords } from '../words/use-words.tsx';
import type { FilterProps } from './props.ts';
import { filterAddress, type Range, rangeOf, rangeText } from './url-state.ts';

/** Two days, either of which may be left open. */
export function DateRangeFilter({ page, filter, values, set }: FilterProps): ReactNode {
  const { words, language } = useWords();
  const label = useId();
  const hint = useId();
  const { data } = useResource<FilterValues>(filterAddress(page, filter));
  const range = rangeOf((values ?? [data?.default ?? filter.default])[0]);
  const [first, last] = [data?.values[0], data?.values.at(-1)];
  const known =
    first === undefined || last === undefined
      ? ''
      : `${words.days_known(formattedDate(first, language), formattedDate(last, language))}.`;
  const change = (part: Partial<Range>): void => set(rangeText({ ...range, ...part }));
  return (
    <fieldset
      className="filter"
      aria-labelledby={label}
      aria-describedby={hint}
      title={`${known} ${words.days_typed}`.trim()}
    >
      <span className="filter-label" id={label}>
        {filter.label}
      </span>
      <span className="unseen" id={hint}>
        {known} {words.days_typed}
      </span>
      <div className="filter-range">
        <input
          type="date"
          aria-label={`${filter.label}, ${words.from}`}
          value={range.from}
          min={first}
          max={range.to === '' ? last : range.to}
          onChange={(event) => change({ from: event.target.value })}
        />
        <span aria-hidden="true">–</span>
        <input
          type="date"
          aria-label={`${filter.label}, ${words.to}`}
          value={range.to}
          min={range.from === '' ? first : range.from}
          max={last}
          onChange={(event) => change({ to: event.target.value })}
        />
      </div>
    </fieldset>
  );
}
