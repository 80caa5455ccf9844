import { UnitFault } from '../stream/unit-fault.ts';

/** Deeper nesting than any table needs; the limit keeps what reads the file later from running out of stack. */
export const DEPTH_MAX = 200;
const TOKEN_BYTES_MAX = 1024;

const WANT = { VALUE: 0, VALUE_OR_END: 1, KEY: 2, KEY_OR_END: 3, COLON: 4, COMMA_OR_END: 5, NOTHING: 6 } as const;
const IN = { NONE: 0, STRING: 1, ESCAPE: 2, HEX: 3, TOKEN: 4, LOW: 5, LOW_ESCAPE: 6 } as const;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const ARRAY = 0x5b;
const OBJECT = 0x7b;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads one JSON document (RFC 8259) byte by byte and checks its grammar, so that a cut or damaged one is noticed wherever the
 * cut is. Keeps a stack of at most {@link DEPTH_MAX} brackets and no values. Records are the elements of a top-level
 * array, or the one top-level object.
 */
export class JsonScan {
  records = 0;
  line = 1;
  /** Line of the first record. */
  first_line = 1;
  readonly #element_bytes_max: number;
  readonly #stack = new Uint8Array(DEPTH_MAX);
  #depth = 0;
  #want: number = WANT.VALUE;
  #in: number = IN.NONE;
  #string_is_key = false;
  #hex = 0;
  /** The code unit of the \u escape being read. */
  #unit = 0;
  /** A high surrogate stands before it. */
  #paired = false;
  #token = '';
  #offset = 0;
  #element_start = 0;

  constructor(element_bytes_max: number) {
    this.#element_bytes_max = element_bytes_max;
  }

