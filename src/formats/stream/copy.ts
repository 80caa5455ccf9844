import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { InspectRequest } from '../../core/ports/format.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { RawReader } from './raw.ts';
import { newTextFacts, textOf } from './text.ts';

/** Changes the text on its way into the copy, chunk by chunk. `begin` starts anew for each file. */
export interface TextCopy {
  readonly extension: string;
  begin(): TextChange;
}

export interface TextChange {
  push(chunk: Buffer): Buffer;
  /** What was held back. */
  end?(): Buffer;
}

/** A copy that changes nothing beyond the encoding, the byte order mark and the compression. */
export function verbatimCopy(extension: string): TextCopy {
  return { extension, begin: () => ({ push: (chunk) => chunk }) };
}

/**
 * Writes the unit's text as plain UTF-8 into the temporary folder and answers its path. A second reading: it is needed seldom, and whether
 * it is needed is known only after the first.
 * @throws DataflowError E_SOURCE_IO, E_LAKE_IO (the temporary folder cannot be written)
 */
export async function writeCopy(request: InspectRequest, copy: TextCopy, signal?: AbortSignal): Promise<string> {
  const path = join(request.temp_folder, `decoded-${timeSortedId()}.${copy.extension}`);
  const raw = new RawReader(request.unit.uri, signal);
  let target: number | undefined;
  try {
    target = openCopy(path);
    const change = copy.begin();
    for await (const chunk of textOf(raw, request, newTextFacts())) writeAll(target, change.push(chunk), path);
    if (change.end !== undefined) writeAll(target, change.end(), path);
  } finally {
    raw.close();
    if (target !== undefined) closeSync(target);
  }
  return path;
}

/** @throws DataflowError E_LAKE_IO */
export function openCopy(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** @throws DataflowError E_LAKE_IO */
export function writeAll(target: number, bytes: Buffer, path: string): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(target, bytes, done);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): DataflowError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DataflowError('E_LAKE_IO', `a decoded copy of an input cannot be written: ${reason}`, {
    place: { file: path },
    cause: error,
  });
}
