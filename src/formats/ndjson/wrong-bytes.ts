import { isUtf8 } from 'node:buffer';
import type { TextChange, TextCopy } from '../stream/copy.ts';
import { unfinished } from '../stream/decode.ts';

/** A control character: JSON allows none, so that a line that holds one is rejected as itself. */
const MARK = '\u001a';
const REPLACEMENT = /\ufffd/g;

/** A copy that `inner` makes, with wrong bytes marked. */
export function markedCopy(inner: TextCopy): TextCopy {
  return {
    extension: inner.extension,
    begin: () => {
      const first = inner.begin();
      const then = wrongBytesMarked();
      return { push: (chunk) => then.push(first.push(chunk)), end: () => then.end() };
    },
  };
}

/**
 * Text whose bytes are not all UTF-8, made readable for an engine that refuses such a file as a whole: what is not UTF-8 becomes a
 * control character. Lines that were right stay as they are.
 */
function wrongBytesMarked(): Required<TextChange> {
  let carry: Buffer = Buffer.alloc(0);
  return {
    push: (chunk) => {
      const bytes = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk;
      const whole = bytes.length - unfinished(bytes);
      // A copy: the chunk's memory is used again.
      carry = Buffer.from(bytes.subarray(whole));
      return marked(bytes.subarray(0, whole));
    },
    end: () => marked(carry),
  };
}

function marked(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes;
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start);
    const stop = newline < 0 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, stop);
    lines.push(isUtf8(line) ? line : Buffer.from(line.toString('utf8').replace(REPLACEMENT, MARK)));
    start = stop;
  }
  return Buffer.concat(lines);
}
