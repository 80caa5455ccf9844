import type { Column } from '../../core/model/table.ts';
import type { SqliteValue } from './driver.ts';

/**
 * Column of the lake for a declared type, by SQLite's own rules of affinity. What SQLite has no type for (dates, times) stays the text that it holds:
 * declare `columns:` to have it as something else.
 */
export function columnOf(name: string, declared: string | null): Column {
  return { name, type: lakeType(declared ?? ''), nullable: true };
}

function lakeType(declared: string): string {
  const type = declared.toUpperCase();
  const [, precision, scale = '0'] = /^(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/.exec(type) ?? [];
  if (precision !== undefined && Number(precision) <= 38 && Number(scale) <= Number(precision))
    return `decimal(${precision},${scale})`;
  if (type.startsWith('BOOL')) return 'boolean';
  if (type.includes('INT')) return 'bigint';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'varchar';
  if (type.includes('BLOB')) return 'blob';
  if (/REAL|FLOA|DOUB/.test(type)) return 'double';
  return 'varchar';
}

/** JSON text of a value, digit by digit: nothing goes through a number that could lose something. */
export function jsonOf(value: SqliteValue, type: string): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return JSON.stringify(blobText(value));
  if (typeof value === 'string') return JSON.stringify(value);
  if (type === 'boolean' && (value === 0n || value === 1n)) return value === 1n ? 'true' : 'false';
  const digits = typeof value === 'bigint' ? value.toString() : realText(value, type);
  // A text column takes the digits as they are; what is no JSON number goes as text that the engine casts.
  return type === 'varchar' || type === 'blob' || !/^-?\d/.test(digits) ? JSON.stringify(digits) : digits;
}

/** The shortest text that is this very number; a decimal has no exponent. */
function realText(value: number, type: string): string {
  if (Object.is(value, -0)) return '-0.0';
  if (!Number.isInteger(value)) return String(value);
  return type.startsWith('decimal') || Math.abs(value) < 1e15 ? `${BigInt(value)}.0` : String(value);
}

const HEX = Array.from({ length: 256 }, (_, byte) => `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`);

/** Bytes in the spelling that the engine reads back exactly. */
function blobText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte] ?? '';
  return text;
}
