import { CompactCursor } from '../../kit/compact-protocol.ts';

/**
 * Types of the fields in a Parquet footer and in page headers (parquet.thrift). A reader passes over a field whose type is not the expected one, as
 * if it were missing, and takes the default: so one flipped bit makes another column of it. Here that is damage.
 */
interface Shape {
  readonly [field: number]: Kind;
}
type Kind = 'i16' | 'i32' | 'i64' | 'bytes' | 'bool' | readonly [Kind] | Shape;

const ANY: Shape = {};
const STATISTICS: Shape = { 1: 'bytes', 2: 'bytes', 3: 'i64', 4: 'i64', 5: 'bytes', 6: 'bytes', 7: 'bool', 8: 'bool' };
const KEY_VALUE: Shape = { 1: 'bytes', 2: 'bytes' };
const SORTING: Shape = { 1: 'i32', 2: 'bool', 3: 'bool' };
const SCHEMA_ELEMENT: Shape = {
  ...{ 1: 'i32', 2: 'i32', 3: 'i32', 4: 'bytes', 5: 'i32' },
  ...{ 6: 'i32', 7: 'i32', 8: 'i32', 9: 'i32', 10: ANY },
};
const COLUMN_METADATA: Shape = {
  ...{ 1: 'i32', 2: ['i32'], 3: ['bytes'], 4: 'i32', 5: 'i64', 6: 'i64', 7: 'i64', 8: [KEY_VALUE] },
  ...{ 9: 'i64', 10: 'i64', 11: 'i64', 12: STATISTICS, 13: [ANY], 14: 'i64', 15: 'i32', 16: ANY, 17: ANY },
};
const COLUMN_CHUNK: Shape = {
  ...{ 1: 'bytes', 2: 'i64', 3: COLUMN_METADATA, 4: 'i64', 5: 'i32', 6: 'i64', 7: 'i32', 8: ANY, 9: 'bytes' },
};
const ROW_GROUP: Shape = { 1: [COLUMN_CHUNK], 2: 'i64', 3: 'i64', 4: [SORTING], 5: 'i64', 6: 'i64', 7: 'i16' };

export const FOOTER: Shape = {
  ...{
    1: 'i32',
    2: [SCHEMA_ELEMENT],
    3: 'i64',
    4: [ROW_GROUP],
    5: [KEY_VALUE],
    6: 'bytes',
    7: [ANY],
    8: ANY,
    9: 'bytes',
  },
};
const LEVELS: Shape = { 1: 'i32', 2: 'i32', 3: 'i32', 4: 'i32' };
export const PAGE_HEADER: Shape = {
  ...{
    1: 'i32',
    2: 'i32',
    3: 'i32',
    4: 'i32',
    5: { ...LEVELS, 5: STATISTICS },
    6: ANY,
    7: { 1: 'i32', 2: 'i32', 3: 'bool' },
  },
  8: { ...LEVELS, 5: 'i32', 6: 'i32', 7: 'bool', 8: STATISTICS },
};

/** Thrift's compact protocol: numbers of types. */
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;
const NUMBERS: Readonly<Record<string, number>> = { i16: 4, i32: 5, i64: 6, bytes: BINARY };
const DEPTH_MAX = 12;

/** True when every known field has its type and the struct ends where the bytes end. Fields that are not known have any. */
export function hasTypes(bytes: Uint8Array, shape: Shape): boolean {
  const walker = new Walker(bytes);
  try {
    return walker.struct(shape, 0) && walker.cursor.at === bytes.length;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

class Walker {
  readonly cursor: CompactCursor;

  constructor(bytes: Uint8Array) {
    this.cursor = new CompactCursor(bytes);
  }

  struct(shape: Shape, depth: number): boolean {
    if (depth > DEPTH_MAX) throw new RangeError('nested too deeply');
    for (let id = 0; ; ) {
      const head = this.cursor.byte();
      if (head === 0) return true;
      id = head >> 4 === 0 ? this.cursor.zigzag() : id + (head >> 4);
      if (!this.#value(head & 0xf, shape[id], depth, false)) return false;
    }
  }

  #value(type: number, kind: Kind | undefined, depth: number, in_list: boolean): boolean {
    if (kind !== undefined && !fits(type, kind)) return false;
    if (type === TRUE || type === FALSE) this.cursor.skip(in_list ? 1 : 0);
    else if (type === BYTE) this.cursor.skip(1);
    else if (type < DOUBLE) this.cursor.zigzag();
    else if (type === DOUBLE) this.cursor.skip(8);
    else if (type === BINARY) this.cursor.skip(this.cursor.varint());
    else if (type === STRUCT) return this.struct(isShape(kind) ? kind : ANY, depth + 1);
    else if (type === LIST || type === SET) return this.#list(Array.isArray(kind) ? kind[0] : undefined, depth);
    else return false;
    return true;
  }

  #list(kind: Kind | undefined, depth: number): boolean {
    const head = this.cursor.byte();
    const count = head >> 4 === 0xf ? this.cursor.varint() : head >> 4;
    for (let i = 0; i < count; i++) if (!this.#value(head & 0xf, kind, depth, true)) return false;
    return true;
  }
}

function isShape(kind: Kind | undefined): kind is Shape {
  return typeof kind === 'object' && !Array.isArray(kind);
}

function fits(type: number, kind: Kind): boolean {
  if (kind === 'bool') return type === TRUE || type === FALSE;
  if (typeof kind === 'string') return type === NUMBERS[kind];
  return Array.isArray(kind) ? type === LIST : type === STRUCT;
}
