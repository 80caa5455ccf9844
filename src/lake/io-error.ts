import { DataflowError } from '../core/errors/dataflow-error.ts';

/** The system's name of an error (`ENOSPC`); undefined for others. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const REASONS: ReadonlyMap<string, readonly [reason: string, hint?: string]> = new Map([
  ['ENOSPC', ['no space left on the disk', 'Free some space, then run again.']],
  ['EDQUOT', ['the disk quota is used up', 'Free some space or raise the quota, then run again.']],
  ['EROFS', ['the file system is read-only', 'Mount it writable, then run again.']],
  ['EACCES', ['permission denied', 'Give this user write permission on the lake folder.']],
  [
    'EPERM',
    ['operation not permitted', 'The lake needs a file system with hard links, and write permission on its folder.'],
  ],
  ['ENOTSUP', ['the file system cannot do that', 'The lake needs a file system with hard links.']],
  ['EIO', ['the disk reported an error', 'Check the disk before you run again.']],
  ['EMFILE', ['too many open files', 'Raise the limit (ulimit -n), then run again.']],
  ['EXDEV', ['the target is on another file system', 'The whole lake must lie on one file system.']],
  ['ENOTDIR', ['a part of the path is not a folder']],
  ['ENOENT', ['it does not exist']],
]);

/** Errors of the file system as E_LAKE_IO, in one line; a DataflowError passes as it is. `what` such as `cannot read x`. */
export function ioError(error: unknown, what: string): DataflowError {
  if (error instanceof DataflowError) return error;
  const code = codeOf(error);
  const [reason, hint] = (code === undefined ? undefined : REASONS.get(code)) ?? [code ?? 'unknown error'];
  const kept = 'every published version stays as it is';
  return new DataflowError('E_LAKE_IO', `${what}: ${reason}`, {
    kept,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** E_LAKE_FSYNC, except when the disk is merely full: that comes late on some file systems, and a new attempt writes anew. */
export function fsyncError(error: unknown, what: string, kept: string): DataflowError {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return ioError(error, what);
  return new DataflowError('E_LAKE_FSYNC', `${what}: the disk did not confirm it (${code ?? 'error'})`, {
    kept,
    cause: error,
  });
}
