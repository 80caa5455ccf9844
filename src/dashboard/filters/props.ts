import type { FilterShape, PageShape } from '../../core/contract/dashboard.ts';

/** What every kind of filter is given. */
export interface FilterProps {
  readonly page: PageShape;
  readonly filter: FilterShape;
  /** What was chosen; undefined: the default holds. */
  readonly values: readonly string[] | undefined;
  /** `replace`: while typing, so that each letter is no step of its own for the back button. */
  set(values: readonly string[], replace?: boolean): void;
}
