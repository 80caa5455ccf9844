import { ARRAY, ARRAY_END, BACKSLASH, COLON, COMMA, LF, OBJECT, OBJECT_END, QUOTE } from './bytes.ts';

/** Shapes tried for one record. */
const SHAPES_MAX = 3;
/** When so many more records had a new shape than a known one, the records of this text have none. */
const MISSES_MAX = 200;

/** 1 = part of a number, or of `true`, `false`, `null`. */
const PLAIN = new Uint8Array(256);
for (const byte of Buffer.from('0123456789+-.eEtrufalsn')) PLAIN[byte] = 1;
/** Brackets: one deeper, or one back. */
const NESTING = new Int8Array(256);
for (const byte of [OBJECT, ARRAY]) NESTING[byte] = 1;
for (const byte of [OBJECT_END, ARRAY_END]) NESTING[byte] = -1;
const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** The bytes of a record around its values, and what its names stand for. */
interface Shape<M> {
  readonly segments: readonly Buffer[];
  readonly members: readonly M[];
  records: number;
}

/**
 * Records of one text mostly have the same members in the same order and spelling. A record is held against the bytes that stood around
 * the values of earlier ones; where they are the same, so are its members, and its names need not be read.
 */
export class RecordShapes<M> {
  readonly #lines: boolean;
  readonly #shapes: Shape<M>[] = [];
  readonly #dropped: Shape<M>[] = [];
  #misses = 0;

  /** @param lines a record ends with its line. */
  constructor(lines: boolean) {
    this.#lines = lines;
  }

  /** The place after the record that begins at `at`, when it is of a known shape, sound and whole; else -1, and nothing is noted. */
  pass(chunk: Buffer, at: number): number {
    for (const shape of this.#shapes) {
      const end = this.#passAs(shape.segments, chunk, at);
      if (end < 0) continue;
      shape.records += 1;
      if (this.#misses > -MISSES_MAX) this.#misses -= 1;
      return end;
    }
    return -1;
  }

  /** Notes the shape of a record that was read byte by byte. `memberOf` gives what a name (its bytes as Latin-1) stands for. */
  learn(record: Buffer, memberOf: (raw: string) => M | undefined): void {
    if (this.#misses > MISSES_MAX) return;
    this.#misses += 1;
    if (this.#misses > MISSES_MAX) {
      this.#dropped.push(...this.#shapes.splice(0));
      return;
    }
    const shape = this.#shapeOf(record, memberOf);
    if (shape === undefined) return;
    this.#shapes.unshift(shape);
    this.#dropped.push(...this.#shapes.splice(SHAPES_MAX).filter((one) => one.records > 0));
  }

  /** Tells how many records each member was passed with. */
  tell(add: (member: M, records: number) => void): void {
    for (const { members, records } of [...this.#shapes, ...this.#dropped])
      for (const member of members) add(member, records);
  }

  #passAs(segments: readonly Buffer[], chunk: Buffer, from: number): number {
    let at = from;
    for (let index = 0; index < segments.length; index++) {
      if (index > 0) at = this.#valueEnd(chunk, at);
      const segment = segments[index] as Buffer;
      if (at < 0 || at + segment.length > chunk.length) return -1;
      // Short: a call of the library would take longer.
      for (let i = 0; i < segment.length; i++) if (chunk[at + i] !== segment[i]) return -1;
      at += segment.length;
    }
    return at;
  }

  /** The place after a value that nobody can doubt; -1 for anything else. */
  #valueEnd(bytes: Buffer, from: number): number {
    const first = bytes[from] as number;
    if (first === QUOTE) return this.#stringEnd(bytes, from + 1);
    if (first === OBJECT || first === ARRAY) return this.#nestedEnd(bytes, from);
    let at = from;
    while (at < bytes.length && PLAIN[bytes[at] as number] === 1) at += 1;
    if (at === from || at === bytes.length) return -1;
    return first < 0x3a || isWord(bytes, from, at) ? at : -1;
  }

  #stringEnd(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) return at + 1;
      if (byte === LF && this.#lines) return -1;
      if (byte === BACKSLASH && bytes[++at] === LF) return -1;
    }
    return -1;
  }

  #nestedEnd(bytes: Buffer, from: number): number {
    let depth = 0;
    let last = 0;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte <= 0x20) {
        if (byte === LF && this.#lines) return -1;
        continue;
      }
      const nesting = NESTING[byte] as number;
      depth += nesting;
      if (nesting < 0 && last === COMMA) return -1;
      if (depth === 0) return at + 1;
      if (nesting === 0 && byte !== COMMA && byte !== COLON) at = this.#valueEnd(bytes, at) - 1;
      if (at < 0) return -1;
      last = byte;
    }
    return -1;
  }

  #shapeOf(record: Buffer, memberOf: (raw: string) => M | undefined): Shape<M> | undefined {
    const segments: Buffer[] = [];
    const members = new Set<M>();
    let from = 0;
    for (let at = this.#pastBlanks(record, 1); ; at = this.#pastBlanks(record, at + 1)) {
      if (record[at] === OBJECT_END && at + 1 === record.length) break;
      const name_end = record[at] === QUOTE ? this.#stringEnd(record, at + 1) : -1;
      const member = name_end < 0 ? undefined : memberOf(record.toString('latin1', at + 1, name_end - 1));
      // A name that comes twice has a member once: such a record has to be read.
      if (member === undefined || members.has(member)) return undefined;
      members.add(member);
      at = this.#pastBlanks(record, name_end);
      if (record[at] !== COLON) return undefined;
      at = this.#pastBlanks(record, at + 1);
      segments.push(Buffer.from(record.subarray(from, at)));
      from = this.#valueEnd(record, at);
      if (from < 0) return undefined;
      at = this.#pastBlanks(record, from);
      if (record[at] === OBJECT_END && at + 1 === record.length) break;
      if (record[at] !== COMMA) return undefined;
    }
    segments.push(Buffer.from(record.subarray(from)));
    return { segments, members: [...members], records: 0 };
  }

  #pastBlanks(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && (bytes[at] as number) <= 0x20 && !(bytes[at] === LF && this.#lines)) at += 1;
    return at;
  }
}

function isWord(bytes: Buffer, from: number, to: number): boolean {
  return WORDS.some((word) => word.length === to - from && bytes.compare(word, 0, word.length, from, to) === 0);
}
