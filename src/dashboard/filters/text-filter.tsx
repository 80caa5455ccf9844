import { type ReactNode, useId } from 'react';
import type { FilterProps } from './props.ts';
import { useTyped } from './use-typed.ts';

/** A text to be found; asked for a moment after the last key. */
export function TextFilter({ filter, values = [filter.default ?? ''], set }: FilterProps): ReactNode {
  const id = useId();
  const { text, type } = useTyped(values[0] ?? '', (value) => set(value === '' ? [] : [value], true));
  return (
    <div className="filter">
      <label className="filter-label" htmlFor={id}>
        {filter.label}
      </label>
      <input id={id} type="search" value={text} onChange={(event) => type(event.target.value)} />
    </div>
  );
}
