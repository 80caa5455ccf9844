import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace, PlacedFile } from '../../core/ports/file-place.ts';
import type { SourceContext } from '../../core/ports/source.ts';
import { jitteredWait } from '../../kit/backoff.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { AGAIN, mayTryAgain, told } from './fetches.ts';

/** More than the footer of most files. */
const TAIL_BYTES = 128 * 1024;
/** `PAR1`. */
const MAGIC_BYTES = 4;
/** The footer's length and `PAR1` behind it. */
const FRAME_END_BYTES = 8;
/** A damaged length must not claim the whole file. */
const FOOTER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A file of this machine that is as large as a Parquet file elsewhere and has its first bytes and its footer, with nothing (on disk, too) between them: what
 * tells its columns and records. @throws DataflowError E_SOURCE_*
 */
export async function fetchEnds(place: FilePlace, file: PlacedFile, context: SourceContext): Promise<string> {
  const folder = join(context.temp_folder, 'fetched');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, timeSortedId());
  const target = await open(path, 'wx', 0o600);
  try {
    await target.truncate(file.size_bytes);
    const { size_bytes } = file;
    await copy(target, place, file, { from: 0, to: Math.min(MAGIC_BYTES, size_bytes) }, context.signal);
    const from = Math.max(0, size_bytes - TAIL_BYTES);
    const tail = await copy(target, place, file, { from, to: size_bytes }, context.signal);
    const begins = size_bytes - footerBytes(tail);
    if (begins >= 0 && begins < from) await copy(target, place, file, { from: begins, to: from }, context.signal);
    return path;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

function footerBytes(tail: Buffer): number {
  if (tail.length < FRAME_END_BYTES) return 0;
  return FRAME_END_BYTES + Math.min(tail.readUInt32LE(tail.length - FRAME_END_BYTES), FOOTER_BYTES_MAX);
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

async function copy(
  target: FileHandle,
  place: FilePlace,
  file: PlacedFile,
  { from, to }: Stretch,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (from === to) return Buffer.of();
  for (let attempt = 1; ; attempt++) {
    try {
      const bytes = await read(place, file, { from, to }, signal);
      await target.write(bytes, 0, bytes.length, from);
      return bytes;
    } catch (error) {
      signal?.throwIfAborted();
      if (!mayTryAgain(error) || attempt >= AGAIN.attempts) throw told(error, file);
      await sleep(jitteredWait(attempt, AGAIN), undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Leaves off once it has what it wants. */
async function read(
  place: FilePlace,
  file: PlacedFile,
  { from, to }: Stretch,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const { chunks } = await place.read(file, from, signal);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    parts.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes >= to - from) break;
  }
  if (bytes < to - from)
    throw new DataflowError('E_SOURCE_UNREACHABLE', `${file.path}: the connection ended at byte ${from + bytes}`);
  return Buffer.concat(parts).subarray(0, to - from);
}
