import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import type { FilterShape, FilterValues } from '../../core/contract/dashboard.ts';
import { useResource } from '../data/resource.ts';
import { useWords } from '../words/use-words.tsx';
import type { FilterProps } from './props.ts';
import { filterAddress } from './url-state.ts';

const SEGMENTS_MAX = 4;

/** One of a few values beside each other, one of many in a list, or several in a list that opens. */
export function ChoiceFilter(props: FilterProps): ReactNode {
  const { page, filter } = props;
  const declared = filter.values;
  const { data } = useResource<FilterValues>(declared === undefined ? filterAddress(page, filter) : null);
  const fallback = data?.default ?? filter.default;
  const values = props.values ?? (fallback === undefined ? [] : [fallback]);
  const all = declared ?? data?.values ?? values;
  const shown = { ...props, values, all };
  if (filter.multiple === true) return <Several {...shown} />;
  const few = declared !== undefined && declared.length <= SEGMENTS_MAX && filter.default !== undefined;
  return few ? <Segments {...shown} /> : <OneOf {...shown} />;
}

interface ChoiceProps extends FilterProps {
  readonly all: readonly string[];
  readonly values: readonly string[];
}

function calledIn({ labels = {} }: FilterShape, value: string): string {
  return Object.hasOwn(labels, value) ? (labels[value] ?? value) : value;
}

function Segments({ filter, values, all, set }: ChoiceProps): ReactNode {
  const label = useId();
  return (
    <fieldset className="filter" aria-labelledby={label}>
      <span className="filter-label" id={label}>
        {filter.label}
      </span>
      <div className="segments">
        {all.map((value) => (
          <button key={value} type="button" aria-pressed={values.includes(value)} onClick={() => set([value])}>
            {calledIn(filter, value)}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

function OneOf({ filter, values, all, set }: ChoiceProps): ReactNode {
  const { words } = useWords();
  const id = useId();
  return (
    <div className="filter">
      <label className="filter-label" htmlFor={id}>
        {filter.label}
      </label>
      <select id={id} value={values[0] ?? ''} onChange={({ target }) => set(target.value === '' ? [] : [target.value])}>
        <option value="">{words.all}</option>
        {all.map((value) => (
          <option key={value} value={value}>
            {calledIn(filter, value)}
          </option>
        ))}
      </select>
    </div>
  );
}

function Several({ filter, values, all, set }: ChoiceProps): ReactNode {
  const { words } = useWords();
  const id = useId();
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useClosing(open, place, () => setOpen(false));
  const said =
    values.length === 0
      ? words.all
      : values.length <= 2
        ? values.map((value) => calledIn(filter, value)).join(', ')
        : words.chosen(values.length);
  const toggled = (value: string): void =>
    set(values.includes(value) ? values.filter((one) => one !== value) : [...values, value]);
  return (
    <div className="filter filter-several" ref={place}>
      <span className="filter-label" id={`${id}-label`}>
        {filter.label}
      </span>
      <button
        type="button"
        className="select"
        id={id}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-labelledby={`${id}-label ${id}`}
        onClick={() => setOpen(!open)}
      >
        {said}
      </button>
      <fieldset id={`${id}-list`} className="filter-list" hidden={!open} aria-labelledby={`${id}-label`}>
        {all.map((value) => (
          <label key={value}>
            <input type="checkbox" checked={values.includes(value)} onChange={() => toggled(value)} />
            {calledIn(filter, value)}
          </label>
        ))}
      </fieldset>
    </div>
  );
}

/** Escape, a click elsewhere and leaving by the keyboard close it. */
function useClosing(open: boolean, place: React.RefObject<HTMLDivElement | null>, close: () => void): void {
  const newest = useRef(close);
  newest.current = close;
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event): void => {
      if (event.target instanceof Node && place.current?.contains(event.target) !== true) newest.current();
    };
    const escaped = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      newest.current();
      place.current?.querySelector('button')?.focus();
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    document.addEventListener('keydown', escaped);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
      document.removeEventListener('keydown', escaped);
    };
  }, [open, place]);
}
