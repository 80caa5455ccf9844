import type { Column } from '../../core/model/table.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { SqliteValue } from './driver.ts';

/** How a column of the lake becomes one of SQLite. */
export interface SqliteColumn {
  readonly name: string;
  /** Declared type; without one a value keeps its own. */
  readonly type: string;
  /** Expression of the engine. */
  readonly sql: string;
  readonly decode: (value: unknown) => SqliteValue;
}

/** Digits that a REAL holds in any case. */
const DIGITS = 15;

/**
 * Whole numbers are INTEGER, doubles REAL, times ISO texts, bytes BLOB, nested values JSON. SQLite has no decimals: one with up to 15 digits is a
 * number, and a longer one stays text, so that no digit is lost.
 */
export function sqliteColumn({ name, type }: Column): SqliteColumn {
  const value = quoteIdent(name);
  const of = (declared: string, sql: string, decode: (found: unknown) => SqliteValue): SqliteColumn => ({
    name,
    type: declared,
    sql,
    decode: (found) => (found === null || found === undefined ? null : decode(found)),
  });
  const text = (found: unknown): SqliteValue => String(found);
  if (type.endsWith(']') || /^(struct|map)\(/.test(type)) return of('TEXT', `cast(to_json(${value}) as varchar)`, text);
  if (type.startsWith('decimal(')) return of('', `cast(${value} as varchar)`, (found) => decimal(String(found)));
  switch (type) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
      return of('INTEGER', value, (found) => Number(found));
    case 'bigint':
      return of('INTEGER', `cast(${value} as varchar)`, (found) => BigInt(String(found)));
    case 'double':
    case 'float':
      return of('REAL', `cast(cast(${value} as double) as varchar)`, (found) => double(String(found)));
    case 'boolean':
      return of('BOOLEAN', `cast(${value} as integer)`, (found) => Number(found));
    case 'timestamptz':
      return of('TEXT', `strftime(${value} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')`, text);
    case 'timestamp':
      return of('TEXT', `strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f')`, text);
    case 'blob':
      return of('BLOB', `base64(${value})`, (found) => Buffer.from(String(found), 'base64'));
    default:
      return of('TEXT', `cast(${value} as varchar)`, text);
  }
}

function decimal(text: string): SqliteValue {
  const digits = text.replace(/^-?[0.]*|\./g, '').replace(/0+$/, '');
  return digits.length <= DIGITS ? Number(text) : text;
}

/** SQLite would store no value for NaN. */
function double(text: string): SqliteValue {
  if (text === 'nan') return text;
  if (text === 'inf' || text === '-inf') return text === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return Number(text);
}
