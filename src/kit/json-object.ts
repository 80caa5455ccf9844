import { isUtf8 } from 'node:buffer';
import { FORMS, type JsonMembers } from './json-members.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const LETTER_U = 0x75;
const LETTER_N = 0x6e;
const SHORT_ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const WORDS: Readonly<Record<number, Buffer>> = {
  116: Buffer.from('true'),
  102: Buffer.from('false'),
  110: Buffer.from('null'),
};
const DEPTH_MAX = 500;
/** A double gives back any number of so many characters as it was written. */
const NUMBER_CHARS_MAX = 15;

/** An instant up to the point before a second's digits; zeros stand for any digit. */
const INSTANT = Buffer.from('0000-00-00T00:00:00.');

/**
 * Says whether bytes are one JSON object, and what stands in the way of copying them as they are: without making a value of them, at several
 * hundred megabytes a second. One checker serves for any number of texts.
 */
export class JsonObjectCheck {
  /** Why the last text was none. */
  reason = '';
  /** There is a line break between its tokens. */
  has_newline = false;
  /** The object has no member. */
  empty = false;
  /** The opening brace, and the byte after the closing one. */
  from = 0;
  to = 0;
  readonly #reserved: ReadonlySet<string>;
  readonly #members: JsonMembers | undefined;
  /** One where a reserved name may begin, or one that is written with escapes. */
  readonly #first_bytes = new Uint8Array(256);
  readonly #inside = new Uint8Array(DEPTH_MAX + 1);
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;
  #depth = 0;
  #wide = false;
  /** A container was opened and waits for its first value. */
  #opened = false;

