import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LakeCare } from '../../core/ports/lake-care.ts';
import { digestFiles } from '../../kit/digest-pool.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { openLedgerFor } from '../run/open-project.ts';
import { type FetchedLog, fetchData, fetchLog, type NeededFile, restoredOf } from './needed-files.ts';
import type { Restored, Restoring } from './restoring.ts';

const ENTRY = /^(\d{20})\.json$/;

/**
 * Puts files of the lake back that are missing or damaged, under the lock of runs. A log entry that is whole and says something else belongs to another
 * table: nothing is touched then. What was collected from the lake stays collected.
 */
export async function mendLake(restoring: Restoring): Promise<Restored> {
  const { rooms, project, options } = restoring;
  const lake = await rooms.openLake(project);
  const ledger = options.dry_run ? undefined : await openLedgerFor(rooms, project, lake);
  const lock = ledger?.lock(`pipeline:${project.name}`, options.command);
  const scratch = join(rooms.stateFolder(project), 'tmp', `restore-${timeSortedId()}`);
  try {
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    const care = await rooms.openLakeCare({ ...project, lake: { ...project.lake, url: scratch } });
    const logs: FetchedLog[] = [];
    for (const table of restoring.tables) logs.push(await fetchLog(restoring, table, scratch, care));
    const wanted: (NeededFile & { readonly is_log: boolean })[] = [];
    const own = await rooms.openLakeCare(project);
    for (const log of logs) wanted.push(...(await brokenFiles(project.lake.url, own, log)));
    if (options.dry_run) return restoredOf(logs, wanted, 0);
    await fetchData(
      restoring,
      wanted.filter(({ is_log }) => !is_log),
      (path) => join(scratch, path),
    );
    faultPoint('restore-before-publish');
    // Data before the entries that name it.
    for (const { path } of [...wanted].sort((a, b) => Number(a.is_log) - Number(b.is_log))) {
      lock?.check();
      const target = join(project.lake.url, path);
      mkdirSync(dirname(target), { recursive: true });
      await rename(join(scratch, path), target);
    }
    return restoredOf(logs, wanted, 0);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    lock?.release();
    ledger?.close();
  }
}

async function brokenFiles(
  lake: string,
  care: LakeCare,
  log: FetchedLog,
): Promise<readonly (NeededFile & { readonly is_log: boolean })[]> {
  const { problems } = await care.examineLog(log.table);
  const damaged = new Set(problems.map((problem) => problem.path));
  const oldest = oldestEntry(join(lake, log.folder, '_delta_log'));
  const broken: (NeededFile & { readonly is_log: boolean })[] = [];
  for (const { path, sha256, size_bytes } of log.log) {
    const version = Number(ENTRY.exec(path.slice(path.lastIndexOf('/') + 1))?.[1] ?? -1);
    // A checkpoint or history of another time says the same.
    if (version < 0 ? bytesAt(join(lake, path)) !== undefined && !damaged.has(path) : version < oldest) continue;
    const bytes = bytesAt(join(lake, path));
    if (bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === sha256) continue;
    if (bytes !== undefined && version >= 0 && !damaged.has(path))
      throw new DataflowError('E_FAR_CHANGED', `${path} of the lake is whole, and another one than in the mirror`, {
        kept: 'nothing was changed',
        hint: 'The table was made anew since it was mirrored: bring the old one back beside the lake with --to.',
      });
    broken.push({ table: log.wanted.key, far_path: path, path, size_bytes, sha256, versions: [], is_log: true });
  }
  const data = log.data.filter(({ versions }) => versions.some(({ to }) => to >= oldest));
  const digests = await digestFiles(data.map(({ path, size_bytes }) => ({ path: join(lake, path), size_bytes })));
  for (const [index, file] of data.entries()) {
    const found = digests[index];
    const whole = file.sha256 === undefined ? found?.size_bytes === file.size_bytes : found?.sha256 === file.sha256;
    if (!whole || found?.error !== undefined) broken.push({ ...file, is_log: false });
  }
  return broken;
}

function bytesAt(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** Entries before it were collected on purpose. */
function oldestEntry(log_folder: string): number {
  if (!existsSync(log_folder)) return 0;
  const versions = readdirSync(log_folder).flatMap((name) => ENTRY.exec(name)?.[1] ?? []);
  return versions.length === 0 ? 0 : Math.min(...versions.map(Number));
}
