import { createHash, type Hash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace, PlacedFile } from '../../core/ports/file-place.ts';
import type { SourceContext } from '../../core/ports/source.ts';
import { type Backoff, jitteredWait } from '../../kit/backoff.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { refuseWithoutSpace } from './archives.ts';

/** Files that are on their way at the same time: enough to hide the way there and back, few enough for any server. */
const FETCHES_MAX = 8;
/** A connection that breaks is taken up again where it broke; attempts count anew after each byte that came. */
export const AGAIN: Backoff = { attempts: 6, base_ms: 200, max_ms: 10_000 };

/**
 * Files of a place as copies in the run's temp folder: whole, and of the very state that was listed. Nothing is kept of them after the run:
 * what was loaded is in the lake, and the place has the file.
 */
export class Fetches {
  readonly #place: FilePlace;
  /** In the order in which they will be asked for. */
  readonly #expected: { readonly key: string; readonly file: PlacedFile }[] = [];
  /** Where they stand in it. */
  readonly #places = new Map<string, number>();
  readonly #copies = new Map<string, Promise<string>>();

  constructor(place: FilePlace) {
    this.#place = place;
  }

  /** Says that a file may be asked for. @param key names this state of the file */
  expect(key: string, file: PlacedFile): void {
    if (this.#places.has(key)) return;
    this.#places.set(key, this.#expected.length);
    this.#expected.push({ key, file });
  }

  /** Where the copy lies; the next ones are fetched meanwhile. @throws DataflowError E_SOURCE_CHANGED, E_LAKE_SPACE, E_SOURCE_* */
  take(key: string, context: SourceContext): Promise<string> {
    const at = this.#places.get(key) ?? this.#expected.length;
    for (const next of this.#expected.slice(at, at + FETCHES_MAX)) {
      if (this.#copies.has(next.key)) continue;
      const copy = this.#fetch(next.file, context);
      // Heard by whoever asks for it, if anybody does.
      copy.catch(() => undefined);
      this.#copies.set(next.key, copy);
    }
    const copy = this.#copies.get(key);
    return copy ?? Promise.reject(new DataflowError('E_INTERNAL', `a file is asked for that was not listed: ${key}`));
  }

  /** Removes a copy that nobody needs any more. */
  async drop(key: string): Promise<void> {
    const copy = await this.#copies.get(key)?.catch(() => undefined);
    if (copy !== undefined) rmSync(copy, { force: true });
  }

  async #fetch(file: PlacedFile, context: SourceContext): Promise<string> {
    refuseWithoutSpace(context.temp_folder, file.size_bytes, file.path);
    const folder = join(context.temp_folder, 'fetched');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, timeSortedId());
    const target = await open(path, 'wx', 0o600);
    try {
      await fetchInto(this.#place, file, target, context.signal);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    } finally {
      await target.close();
    }
    return path;
  }
}

interface Progress {
  bytes: number;
  readonly md5: Hash;
  /** What the place says it should be. */
  wanted?: string;
}

async function fetchInto(
  place: FilePlace,
  file: PlacedFile,
  target: FileHandle,
  signal: AbortSignal | undefined,
): Promise<void> {
  const progress: Progress = { bytes: 0, md5: createHash('md5') };
  for (let attempt = 1; progress.bytes < file.size_bytes || attempt === 1; attempt++) {
    const before = progress.bytes;
    try {
      await readOn(place, file, target, progress, signal);
      if (progress.bytes >= file.size_bytes) break;
      throw new DataflowError('E_SOURCE_UNREACHABLE', `${file.path}: the connection ended at byte ${progress.bytes}`);
    } catch (error) {
      signal?.throwIfAborted();
      if (progress.bytes > before) attempt = 1;
      if (!mayTryAgain(error) || attempt >= AGAIN.attempts) throw told(error, file);
      await sleep(jitteredWait(attempt, AGAIN), undefined, signal === undefined ? {} : { signal });
    }
  }
  faultPoint('after-fetch');
  const { wanted } = progress;
  const whole = progress.bytes === file.size_bytes && (wanted === undefined || wanted === progress.md5.digest('hex'));
  if (!whole || !(await place.unchanged(file, signal)))
    throw new DataflowError('E_SOURCE_CHANGED', `${file.path} changed while it was fetched`, {
      kept: 'nothing of this batch was published; the next run takes it again',
    });
}

async function readOn(
  place: FilePlace,
  file: PlacedFile,
  target: FileHandle,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (file.size_bytes === 0) return;
  const { chunks, md5 } = await place.read(file, progress.bytes, signal);
  if (md5 !== undefined) progress.wanted = md5;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    await keep(target, chunk, file);
    progress.md5.update(chunk);
    progress.bytes += chunk.length;
    faultPoint('during-fetch');
    // More than was listed: it grew, and nothing of it is taken.
    if (progress.bytes > file.size_bytes) return;
  }
}

/** @throws DataflowError E_LAKE_SPACE, E_LAKE_IO */
async function keep(target: FileHandle, chunk: Uint8Array, file: PlacedFile): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) done += (await target.write(chunk, done)).bytesWritten;
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw new DataflowError(full ? 'E_LAKE_SPACE' : 'E_LAKE_IO', `the copy of ${file.path}: ${String(error)}`, {
      cause: error,
    });
  }
}

export function told(error: unknown, file: PlacedFile): unknown {
  if (error instanceof DataflowError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new DataflowError('E_SOURCE_UNREACHABLE', `${file.path}: ${words}`, { cause: error });
}

/** Refusals stay refusals; what a network does may be over the next time. */
export function mayTryAgain(error: unknown): boolean {
  if (!(error instanceof DataflowError)) return true;
  return error.code === 'E_SOURCE_UNREACHABLE' || error.code === 'E_SOURCE_TIMEOUT';
}
