import type { FilterSpec, PageSpec } from '../../../core/model/dashboard.ts';
import { ParameterError } from '../parameter-error.ts';
import type { QueryWords } from '../request-words.ts';
import { checkedValue, shown } from '../values.ts';

/** What a request says of a filter. `default`: nothing, so that what is declared holds. Null: no restriction. */
export type Chosen = DayRange | readonly string[] | 'default' | null;

/** Days, both included; null where it is open. */
export interface DayRange {
  readonly from: string | null;
  readonly to: string | null;
}

const VALUES_MAX = 200;

export function isRange(chosen: DayRange | readonly string[]): chosen is DayRange {
  return !Array.isArray(chosen);
}

/** The filters of a page as a request gives them, and the other words that it has. @throws ParameterError */
export function filterWords(
  query: QueryWords,
  filters: PageSpec['filters'],
): { readonly chosen: Readonly<Record<string, Chosen>>; readonly rest: QueryWords } {
  const chosen: Record<string, Chosen> = {};
  for (const [name, filter] of Object.entries(filters)) chosen[name] = chosenOf(name, filter, query[name]);
  const rest = Object.fromEntries(Object.entries(query).filter(([name]) => !Object.hasOwn(filters, name)));
  return { chosen, rest };
}

function chosenOf(name: string, filter: FilterSpec, given: string | readonly string[] | undefined): Chosen {
  if (given === undefined) return 'default';
  const words = (typeof given === 'string' ? [given] : given).filter((one) => one !== '');
  if (words.length === 0) return null;
  if (words.length > 1 && !filter.multiple) throw new ParameterError(name, 'it is given more than once', 'one value');
  if (words.length > VALUES_MAX)
    throw new ParameterError(name, `${words.length} values`, `at most ${VALUES_MAX} values`);
  if (filter.type === 'date_range') return rangeOf(name, words[0] ?? '');
  for (const word of words) {
    checkedValue(name, 'varchar', word);
    if (filter.values !== undefined && !filter.values.includes(word))
      throw new ParameterError(name, `${shown(word)} is not allowed`, filter.values.join(', '));
  }
  return words;
}

/** `2024-01-01..2024-12-31`, either end open, or one day. @throws ParameterError */
export function rangeOf(name: string, text: string): DayRange {
  const [from = '', to = from, ...more] = text.split('..');
  const day = (word: string): string | null => {
    if (word === '') return null;
    return String(checkedValue(name, 'date', word).param.value);
  };
  if (more.length > 0)
    throw new ParameterError(name, `${shown(text)} is no range`, 'days such as 2024-01-01..2024-12-31');
  return { from: day(from), to: day(to) };
}
