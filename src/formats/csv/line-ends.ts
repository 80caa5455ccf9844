import type { TextCopy } from '../stream/copy.ts';
import { CR, type CsvMachine, LF, STATE } from './machine.ts';

/**
 * A copy in which every record ends in LF alone; line ends inside quotes stay as they are. The engine refuses a file that
 * mixes line ends. The first `preamble_bytes` are lines to skip, in which a quote means nothing.
 */
export function lineEndCopy(machine: CsvMachine, preamble_bytes: number, extension = 'csv'): TextCopy {
  return { extension, begin: () => ({ push: lineEndWriter(machine, preamble_bytes) }) };
}

function lineEndWriter(machine: CsvMachine, preamble_bytes: number): (chunk: Buffer) => Buffer {
  let state: number = STATE.LINE_START;
  let offset = 0;
  let previous = 0;
  return (chunk) => {
    const out = Buffer.allocUnsafe(chunk.length);
    let length = 0;
    for (let at = 0; at < chunk.length; at++, offset++) {
      const byte = chunk[at] as number;
      const afterCr = offset <= preamble_bytes ? previous === CR : state === STATE.AFTER_CR;
      if (offset >= preamble_bytes) state = machine[(state << 8) | byte] as number;
      previous = byte;
      const outside = offset < preamble_bytes || state === STATE.LINE_START || state === STATE.AFTER_CR;
      if (byte === LF && afterCr && outside) continue;
      out[length++] = byte === CR && outside ? LF : byte;
    }
    return out.subarray(0, length);
  };
}