  /** @param reserved names that no member of the object itself may have. @param members is told of each object that is begun, and its names. */
  constructor(reserved: Iterable<string>, members?: JsonMembers) {
    this.#members = members;
    this.#reserved = new Set(reserved);
    this.#first_bytes[BACKSLASH] = 1;
    for (const name of this.#reserved) this.#first_bytes[Buffer.from(name)[0] ?? 0] = 1;
  }

  check(bytes: Uint8Array, from: number, to: number): boolean {
    if (bytes !== this.#bytes) this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
    this.#depth = 0;
    this.#wide = false;
    this.has_newline = false;
    this.reason = '';
    this.#members?.begin();
    this.#space();
    this.from = this.#at;
    if (this.#at >= to) return this.#fail('it is empty');
    if (bytes[this.#at] !== OBJECT) return this.#fail('it is not a JSON object');
    do {
      if (!this.#value()) return this.#fail(`it is not JSON: unexpected ${this.#seen()}`);
      if (!this.#opened && !this.#afterValue()) return this.#fail(`it is not JSON: unexpected ${this.#seen()}`);
    } while (this.#depth > 0);
    this.to = this.#at;
    this.#space();
    if (this.#at < to) return this.#fail(`it is not JSON: unexpected ${this.#seen()}`);
    if (this.#wide && !isUtf8(bytes.subarray(from, to))) return this.#fail('it is not UTF-8');
    return true;
  }

  #fail(reason: string): false {
    if (this.reason === '') this.reason = reason;
    return false;
  }

  #seen(): string {
    if (this.#at >= this.#end) return 'end';
    const byte = this.#bytes[this.#at] as number;
    const start = this.#at - this.from + 1;
    const what =
      byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `byte 0x${byte.toString(16).padStart(2, '0')}`;
    return `${what} at byte ${start}`;
  }

  #peek(): number {
    return this.#at < this.#end ? (this.#bytes[this.#at] as number) : -1;
  }

  #space(): void {
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] as number;
      if (byte > 0x20) return;
      if (byte === 0x0a || byte === 0x0d) this.has_newline = true;
      else if (byte !== 0x20 && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  /** A scalar, or the opening of a container together with the first name in it. */
  #value(): boolean {
    this.#opened = false;
    this.#space();
    const byte = this.#peek();
    const members = this.#depth === 1 ? this.#members : undefined;
    const from = this.#at;
    if (byte === QUOTE) {
      if (!this.#string()) return false;
      members?.value(isInstant(this.#bytes, from + 1, this.#at - 1) ? FORMS.instant : FORMS.text);
      return true;
    }
    if (byte === OBJECT || byte === ARRAY) {
      members?.value(FORMS.nested);
      return this.#open(byte === OBJECT ? OBJECT_END : ARRAY_END);
    }
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      const form = this.#number();
      members?.value(this.#at - from > NUMBER_CHARS_MAX ? FORMS.other : form);
      return form !== 0;
    }
    const word = WORDS[byte];
    if (word === undefined) return false;
    if (byte !== LETTER_N) members?.value(FORMS.boolean);
    for (const letter of word) {
      if (this.#peek() !== letter) return false;
      this.#at += 1;
    }
    return true;
  }

  #open(end: number): boolean {
    if (this.#depth === DEPTH_MAX) return this.#fail(`it is nested deeper than ${DEPTH_MAX}`);
    this.#at += 1;
    this.#space();
    const closes = this.#peek() === end;
    if (this.#depth === 0) this.empty = closes;
    if (closes) {
      this.#at += 1;
      return true;
    }
    this.#depth += 1;
    this.#inside[this.#depth] = end;
    this.#opened = true;
    return end === ARRAY_END || this.#name();
  }

  /** What follows a value: ends of containers, then a comma and what it leads to. False when it is neither. */
  #afterValue(): boolean {
    while (this.#depth > 0) {
      this.#space();
      const end = this.#inside[this.#depth] as number;
      const byte = this.#peek();
      if (byte === COMMA) {
        this.#at += 1;
        this.#space();
        return end === ARRAY_END || this.#name();
      }
      if (byte !== end) return false;
      this.#at += 1;
      this.#depth -= 1;
    }
    return true;
  }

  /** A member's name and its colon. */
  #name(): boolean {
    if (this.#peek() !== QUOTE) return false;
    const from = this.#at;
    if (!this.#string()) return false;
    if (this.#depth === 1) {
      if (this.#first_bytes[this.#bytes[from + 1] as number] === 1 && this.#isReserved(from)) return false;
      this.#members?.name(this.#bytes, from + 1, this.#at - 1);
    }
    this.#space();
    if (this.#peek() !== COLON) return false;
    this.#at += 1;
    return true;
  }

  #isReserved(from: number): boolean {
    const text = Buffer.from(this.#bytes.subarray(from, this.#at)).toString('utf8');
    const name = JSON.parse(text) as string;
    if (!this.#reserved.has(name)) return false;
    this.#fail(`it has a member named ${name}, which is a column of ours`);
    return true;
  }

  #string(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    const view = this.#view;
    let at = this.#at + 1;
    let wide = 0;
    while (at + 4 <= end && isPlain(view.getInt32(at, true))) at += 4;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        if (wide >= 0x80) this.#wide = true;
        return true;
      }
      wide |= byte;
      if (byte === BACKSLASH) {
        const length = this.#escapeBytes(at + 1);
        if (length === 0) break;
        at += length;
      } else if (byte < 0x20) break;
    }
    this.#at = at;
    return false;
  }

  /** How many bytes the escape has after its backslash; 0: it is none. */
  #escapeBytes(at: number): number {
    if (at >= this.#end) return 0;
    const byte = this.#bytes[at] as number;
    if (SHORT_ESCAPES.has(byte)) return 1;
    if (byte !== LETTER_U || at + 4 >= this.#end) return 0;
    for (let n = 1; n <= 4; n++) if (!isHex(this.#bytes[at + n] as number)) return 0;
    return 5;
  }

  /** How it is written; 0: it is none. */
  #number(): number {
    const negative = this.#peek() === 0x2d;
    if (negative) this.#at += 1;
    const zero = this.#peek() === 0x30;
    if (zero) this.#at += 1;
    else if (!this.#digits()) return 0;
    // A double knows -0, a whole number does not.
    let form: number = negative && zero ? FORMS.other : FORMS.whole;
    if (this.#peek() === 0x2e) {
      this.#at += 1;
      if (!this.#digits()) return 0;
      form = FORMS.number;
    }
    if ((this.#peek() | 0x20) === 0x65 && this.#peek() > 0) {
      this.#at += 1;
      if (this.#peek() === 0x2b || this.#peek() === 0x2d) this.#at += 1;
      if (!this.#digits()) return 0;
      form = FORMS.other;
    }
    return form;
  }

  #digits(): boolean {
    const from = this.#at;
    while (this.#at < this.#end) {
      const byte = this.#bytes[this.#at] as number;
      if (byte < 0x30 || byte > 0x39) break;
      this.#at += 1;
    }
    return this.#at > from;
  }
}

/** `2026-01-31T12:00:00Z`, with up to six digits of a second. Whether there is such a day is not asked. */
function isInstant(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  if (length < 20 || length > 27 || bytes[to - 1] !== 0x5a || bytes[from + 10] !== 0x54) return false;
  for (let at = 0; at < length - 1; at++) {
    const byte = bytes[from + at] as number;
    const wanted = at < 20 ? (INSTANT[at] as number) : 0x30;
    if (wanted === 0x30 ? byte < 0x30 || byte > 0x39 : byte !== wanted) return false;
  }
  return length !== 21;
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** Whether the four bytes of a word stand for themselves in a string: none is a quote, a backslash, a control character, or beyond ASCII. */
function isPlain(word: number): boolean {
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  // The highest bit of a byte is set where a number is taken from one that is smaller.
  const found =
    ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash) | ((word - 0x20202020) & ~word) | word;
  return (found & 0x80808080) === 0;
}
