import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';

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
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(part, 'w', 0o644).catch(ioError(to));
  try {
    for await (const chunk of found.chunks) {
      hash.update(chunk);
      size += chunk.length;
      await file.write(chunk).catch(ioError(to));
      came(chunk.length);
    }
    await file.sync().catch(ioError(to));
  } finally {
    await file.close();
  }
  const digest = hash.digest('hex');
  const other =
    size_bytes !== undefined && size !== size_bytes
      ? `it has ${size} bytes, recorded were ${size_bytes}`
      : sha256 !== undefined && digest !== sha256
        ? `its hash is ${digest}, recorded was ${sha256}`
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
  return digest;
}

function ioError(path: string): (error: unknown) => never {
  return (error) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new DataflowError('E_LAKE_IO', `cannot write ${path}: ${why}`, { cause: error });
  };
}
