import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarFile, FarRange } from '../../core/ports/far-storage.ts';
import { jitteredWait } from '../../kit/backoff.ts';
import { BACKOFF, type Patience, patiently } from './patience.ts';
import { NodeFailure } from './refusals.ts';

/** How the rest of a file is asked for. */
export interface ReadAgain {
  info(): Promise<FarFile | undefined>;
  open(offset: number, length: number): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** An error in the words of the storage. */
  told(error: unknown): unknown;
}

/** The bytes of one writing of a file: what breaks is taken up where it broke, and after the last byte it is asked whether it still was that writing. */
export async function* readWhole(
  file: FarFile,
  range: FarRange | undefined,
  again: ReadAgain,
  patience: Patience,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { from = 0, to = file.size_bytes } = range ?? {};
  const end = Math.min(to, file.size_bytes);
  let at = from;
  let failures = 0;
  while (at < end) {
    const before = at;
    try {
      for await (const chunk of await opened(file, again, at, end - at)) {
        signal.throwIfAborted();
        at += chunk.length;
        if (at > end) throw changed(file);
        yield chunk;
      }
      if (at < end) throw new NodeFailure('data', file.path, new Error(`its bytes end at ${at} of ${end}`));
    } catch (error) {
      signal.throwIfAborted();
      failures = at > before ? 1 : failures + 1;
      if (!(error instanceof NodeFailure) || failures >= patience.attempts) throw again.told(error);
      await sleep(jitteredWait(failures, BACKOFF), undefined, { signal });
      await patiently(() => unchanged(file, again), patience, signal);
    }
  }
  await unchanged(file, again);
}

async function opened(file: FarFile, again: ReadAgain, offset: number, length: number) {
  return (await again.open(offset, length)) ?? gone(file);
}

async function unchanged(file: FarFile, again: ReadAgain): Promise<void> {
  if ((await again.info())?.mark !== file.mark) throw changed(file);
}

function gone(file: FarFile): never {
  throw changed(file);
}

function changed({ path }: FarFile): DataflowError {
  return new DataflowError('E_FAR_CHANGED', `${path} became another file while it was read`);
}
