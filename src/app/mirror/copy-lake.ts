import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { digestFiles } from '../../kit/digest-pool.ts';
import { faultPoint } from '../../kit/fault.ts';
import { fetchFile } from './fetch-file.ts';
import { markerPath } from './markers.ts';
import { type FetchedLog, fetchData, fetchLog, type NeededFile, restoredOf } from './needed-files.ts';
import type { Restored, Restoring } from './restoring.ts';

/**
 * A whole lake, made beside its place and renamed when everything is there. What an attempt that was stopped brought is used again if it has its
 * hash.
 */
export async function copyLake(restoring: Restoring, to: string): Promise<Restored> {
  const { options } = restoring;
  const target = resolve(to);
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new DataflowError('E_USAGE', `${target} is not empty`, {
      hint: 'Name a folder that does not exist, or move what is there away.',
    });
  if (!options.dry_run)
    return await stagedAt(restoring, join(dirname(target), `.${basename(target)}.restoring`), target);
  const scratch = mkdtempSync(join(tmpdir(), 'dataflow-restore-'));
  try {
    const logs = await logsOf(restoring, scratch);
    return restoredOf(logs, everything(logs), 0);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function stagedAt(restoring: Restoring, staging: string, target: string): Promise<Restored> {
  const { options, far, listing, marker } = restoring;
  mkdirSync(staging, { recursive: true });
  // An earlier attempt may have been about another release or other tables: of it only data files are used.
  removeAllBut(staging, (path) => !path.startsWith('_') && !path.includes('/_delta_log/'));
  const logs = await logsOf(restoring, staging);
  const data = logs.flatMap((one) => one.data);
  const wanted = new Set(everything(logs).map(({ path }) => path));
  removeAllBut(staging, (path) => wanted.has(path));
  const there = await alreadyThere(data, staging);
  await fetchData(
    restoring,
    data.filter((file) => !there.has(file.path)),
    (path) => join(staging, path),
  );
  if (options.table === undefined)
    for (const number of listing.markers.filter((one) => one <= marker.number)) {
      const path = markerPath(number);
      await fetchFile(far, { path, to: join(staging, path) }, options.signal, () => undefined);
    }
  faultPoint('restore-before-publish');
  if (existsSync(target)) rmdirSync(target);
  await rename(staging, target);
  await settle(dirname(target));
  const fetched = everything(logs).filter(({ path }) => !there.has(path));
  return restoredOf(logs, fetched, there.size);
}

async function logsOf(restoring: Restoring, staging: string): Promise<readonly FetchedLog[]> {
  const { rooms, project, tables } = restoring;
  const care = await rooms.openLakeCare({ ...project, lake: { ...project.lake, url: staging } });
  const logs: FetchedLog[] = [];
  for (const table of tables) logs.push(await fetchLog(restoring, table, staging, care));
  return logs;
}

/** Removes files below a folder, and folders that are empty then. */
function removeAllBut(folder: string, stays: (path: string) => boolean, below = ''): boolean {
  let empty = true;
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory() ? !removeAllBut(folder, stays, path) : stays(path)) empty = false;
    else rmSync(join(folder, path), { recursive: true });
  }
  return empty;
}

function everything(
  logs: readonly FetchedLog[],
): readonly { readonly table: string; readonly path: string; readonly size_bytes: number }[] {
  return logs.flatMap(({ wanted, log, data }) => [
    ...log.map(({ path, size_bytes }) => ({ table: wanted.key, path, size_bytes })),
    ...data,
  ]);
}

async function alreadyThere(files: readonly NeededFile[], staging: string): Promise<ReadonlySet<string>> {
  const there = files.filter(({ path, sha256 }) => sha256 !== undefined && existsSync(join(staging, path)));
  const digests = await digestFiles(there.map(({ path, size_bytes }) => ({ path: join(staging, path), size_bytes })));
  return new Set(there.filter(({ sha256 }, index) => digests[index]?.sha256 === sha256).map(({ path }) => path));
}

/** Makes a rename durable. */
async function settle(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
