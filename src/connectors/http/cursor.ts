import { parseDuration } from '../../kit/units.ts';
import type { Parameters, Scalar } from './ask.ts';
import type { HttpOptions } from './options.ts';
import type { ItemState } from './position.ts';

type Cursor = NonNullable<HttpOptions['cursor']>;

/** What one sequence of pages is asked for. */
export interface Stretch {
  readonly parameters: Readonly<Record<string, Scalar>>;
  /** With `window`: its end, where the next one begins. */
  readonly until?: string;
}

/** What is to be asked next for an item; undefined when no window has come to its end since. */
export function nextStretch(cursor: Cursor | undefined, state: ItemState, now_ms: number): Stretch | undefined {
  if (cursor === undefined) return { parameters: {} };
  if (cursor.window === undefined) return { parameters: sinceParameter(cursor, state) };
  const from = Date.parse(state.since ?? cursor.start ?? '');
  const until = from + ms(cursor.window);
  if (until > now_ms - ms(cursor.lag)) return undefined;
  const end = cursor.inclusive ? until - (cursor.format === 'date' ? DAY_MS : 1000) : until;
  return {
    parameters: {
      [cursor.param]: instant(cursor, from),
      ...(cursor.until_param === undefined ? {} : { [cursor.until_param]: instant(cursor, end) }),
    },
    until: new Date(until).toISOString(),
  };
}

/** How many windows wait for an item. */
export function windowsWaiting(cursor: Cursor, state: ItemState, now_ms: number): number {
  const from = Date.parse(state.since ?? cursor.start ?? '');
  return Math.max(0, Math.floor((now_ms - ms(cursor.lag) - from) / ms(cursor.window ?? '1d')));
}

/** The request parameters with those of the stretch. A next link holds everything already. */
export function withStretch(options: HttpOptions, stretch: Stretch, page: Parameters): Parameters {
  if (page.url !== undefined) return page;
  return options.pages?.in === 'body'
    ? { ...page, body: { ...stretch.parameters, ...page.body } }
    : { ...page, query: { ...stretch.parameters, ...page.query } };
}

function sinceParameter(cursor: Cursor, { since }: ItemState): Stretch['parameters'] {
  if (since === undefined) return cursor.start === undefined ? {} : { [cursor.param]: cursor.start };
  const value = plain(since);
  const overlap_ms = ms(cursor.overlap);
  if (overlap_ms === 0) return { [cursor.param]: value };
  const at = instantOf(since, cursor);
  return { [cursor.param]: Number.isNaN(at) ? value : instant(cursor, at - overlap_ms) };
}

const DAY_MS = 86_400_000;

function ms(duration: string): number {
  return parseDuration(duration) ?? 0;
}

function instant({ format }: Cursor, at_ms: number): Scalar {
  if (format === 'unix') return Math.floor(at_ms / 1000);
  if (format === 'unix_ms') return at_ms;
  const text = new Date(at_ms).toISOString();
  return format === 'date' ? text.slice(0, 10) : text.replace('.000Z', 'Z');
}

/** From where on records come again that the overlap asks for: requests are rounded down to what their notation can say. */
export function overlapFrom(cursor: Cursor, high: string): number {
  const unit = { date: DAY_MS, unix: 1000, unix_ms: 1, iso: 1 }[cursor.format];
  return Math.floor((instantOf(high, cursor) - ms(cursor.overlap)) / unit) * unit;
}

/** The value behind its JSON text. */
export function plain(raw: string): string {
  return raw.startsWith('"') ? String(JSON.parse(raw)) : raw;
}

/** Milliseconds of a value of the cursor's field; NaN when it is no instant. */
export function instantOf(raw: string, { format }: Pick<Cursor, 'format'>): number {
  const value = plain(raw);
  if (/^-?\d+(\.\d+)?$/.test(value) && format.startsWith('unix')) return Number(value) * (format === 'unix' ? 1000 : 1);
  // An instant without a zone is UTC, not the time of this machine.
  return Date.parse(/^\d{4}-\d\d-\d\d[T ][\d:.]+$/.test(value) ? `${value.replace(' ', 'T')}Z` : value);
}

/** Orders values of the field: numbers as numbers of any length, instants as instants, the rest as text. */
export function compareValues(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [plain(a), plain(b)];
  if (INTEGER.test(left) && INTEGER.test(right)) return BigInt(left) < BigInt(right) ? -1 : 1;
  const [x, y] = [Number(left), Number(right)];
  if (!Number.isNaN(x) && !Number.isNaN(y) && x !== y) return order(x, y);
  // The same notation sorts as text, with every digit of a second.
  if (left.length === right.length) return order(left, right);
  const [p, q] = [instantOf(a, { format: 'iso' }), instantOf(b, { format: 'iso' })];
  if (Number.isNaN(p) || Number.isNaN(q)) return order(left, right);
  return order(p, q) || order(fraction(left), fraction(right));
}

function order<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The digits of a second behind its point, to be compared as text. */
function fraction(instant: string): string {
  return (/:\d\d[.,](\d+)/.exec(instant)?.[1] ?? '').replace(/0+$/, '');
}

const INTEGER = /^-?\d{1,1000}$/;
