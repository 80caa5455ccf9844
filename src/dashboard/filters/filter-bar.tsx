import type { ReactNode } from 'react';
import type { PageShape } from '../../core/contract/dashboard.ts';
import { goTo, usePlace } from '../route/location.ts';
import { atFirstPages } from '../widgets/table-state.ts';
import { useWords } from '../words/use-words.tsx';
import { ChoiceFilter } from './choice-filter.tsx';
import { DateRangeFilter } from './date-range-filter.tsx';
import type { FilterProps } from './props.ts';
import { TextFilter } from './text-filter.tsx';
import { type FilterState, isFiltered, withFilter, withoutFilters } from './url-state.ts';

/** The filters of a page. Their state is the address, so that it can be sent to somebody and the back button undoes a choice. */
export function FilterBar({ page, state }: { readonly page: PageShape; readonly state: FilterState }): ReactNode {
  const { words } = useWords();
  const { path, query } = usePlace();
  if (page.filters.length === 0) return null;
  const to = (next: URLSearchParams, replace = false): void => {
    const text = atFirstPages(next).toString();
    goTo(text === '' ? path : `${path}?${text}`, { replace });
  };
  return (
    <form className="filters" aria-label={words.filters} onSubmit={(event) => event.preventDefault()}>
      {page.filters.map((filter) => (
        <Filter
          key={filter.name}
          page={page}
          filter={filter}
          values={state[filter.name]}
          set={(values, replace) => to(withFilter(filter, values, query), replace)}
        />
      ))}
      {isFiltered(page.filters, query) && (
        <button type="button" className="button button-quiet" onClick={() => to(withoutFilters(page.filters, query))}>
          {words.reset_filters}
        </button>
      )}
    </form>
  );
}

function Filter(props: FilterProps): ReactNode {
  if (props.filter.kind === 'date_range') return <DateRangeFilter {...props} />;
  return props.filter.kind === 'choice' ? <ChoiceFilter {...props} /> : <TextFilter {...props} />;
}
