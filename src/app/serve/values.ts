import type { ReadParam } from '../../core/ports/read-engine.ts';
import { ParameterError } from './parameter-error.ts';

/** A value of a request that was checked against the type of its column. */
export interface CheckedValue {
  readonly param: ReadParam;
  /** Type that the bound value is cast to. */
  readonly cast?: string;
}

const TEXT_CHARS_MAX = 10_000;
const WHOLE_BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, integer: 32, bigint: 64 };
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)$/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

/** What may be asked of a column of a type: a value as text. Undefined: its values cannot be given in a request. */
export function allowedText(type: string): string | undefined {
  const bits = WHOLE_BITS[type];
  if (bits !== undefined) return `a whole number of ${bits} bits`;
  if (type.startsWith('decimal(') && !type.endsWith(']')) return `a number such as 12.5, as ${type} holds it`;
  return {
    double: 'a number',
    float: 'a number',
    boolean: 'true or false',
    varchar: `a text of at most ${TEXT_CHARS_MAX} characters`,
    date: 'a day such as 2024-01-31',
    timestamp: 'a time such as 2024-01-31T12:00:00',
    timestamptz: 'an instant such as 2024-01-31T12:00:00Z',
  }[type];
}

/** @throws ParameterError for a text that is no value of the type. */
export function checkedValue(parameter: string, type: string, text: string): CheckedValue {
  const allowed = allowedText(type);
  if (allowed === undefined) throw new ParameterError(parameter, `values of type ${type} cannot be given`, 'no value');
  const value = parsedValue(type, text);
  if (value === undefined) throw new ParameterError(parameter, `${shown(text)} is no value of it`, allowed);
  return value;
}

function parsedValue(type: string, text: string): CheckedValue | undefined {
  const bits = WHOLE_BITS[type];
  if (bits !== undefined) return whole(text, bits);
  if (type.startsWith('decimal(')) return decimal(type, text);
  switch (type) {
    case 'double':
    case 'float':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? bound('double', Number(text)) : undefined;
    case 'boolean':
      return text === 'true' || text === 'false' ? bound('boolean', text === 'true') : undefined;
    case 'date':
      return DATE.test(text) && isDay(text) ? bound('date', text) : undefined;
    case 'timestamp':
    case 'timestamptz': {
      const day = (type === 'timestamp' ? TIME : INSTANT).exec(text)?.[1];
      const real = day !== undefined && isDay(day) && !Number.isNaN(Date.parse(text.replace(' ', 'T')));
      return real ? { param: { type: 'varchar', value: text }, cast: type } : undefined;
    }
    default:
      return text.length <= TEXT_CHARS_MAX && !text.includes('\0') ? bound('varchar', text) : undefined;
  }
}

function bound(type: ReadParam['type'], value: string | number | boolean): CheckedValue {
  return { param: { type, value } };
}

function whole(text: string, bits: number): CheckedValue | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(bits, value) === value ? bound('bigint', String(value)) : undefined;
}

/** A number with more decimals than the column has is compared as it is, not rounded first. */
function decimal(type: string, text: string): CheckedValue | undefined {
  const [, sign = '', digits = '', fraction = ''] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text) ?? [];
  if (digits === '' && fraction === '') return undefined;
  const [precision = 18, scale = 3] = (type.match(/\d+/g) ?? []).map(Number);
  const before = digits.replace(/^0+/, '');
  const after = fraction.replace(/0+$/, '');
  const room = precision - scale;
  if (before.length > room || room + after.length > 38) return undefined;
  const number = `${sign}${before === '' ? '0' : before}${after === '' ? '' : `.${after}`}`;
  const cast = after.length <= scale ? `decimal(${precision},${scale})` : `decimal(38,${after.length})`;
  return { param: { type: 'varchar', value: number }, cast };
}

/** A day that the calendar has. */
function isDay(text: string): boolean {
  const time_ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time_ms) && new Date(time_ms).toISOString().startsWith(text);
}

/** A text of a request as a message shows it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
