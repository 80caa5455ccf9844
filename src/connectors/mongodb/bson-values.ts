import { isUtf8 } from 'node:buffer';

/** The types of BSON, by the byte that tells them. */
export const TYPE = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  object_id: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  db_pointer: 0x0c,
  code: 0x0d,
  symbol: 0x0e,
  code_with_scope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal128: 0x13,
  max_key: 0x7f,
  min_key: 0xff,
} as const;

/** A value inside a document's bytes. */
export interface BsonValue {
  readonly bytes: Buffer;
  readonly type: number;
  /** From its first byte up to, but without, `end`. */
  readonly at: number;
  readonly end: number;
}

export interface BsonElement extends BsonValue {
  readonly name: string;
}

/** The bytes are not BSON, or hold text that is none. */
export class UnreadableBson extends Error {}

/** Bytes of the types that always have the same. */
const FIXED: Readonly<Record<number, number>> = {
  [TYPE.double]: 8,
  [TYPE.undefined]: 0,
  [TYPE.object_id]: 12,
  [TYPE.boolean]: 1,
  [TYPE.date]: 8,
  [TYPE.null]: 0,
  [TYPE.int32]: 4,
  [TYPE.timestamp]: 8,
  [TYPE.int64]: 8,
  [TYPE.decimal128]: 16,
  [TYPE.max_key]: 0,
  [TYPE.min_key]: 0,
};

/** The elements of the document (or list) that begins at `start`. Nothing is converted. @throws UnreadableBson */
export function elementsOf(bytes: Buffer, start = 0): readonly BsonElement[] {
  const elements: BsonElement[] = [];
  const last = start + bytes.readInt32LE(start) - 1;
  let at = start + 4;
  while (at < last) {
    const type = bytes[at] ?? 0;
    const nameEnd = bytes.indexOf(0, at + 1);
    if (nameEnd < 0 || nameEnd >= last) throw new UnreadableBson('a field has no name');
    const name = textOf(bytes, at + 1, nameEnd);
    const end = endOf(bytes, type, nameEnd + 1);
    if (end > last) throw new UnreadableBson(`field ${name} goes beyond its document`);
    elements.push({ name, bytes, type, at: nameEnd + 1, end });
    at = end;
  }
  return elements;
}

function endOf(bytes: Buffer, type: number, at: number): number {
  const fixed = FIXED[type];
  if (fixed !== undefined) return at + fixed;
  switch (type) {
    case TYPE.string:
    case TYPE.code:
    case TYPE.symbol:
      return at + 4 + bytes.readInt32LE(at);
    case TYPE.document:
    case TYPE.array:
    case TYPE.code_with_scope:
      return at + bytes.readInt32LE(at);
    case TYPE.binary:
      return at + 5 + bytes.readInt32LE(at);
    case TYPE.db_pointer:
      return at + 4 + bytes.readInt32LE(at) + 12;
    case TYPE.regex:
      return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1;
    default:
      throw new UnreadableBson(`there is no BSON type ${type}`);
  }
}

/** Text between two places. @throws UnreadableBson when it is not UTF-8: nothing is replaced in silence. */
export function textOf(bytes: Buffer, at: number, end: number): string {
  if (!isUtf8(bytes.subarray(at, end))) throw new UnreadableBson('a text is not UTF-8');
  return bytes.toString('utf8', at, end);
}

/** The text of a string, a code or a symbol. */
export function stringOf({ bytes, at }: BsonValue): string {
  return textOf(bytes, at + 4, at + 3 + bytes.readInt32LE(at));
}

/** Subtype and bytes; the old subtype 2 tells its length twice. */
export function binaryOf({ bytes, at, end }: BsonValue): { readonly subtype: number; readonly content: Buffer } {
  const subtype = bytes[at + 4] ?? 0;
  return { subtype, content: bytes.subarray(subtype === 2 ? at + 9 : at + 5, end) };
}

const DIGITS = 34;
const EXPONENT_BIAS = 6176;

/** A Decimal128 as its canonical text: `1.10`, `1E+3`, `NaN`, `-Infinity`. */
export function decimalOf({ bytes, at }: BsonValue): string {
  const low = bytes.readBigUInt64LE(at);
  const high = bytes.readBigUInt64LE(at + 8);
  const sign = high >> 63n === 1n ? '-' : '';
  const combination = Number((high >> 58n) & 0x1fn);
  if (combination === 0x1f) return 'NaN';
  if (combination === 0x1e) return `${sign}Infinity`;
  const wide = combination >> 3 === 3;
  const exponent = Number((high >> (wide ? 47n : 49n)) & 0x3fffn) - EXPONENT_BIAS;
  // The wide form would hold more than 34 digits, which is defined to be zero.
  const coefficient = wide ? 0n : ((high & 0x1_ffff_ffff_ffffn) << 64n) | low;
  const digits = coefficient.toString();
  return sign + decimalText(digits.length > DIGITS ? '0' : digits, exponent);
}

function decimalText(digits: string, exponent: number): string {
  const scientific = exponent + digits.length - 1;
  if (exponent > 0 || scientific < -6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits[0]}${fraction}E${scientific < 0 ? '' : '+'}${scientific}`;
  }
  if (exponent === 0) return digits;
  const padded = digits.padStart(1 - exponent, '0');
  return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

const DAY_MS_MAX = 8_640_000_000_000_000n;

/** A date as ISO text in UTC; undefined for one that is beyond what dates can be (270,000 years). */
export function dateOf({ bytes, at }: BsonValue): string | undefined {
  const ms = bytes.readBigInt64LE(at);
  return ms > DAY_MS_MAX || ms < -DAY_MS_MAX ? undefined : new Date(Number(ms)).toISOString();
}

/** A UUID in its usual form. */
export function uuidOf(content: Buffer): string {
  const hex = content.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
