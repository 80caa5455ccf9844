import { isUtf8 } from 'node:buffer';
import type { InspectOptions } from '../../core/ports/format.ts';
import { UnitFault } from './unit-fault.ts';

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin-1' | 'windows-1252';

/** The encoding of a text file and how many bytes of byte order mark it begins with. */
export interface EncodingChoice {
  readonly encoding: Encoding;
  readonly mark_bytes: number;
}

/** A byte order mark decides; without one the declaration does; without that it is UTF-8. `head` = the first bytes (3 are enough). */
export function chooseEncoding(head: Buffer, declared: InspectOptions['encoding']): EncodingChoice {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', mark_bytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', mark_bytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', mark_bytes: 2 };
  if (declared === 'utf-16') return { encoding: head[0] === 0 ? 'utf-16be' : 'utf-16le', mark_bytes: 0 };
  return { encoding: declared === 'auto' ? 'utf-8' : declared, mark_bytes: 0 };
}

/** Turns chunks of the encoding into chunks of UTF-8. `end` yields what was held back. Throws UnitFault `invalid_encoding`. */
export interface Transcoder {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

export function transcoder(encoding: Encoding): Transcoder {
  if (encoding === 'latin-1') return byteTranscoder((text) => text);
  if (encoding === 'windows-1252')
    return byteTranscoder((text) => text.replace(C1, (char) => WINDOWS_1252.charAt(char.charCodeAt(0) - 0x80)));
  if (encoding === 'utf-8') return { push: (chunk) => chunk, end: () => EMPTY };
  return utf16(encoding);
}

const EMPTY = Buffer.alloc(0);
const C1 = /[\u0080-\u009f]/g;
/** Bytes 0x80 to 0x9f of windows-1252 (WHATWG Encoding Standard: the five undefined ones stay controls). */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function byteTranscoder(map: (text: string) => string): Transcoder {
  return { push: (chunk) => Buffer.from(map(chunk.toString('latin1')), 'utf8'), end: () => EMPTY };
}

function utf16(encoding: 'utf-16le' | 'utf-16be'): Transcoder {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  let seen = 0;
  const decode = (chunk: Buffer, stream: boolean): Buffer => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream }), 'utf8');
    } catch {
      throw new UnitFault('invalid_encoding', `its bytes are not valid ${encoding.toUpperCase()}`, {
        byte_offset: seen,
      });
    }
  };
  return {
    push(chunk) {
      const out = decode(chunk, true);
      seen += chunk.length;
      return out;
    },
    end: () => decode(EMPTY, false),
  };
}

/** Watches UTF-8 go by and remembers where it stops being UTF-8, and in how many lines. */
export class Utf8Watch {
  /** Offset of the first chunk-local line that is not UTF-8, from the start of the content; undefined when all is well. */
  first_offset: number | undefined;
  /** Lines (ended by LF) that hold invalid bytes. */
  invalid_lines = 0;
  #offset = 0;
  #carry: Buffer = EMPTY;

  push(chunk: Buffer): void {
    const bytes = this.#carry.length > 0 ? Buffer.concat([this.#carry, chunk]) : chunk;
    const whole = bytes.length - unfinished(bytes);
    this.#check(bytes.subarray(0, whole));
    // A copy: the chunk's memory is used again.
    this.#carry = whole === bytes.length ? EMPTY : Buffer.from(bytes.subarray(whole));
  }

  end(): void {
    this.#check(this.#carry);
    this.#carry = EMPTY;
  }

  #check(bytes: Buffer): void {
    if (!isUtf8(bytes)) this.#findLines(bytes);
    this.#offset += bytes.length;
  }

  #findLines(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; ) {
      const newline = bytes.indexOf(10, start);
      const stop = newline < 0 ? bytes.length : newline + 1;
      const line = bytes.subarray(start, stop);
      if (!isUtf8(line)) {
        this.invalid_lines += 1;
        this.first_offset ??= this.#offset + start + firstInvalid(line);
      }
      start = stop;
    }
  }
}

/** Where a line stops being UTF-8: the longest valid prefix, found by halving (validity of prefixes is monotonic but for a cut character). */
function firstInvalid(line: Buffer): number {
  let good = 0;
  let bad = line.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const prefix = line.subarray(0, middle);
    if (isUtf8(prefix.subarray(0, middle - unfinished(prefix)))) good = middle;
    else bad = middle;
  }
  return good - unfinished(line.subarray(0, good));
}

/** How many bytes at the end belong to a character that is not complete yet (0 to 3). */
export function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
