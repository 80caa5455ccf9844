import { createReadStream } from 'node:fs';

const LF = 10;
const CR = 13;

/**
 * The lines (from 1) that begin at or contain these byte offsets, which ascend. A line ends with LF, CR LF or CR. Reads the file up to the last
 * offset.
 */
export async function linesAt(path: string, offsets: readonly number[]): Promise<readonly number[]> {
  const found: number[] = [];
  const end = Math.max(0, ...offsets.slice(-1)) - 1;
  let line = 1;
  let position = 0;
  let after_cr = false;
  const chunks: AsyncIterable<Buffer> | [] = end < 0 ? [] : createReadStream(path, { end, highWaterMark: 1 << 20 });
  for await (const chunk of chunks) {
    for (const byte of chunk) {
      while (found.length < offsets.length && position >= (offsets[found.length] ?? 0)) found.push(line);
      if (byte === LF ? !after_cr : byte === CR) line += 1;
      after_cr = byte === CR;
      position += 1;
    }
  }
  while (found.length < offsets.length) found.push(line);
  return found;
}
