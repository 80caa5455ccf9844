import { mkdirSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { writeChunks } from '../../kit/write-chunks.ts';

export interface Fetch {
  /** On the far side. */
  readonly path: string;
  /** Absolute path on this machine; its folder is made. */
  readonly to: string;
  readonly size_bytes?: number;
  /** Absent: taken as it is. */
  readonly sha256?: string;
}

/**
 * Brings one file here: hashed as it comes, durable, and under its name only when it is what was recorded. Returns the hash of its bytes.
 * @throws DataflowError E_FAR_MISSING, E_FAR_CHANGED when it is not what was mirrored, E_LAKE_IO
 */
export async function fetchFile(
  far: FarStorage,
  { path, to, size_bytes, sha256 }: Fetch,
  signal: AbortSignal,
  came: (bytes: number) => void,
): Promise<string> {
  const found = await far.read({ path, signal });
  if (found === undefined)
    throw new DataflowError('E_FAR_MISSING', `${far.name}/${path} is not there`, {
      hint: 'Look at the mirror with `dataflow sync check`; another release may be whole: --release.',
    });
  mkdirSync(dirname(to), { recursive: true });
  const part = `${to}.part`;
  const written = await writeChunks(part, found.chunks, { flags: 'w', mode: 0o644, durable: true, came }).catch(
    ioError(to),
  );
  const other =
    size_bytes !== undefined && written.size_bytes !== size_bytes
      ? `it has ${written.size_bytes} bytes, recorded were ${size_bytes}`
      : sha256 !== undefined && written.sha256 !== sha256
        ? `its hash is ${written.sha256}, recorded was ${sha256}`
        : undefined;
  if (other !== undefined) {
    rmSync(part, { force: true });
    throw new DataflowError('E_FAR_CHANGED', `${far.name}/${path} is not what was mirrored: ${other}`, {
      kept: 'nothing on this machine was changed',
      hint: 'The copy is damaged. Another release, or `dataflow sync --force` from a sound lake, may help.',
    });
  }
  faultPoint('restore-before-rename');
  await rename(part, to).catch(ioError(to));
  return written.sha256;
}

/** What the far side says of itself, and a stop that was asked for, pass as they are. */
function ioError(path: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error) || error instanceof DataflowError || !('errno' in error)) throw error;
    throw new DataflowError('E_LAKE_IO', `cannot write ${path}: ${error.message}`, { cause: error });
  };
}
