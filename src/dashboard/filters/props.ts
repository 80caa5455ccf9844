import type { FilterShape, PageShape } from '../../core/contract/dashboard.ts';

/** What every kind of filter is given. */
export interface FilterProps {
  readonly page: PageShape;
  readonly filter: FilterShape;
  readonly values: readonly string[];
  /** `replace`: while typing, so that each letter is no step of its own for the back button. */
  set(values: readonly string[], replace?: boolean): void;
}
