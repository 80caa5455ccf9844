import type { Column, FileStats, StatValue } from '../model/table.ts';

/** What `RETURN_STATS` says of one column: text values by name. */
export type RawStats = ReadonlyMap<string, string>;

const TEXT_STAT_MAX = 64;
const HIGHEST = '\u{10FFFF}';
/** Decimal digits that a JSON number (a double) surely keeps. */
const EXACT_DIGITS = 15;

/**
 * Column statistics as the Delta log wants them, from the engine's texts. A bound is left out (both, in fact) wherever it could mislead a
 * reader: whole numbers beyond 2^53 and decimals beyond 15 digits, which a JSON number rounds; NaN and infinities; nested,
 * boolean and binary columns, for which Delta keeps no bounds.
 */
export function fileStats(rows: number, columns: readonly Column[], raw: ReadonlyMap<string, RawStats>): FileStats {
  const min_values: Record<string, StatValue> = {};
  const max_values: Record<string, StatValue> = {};
  const null_count: Record<string, number> = {};
  for (const column of columns) {
    const stats = raw.get(column.name);
    if (stats === undefined) continue;
    const nulls = stats.get('null_count');
    if (nulls !== undefined) null_count[column.name] = Number(nulls);
    if (stats.get('has_nan') === 'true') continue;
    const low = scalar(column.type, stats.get('min'), 'min');
    const high = scalar(column.type, stats.get('max'), 'max');
    if (low === null || high === null) continue;
    min_values[column.name] = low;
    max_values[column.name] = high;
  }
  return { num_records: rows, min_values, max_values, null_count };
}

function scalar(type: string, text: string | undefined, side: 'min' | 'max'): StatValue {
  if (text === undefined) return null;
  if (/^(bigint|integer|smallint|tinyint)$/.test(type)) {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : null;
  }
  if (/^(double|float|decimal)/.test(type)) return number(type, text);
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(text) ? text : null;
  if (type.startsWith('timestamp')) return instant(text, side, type === 'timestamptz');
  return type === 'varchar' ? cut(text, side) : null;
}

function number(type: string, text: string): StatValue {
  if (type.startsWith('decimal') && text.replace(/[-.]/g, '').replace(/^0+/, '').length > EXACT_DIGITS) return null;
  // A float's shortest text, read as a double, lies beside the value that is stored (0.3 < fround(0.3)): no bound.
  const value = type === 'float' ? Math.fround(Number(text)) : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** To the millisecond; a maximum is rounded up so that it stays a bound. */
function instant(text: string, side: 'min' | 'max', zoned: boolean): StatValue {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00(?::00)?|Z)?$/.exec(text);
  if (match === null) return null;
  const micros = (match[3] ?? '').padEnd(6, '0');
  let ms = Date.parse(`${match[1]}T${match[2]}.${micros.slice(0, 3)}Z`);
  if (Number.isNaN(ms)) return null;
  if (side === 'max' && micros.slice(3) !== '000') ms += 1;
  const iso = new Date(ms).toISOString();
  if (!/^\d{4}-/.test(iso)) return null;
  return zoned ? iso : iso.slice(0, -1);
}

/** Long texts are cut; a cut maximum gets the highest code point appended, so that it stays ≥ every value. */
function cut(text: string, side: 'min' | 'max'): StatValue {
  const points = [...text];
  if (points.length <= TEXT_STAT_MAX) return text;
  const head = points.slice(0, TEXT_STAT_MAX).join('');
  if (side === 'min') return head;
  return points[TEXT_STAT_MAX] === HIGHEST ? null : `${head}${HIGHEST}`;
}
