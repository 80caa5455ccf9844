import type { FileStatus } from './webhdfs.ts';

/** Tells one writing of a file from every other: a file keeps its number and its time when it is renamed. HttpFS tells no numbers. */
export function markOf({ fileId, modificationTime, length }: FileStatus): string {
  return `${fileId ?? 0}.${modificationTime}.${length}`;
}
