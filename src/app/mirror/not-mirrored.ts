import { join } from 'node:path';
import type { LogReport } from '../../core/ports/lake-care.ts';
import { digestFiles } from '../../kit/digest-pool.ts';
import { type FetchedLog, nearPath } from './needed-files.ts';
import type { LeftDamage } from './restoring.ts';

/** What is damaged in the lake and cannot come back: the mirror does not have it, as it is of versions after the release there, or was removed there. */
export async function damagedAndNotThere(
  lake: string,
  { files, folder, problems }: LogReport,
  { log, data, wanted }: FetchedLog,
): Promise<readonly LeftDamage[]> {
  const there = new Set([...log, ...data].map(({ path }) => path));
  const alone = files
    .map((file) => ({ ...file, path: nearPath(folder, file.path) }))
    .filter(({ path }) => !there.has(path));
  const digests = await digestFiles(alone.map(({ path, size_bytes }) => ({ path: join(lake, path), size_bytes })));
  const broken = alone.filter(({ sha256, size_bytes }, index) => {
    const found = digests[index];
    return (
      found?.error !== undefined || (sha256 === undefined ? found?.size_bytes !== size_bytes : found?.sha256 !== sha256)
    );
  });
  const entries = problems.filter(({ kind, path }) => kind !== 'pointer' && !there.has(path));
  return [...entries, ...broken].map(({ path }) => ({ table: wanted.key, path }));
}