  /** @throws UnitFault `damaged_json`, `too_deep`, `several_documents`, `not_records`, `record_too_long` */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at++) {
      if (this.#in === IN.STRING) {
        at = this.#plainString(chunk, at);
        if (at >= chunk.length) break;
      }
      this.#byte(chunk[at] as number, this.#offset + at);
    }
    this.#offset += chunk.length;
    this.#checkLength(this.#offset);
  }

  /** @throws UnitFault `damaged_json`, `empty_file` */
  end(): void {
    if (this.#in === IN.TOKEN) this.#endToken(this.#offset);
    if (this.#want === WANT.NOTHING && this.#in === IN.NONE) return;
    if (this.#depth === 0 && this.#want === WANT.VALUE && this.#in === IN.NONE) {
      throw new UnitFault('empty_file', this.#offset === 0 ? 'it is empty' : 'it holds nothing but blanks', {
        line: 1,
        byte_offset: 0,
      });
    }
    throw this.#damaged('the file ends before the JSON does; it was cut off', this.#offset);
  }

  /** Skips to the byte that matters in a string: its end, an escape, or a control character. */
  #plainString(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const byte = chunk[at] as number;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
      at += 1;
    }
    return at;
  }

  #byte(byte: number, offset: number): void {
    if (this.#in !== IN.NONE && this.#in !== IN.TOKEN) {
      this.#stringByte(byte, offset);
      return;
    }
    if (this.#in === IN.TOKEN) {
      if (isTokenByte(byte)) {
        this.#tokenByte(byte, offset);
        return;
      }
      this.#endToken(offset);
    }
    if (byte === 0x0a) this.line += 1;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return;
    this.#structure(byte, offset);
  }

  #stringByte(byte: number, offset: number): void {
    if (this.#in === IN.HEX || this.#in === IN.LOW || this.#in === IN.LOW_ESCAPE) {
      this.#unitByte(byte, offset);
    } else if (this.#in === IN.ESCAPE) {
      if (byte === 0x75) this.#beginHex();
      else if (ESCAPES.includes(byte)) this.#in = IN.STRING;
      else throw this.#damaged('a string holds an escape that JSON does not know', offset);
    } else if (byte === QUOTE) {
      this.#in = IN.NONE;
      this.#want = this.#string_is_key ? WANT.COLON : this.#afterValue();
    } else if (byte === BACKSLASH) this.#in = IN.ESCAPE;
    else if (byte < 0x20)
      throw this.#damaged('a string holds a raw control character (a quote may be missing)', offset);
  }

  /** A byte of a \u escape, or of what must follow the one of a high surrogate. */
  #unitByte(byte: number, offset: number): void {
    if (this.#in === IN.HEX) {
      if (!isHex(byte)) throw this.#damaged('a \\u escape in a string is not four hexadecimal digits', offset);
      this.#hex -= 1;
      this.#unit = this.#unit * 16 + Number.parseInt(String.fromCharCode(byte), 16);
      if (this.#hex === 0) this.#endUnit(offset);
      return;
    }
    if (byte !== (this.#in === IN.LOW ? BACKSLASH : 0x75)) throw this.#loneSurrogate(offset);
    if (this.#in === IN.LOW) this.#in = IN.LOW_ESCAPE;
    else this.#beginHex();
  }

  #beginHex(): void {
    this.#in = IN.HEX;
    this.#hex = 4;
    this.#unit = 0;
  }

  /** Half of a surrogate pair is no character: no engine can store it, so it is found here, with its place. */
  #endUnit(offset: number): void {
    const kind = this.#unit & 0xfc00;
    if ((kind === 0xdc00) !== this.#paired) throw this.#loneSurrogate(offset);
    this.#paired = kind === 0xd800;
    this.#in = this.#paired ? IN.LOW : IN.STRING;
  }

  #loneSurrogate(offset: number): UnitFault {
    return this.#damaged('a string holds half of a surrogate pair (\\ud800 to \\udfff), which is no character', offset);
  }

  #structure(byte: number, offset: number): void {
    const want = this.#want;
    if (want === WANT.NOTHING) throw this.#after(byte, offset);
    if (want <= WANT.VALUE_OR_END && this.#value(byte, offset)) return;
    if (byte === QUOTE && (want === WANT.KEY || want === WANT.KEY_OR_END)) {
      this.#string_is_key = true;
      this.#in = IN.STRING;
    } else if (byte === 0x5d || byte === 0x7d) this.#close(byte, offset);
    else if (byte === 0x3a && want === WANT.COLON) this.#want = WANT.VALUE;
    else if (byte === 0x2c && want === WANT.COMMA_OR_END) {
      this.#want = this.#stack[this.#depth - 1] === OBJECT ? WANT.KEY : WANT.VALUE;
    } else {
      throw this.#damaged(`${JSON.stringify(String.fromCharCode(byte))} stands where JSON does not allow it`, offset);
    }
  }

  /** Begins a value; false when the byte begins none. */
  #value(byte: number, offset: number): boolean {
    if (byte === ARRAY || byte === OBJECT) {
      this.#open(byte, offset);
      return true;
    }
    if (byte !== QUOTE && !isTokenByte(byte)) return false;
    this.#valueBegins(byte, offset);
    if (byte === QUOTE) {
      this.#string_is_key = false;
      this.#in = IN.STRING;
    } else {
      this.#token = '';
      this.#in = IN.TOKEN;
      this.#tokenByte(byte, offset);
    }
    return true;
  }

  /** Counts records and refuses what cannot be one. */
  #valueBegins(byte: number, offset: number): void {
    if (this.#depth > 1) return;
    const top = this.#depth === 0;
    if (top ? byte !== ARRAY && byte !== OBJECT : this.#stack[0] === ARRAY && byte !== OBJECT) {
      const what = top ? 'its content' : `element ${this.records + 1} of its array`;
      throw new UnitFault('not_records', `${what} is not an object, so it is no record`, {
        line: this.line,
        byte_offset: offset,
      });
    }
    if (top ? byte === OBJECT : this.#stack[0] === ARRAY) {
      if (this.records === 0) this.first_line = this.line;
      this.records += 1;
      this.#element_start = offset;
    }
  }

  #open(byte: number, offset: number): void {
    this.#valueBegins(byte, offset);
    if (this.#depth === DEPTH_MAX)
      throw new UnitFault('too_deep', `it is nested more than ${DEPTH_MAX} levels deep`, {
        line: this.line,
        byte_offset: offset,
      });
    this.#stack[this.#depth] = byte;
    this.#depth += 1;
    this.#want = byte === ARRAY ? WANT.VALUE_OR_END : WANT.KEY_OR_END;
  }

  #close(byte: number, offset: number): void {
    const opened = byte === 0x5d ? ARRAY : OBJECT;
    const empty = opened === ARRAY ? WANT.VALUE_OR_END : WANT.KEY_OR_END;
    if (
      this.#depth === 0 ||
      this.#stack[this.#depth - 1] !== opened ||
      (this.#want !== WANT.COMMA_OR_END && this.#want !== empty)
    ) {
      const comma = this.#want === WANT.VALUE || this.#want === WANT.KEY ? ' (a comma too many?)' : '';
      throw this.#damaged(`${String.fromCharCode(byte)} stands where JSON does not allow it${comma}`, offset);
    }
    this.#depth -= 1;
    this.#want = this.#afterValue();
    if (this.#depth === 1) this.#checkLength(offset + 1);
  }

  #tokenByte(byte: number, offset: number): void {
    if (this.#token.length >= TOKEN_BYTES_MAX) throw this.#damaged('a number is longer than 1,024 digits', offset);
    this.#token += String.fromCharCode(byte);
  }

  #endToken(offset: number): void {
    const token = this.#token;
    if (token !== 'true' && token !== 'false' && token !== 'null' && !NUMBER.test(token))
      throw this.#damaged(`${JSON.stringify(token.slice(0, 40))} is no JSON value`, offset);
    this.#in = IN.NONE;
    this.#want = this.#afterValue();
  }

  #afterValue(): number {
    return this.#depth === 0 ? WANT.NOTHING : WANT.COMMA_OR_END;
  }

  #checkLength(end: number): void {
    if (this.records === 0 || this.#depth === 0 || end - this.#element_start <= this.#element_bytes_max) return;
    const reason = `record ${this.records} is longer than ${this.#element_bytes_max} bytes (max_line_bytes)`;
    throw new UnitFault('record_too_long', reason, { line: this.line, byte_offset: this.#element_start });
  }

  #after(byte: number, offset: number): UnitFault {
    const at = { line: this.line, byte_offset: offset };
    if (byte === OBJECT || byte === ARRAY)
      return new UnitFault(
        'several_documents',
        'it holds several JSON documents, one after the other; if it is one a line, set `format: ndjson`',
        at,
      );
    return this.#damaged('something follows the end of the JSON', offset);
  }

  #damaged(reason: string, offset: number): UnitFault {
    return new UnitFault('damaged_json', reason, { line: this.line, byte_offset: offset });
  }
}

const ESCAPES = Buffer.from('"\\/bfnrt');

function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46);
}
