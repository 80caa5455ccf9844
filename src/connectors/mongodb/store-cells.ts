import type { Column } from '../../core/model/table.ts';
import { parseType, type TypeNode } from '../../core/types/type-text.ts';
import {
  type BsonValue,
  binaryOf,
  dateOf,
  decimalOf,
  elementsOf,
  stringOf,
  TYPE,
  UnreadableBson,
  uuidOf,
} from './bson-values.ts';

/** A value, never NULL, as the text that the engine casts to its type. @throws UnreadableBson */
export type CellText = (value: BsonValue) => string;

const quote = JSON.stringify as (text: string) => string;

/** How the values of a column are told, that `bson-columns.ts` made. */
export function cellText({ type, kept_as }: Pick<Column, 'type' | 'kept_as'>): CellText {
  if (kept_as === 'uuid') return (value) => uuidOf(bytesOf(value));
  const node = parseType(type);
  if (node.kind === 'plain' && node.name === 'blob') return (value) => bytesOf(value).toString('hex');
  return isNested(node) ? (value) => nestedJson(node, value) : (value) => leafText(node, value);
}

/** A document as a JSON array of the texts of its columns. */
export function rowLine(document: Buffer, cells: readonly (readonly [name: string, text: CellText])[]): string {
  const values = new Map(elementsOf(document).map((one) => [one.name, one]));
  return JSON.stringify(
    cells.map(([name, text]) => {
      const value = values.get(name);
      return value === undefined || isNull(value) ? null : text(value);
    }),
  );
}

function isNested({ kind }: TypeNode): boolean {
  return kind === 'list' || kind === 'map' || kind === 'struct';
}

function isNull({ type }: BsonValue): boolean {
  return type === TYPE.null || type === TYPE.undefined;
}

/** Every value in it is a text, so that no number is rounded. */
function nestedJson(node: TypeNode, value: BsonValue): string {
  if (isNull(value)) return 'null';
  if (!isNested(node)) return quote(leafText(node, value));
  if (value.type !== TYPE.array && value.type !== TYPE.document) throw unknown(value);
  const elements = elementsOf(value.bytes, value.at);
  if (node.kind === 'list') return `[${elements.map((one) => nestedJson(node.element, one)).join(',')}]`;
  const members = elements.flatMap((one) => {
    const type =
      node.kind === 'map'
        ? node.value
        : node.kind === 'struct' && node.members.find((two) => two.name === one.name)?.type;
    return type ? [`${quote(one.name)}:${nestedJson(type, one)}`] : [];
  });
  return `{${members.join(',')}}`;
}

function leafText(node: TypeNode, value: BsonValue): string {
  const { bytes, at, type } = value;
  switch (type) {
    case TYPE.double:
      return doubleText(bytes.readDoubleLE(at));
    case TYPE.int32:
      return String(bytes.readInt32LE(at));
    case TYPE.int64:
      return String(bytes.readBigInt64LE(at));
    case TYPE.decimal128:
      return plainDecimal(decimalOf(value));
    case TYPE.boolean:
      return bytes[at] === 0 ? 'false' : 'true';
    case TYPE.string:
      return stringOf(value);
    case TYPE.date:
      return timeText(node.kind === 'plain' ? node.name : '', value);
    case TYPE.binary:
      return [...bytesOf(value)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    default:
      throw unknown(value);
  }
}

function doubleText(number: number): string {
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  return Object.is(number, -0) ? '-0.0' : String(number);
}

/** `1E+3` and `1.2E-8` with all their digits. */
function plainDecimal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?E([+-]\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point >= digits.length) return sign + digits.padEnd(point, '0');
  const padded = digits.padStart(digits.length + Math.max(0, 1 - point), '0');
  const before = Math.max(1, point);
  return `${sign}${padded.slice(0, before)}.${padded.slice(before)}`;
}

/** `2024-01-31 12:00:00.123+00`, `0044-03-15 (BC) 12:00:00`: as the engine has it. */
function timeText(type: string, value: BsonValue): string {
  const [, year = '', days = '', time = ''] = /^([+-]?\d+)-(\d\d-\d\d)T(.*)Z$/.exec(dateOf(value) ?? '') ?? [];
  if (year === '') throw unknown(value);
  const number = Number(year);
  const day =
    number > 0 ? `${String(number).padStart(4, '0')}-${days}` : `${String(1 - number).padStart(4, '0')}-${days} (BC)`;
  return type === 'date' ? day : `${day} ${time}${type === 'timestamptz' ? '+00' : ''}`;
}

function bytesOf(value: BsonValue): Buffer {
  if (value.type !== TYPE.binary) throw unknown(value);
  return binaryOf(value).content;
}

/** Somebody else wrote it. */
function unknown({ type }: BsonValue): UnreadableBson {
  return new UnreadableBson(`a value of BSON type ${type}, which no load writes there`);
}
