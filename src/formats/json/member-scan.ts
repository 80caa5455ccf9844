import type { Inspection, UnitField } from '../../core/ports/source.ts';
import { ARRAY, ARRAY_END, BACKSLASH, COLON, COMMA, LF, OBJECT, OBJECT_END, QUOTE } from './bytes.ts';
import { RecordShapes } from './record-shapes.ts';

/** Letters of NaN and Infinity that no word of JSON has; `nan` is known by its first two. */
const UNKNOWN = Buffer.from('NAIiFTYy');
const LETTER_A = 0x61;
const LETTER_N = 0x6e;

/** With more names than this the members are values rather than columns. */
const NAMES_MAX = 1_000;

interface Member {
  readonly name: string;
  records: number;
  /** The record that had it last. */
  last: number;
}

/**
 * Notes which members the records of a JSON text have, and whether some record needs a strict look: it has a member twice, or holds what the
 * engine reads although JSON forbids it (a comma before a closing bracket, NaN, Infinity). Takes the text as it comes and judges nothing:
 * whether it is JSON is said by others. Records are the top-level objects (`ndjson`) or the elements of the top-level array.
 */
export class MemberScan {
  doubtful = false;
  readonly #lines: boolean;
  readonly #members = new Map<string, Member>();
  readonly #shapes: RecordShapes<Member>;
  /** Where the record being read began in this chunk; -1 when it began in an earlier one. */
  #record_from = -1;
  #records = 0;
  #depth = 0;
  /** The last byte outside strings that is no blank; 0 for a digit or a string. */
  #last = 0;
  /** Depth of the members of a record: 1, or 2 inside an array. */
  #level: number;
  #in_string = false;
  #escaped = false;
  #wants_key = false;
  /** Pieces of the key being read, when it began in an earlier chunk. */
  #key: Buffer[] | undefined;

  constructor(kind: 'ndjson' | 'json') {
    this.#lines = kind === 'ndjson';
    this.#shapes = new RecordShapes(this.#lines);
    this.#level = this.#lines ? 1 : 0;
  }

  push(chunk: Buffer): void {
    let from = 0;
    this.#record_from = -1;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#in_string) {
        at = this.#passString(chunk, at, from);
        continue;
      }
      const byte = chunk[at] as number;
      if (byte === QUOTE) {
        if (this.#openString()) from = at + 1;
      } else if (byte >= 0x30 && byte <= 0x39) this.#last = 0;
      else if (byte === OBJECT || byte === OBJECT_END) at = this.#object(chunk, at, byte);
      else if (byte > 0x20 || byte === LF) this.#structure(byte);
    }
    // The chunk's memory is used again.
    if (this.#key !== undefined) this.#key.push(Buffer.from(chunk.subarray(from)));
  }

  /** A bracket of an object, perhaps of a record: of one that looks like an earlier one, goes to its end. */
  #object(chunk: Buffer, at: number, byte: number): number {
    if (byte === OBJECT && this.#depth + 1 === this.#level) {
      const end = this.#shapes.pass(chunk, at);
      if (end >= 0) {
        this.#records += 1;
        this.#last = OBJECT_END;
        return end - 1;
      }
      this.#record_from = at;
    }
    if (byte === OBJECT_END && this.#depth === this.#level && this.#record_from >= 0) this.#learn(chunk, at + 1);
    this.#structure(byte);
    return at;
  }

  #learn(chunk: Buffer, to: number): void {
    const record = chunk.subarray(this.#record_from, to);
    this.#record_from = -1;
    this.#shapes.learn(record, (raw) => this.#members.get(raw));
  }

  /** True when the string is the name of a member. */
  #openString(): boolean {
    this.#in_string = true;
    this.#last = 0;
    if (!this.#wants_key || this.#depth !== this.#level) return false;
    this.#key = [];
    return true;
  }

  /** The closing quote, a line end that breaks the string off, or the end of the chunk. */
  #endOfString(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE || (byte === LF && this.#lines)) return at;
    }
    return chunk.length;
  }

  /** Goes to the end of a string; `key_from` is where it began, if it is a name that began in this chunk. */
  #passString(chunk: Buffer, from: number, key_from: number): number {
    const at = this.#endOfString(chunk, from);
    if (chunk[at] === LF) this.#newLine();
    if (chunk[at] !== QUOTE) return at;
    this.#in_string = false;
    if (this.#key !== undefined) this.#endKey(chunk.subarray(key_from, at));
    return at;
  }

  /** Undefined when there are too many names for columns. */
  end(): readonly UnitField[] | undefined {
    if (this.#members.size > NAMES_MAX) return undefined;
    const passed = new Map<Member, number>();
    this.#shapes.tell((member, records) => passed.set(member, (passed.get(member) ?? 0) + records));
    return [...new Set(this.#members.values())].map((member) => ({
      name: member.name,
      records: member.records + (passed.get(member) ?? 0),
    }));
  }

  #structure(byte: number): void {
    if (byte === LF) {
      if (this.#lines) this.#newLine();
      return;
    }
    if (byte === OBJECT || byte === ARRAY) this.#open(byte);
    else if (byte === OBJECT_END || byte === ARRAY_END) {
      if (this.#last === COMMA) this.doubtful = true;
      this.#depth -= 1;
    } else if (byte === COLON || byte === COMMA) {
      if (this.#depth === this.#level) this.#wants_key = byte === COMMA;
    } else if (UNKNOWN.includes(byte) || (byte === LETTER_A && this.#last === LETTER_N)) this.doubtful = true;
    this.#last = byte;
  }

  #open(byte: number): void {
    if (this.#level === 0) this.#level = byte === ARRAY ? 2 : 1;
    this.#depth += 1;
    if (byte !== OBJECT || this.#depth !== this.#level) return;
    this.#records += 1;
    this.#wants_key = true;
  }

  /** Whatever was wrong with a line, the next one begins anew. */
  #newLine(): void {
    this.#last = 0;
    this.#depth = 0;
    this.#in_string = false;
    this.#escaped = false;
    this.#wants_key = false;
    this.#key = undefined;
  }

  #endKey(rest: Buffer): void {
    const begun = this.#key ?? [];
    const raw = (begun.length === 0 ? rest : Buffer.concat([...begun, rest])).toString('latin1');
    this.#key = undefined;
    const known = this.#members.get(raw);
    if (known !== undefined) {
      if (known.last === this.#records) this.doubtful = true;
      else known.records += 1;
      known.last = this.#records;
    } else if (this.#members.size <= NAMES_MAX) this.#addMember(raw);
  }

  /** Two spellings of one name (`a`, `\u0061`) are one member. */
  #addMember(raw: string): void {
    const name = nameOf(raw);
    const twin = [...this.#members.values()].find((member) => member.name === name);
    if (twin === undefined) {
      this.#members.set(raw, { name, records: 1, last: this.#records });
      return;
    }
    if (twin.last === this.#records) this.doubtful = true;
    else twin.records += 1;
    twin.last = this.#records;
    this.#members.set(raw, twin);
  }
}

/** What the scan adds to the outcome of an inspection. */
export function memberFacts(scan: MemberScan): Pick<Inspection, 'fields' | 'doubtful_records'> {
  const fields = scan.end();
  return { ...(fields === undefined ? {} : { fields }), ...(scan.doubtful ? { doubtful_records: true } : {}) };
}

function nameOf(raw: string): string {
  const text = Buffer.from(raw, 'latin1').toString();
  if (!text.includes('\\')) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
