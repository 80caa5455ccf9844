import { randomUUID } from 'node:crypto';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { DiscardOptions } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';

/** Hidden from readers: candidates by run, step and part, and notes of files on their way into a table. */
const STAGING = '_dataflow/staging';
/** Scratch space of engines: a run has a folder of its own, and others whose names go on behind a point. */
const SCRATCH = '_dataflow/tmp';
const NOTE = /^placed-[0-9a-f-]{36}\.json$/;
/** What may stand for a run, a step or a part in a path: made here, yet checked, since folders are removed by these names. */
const SAFE = /^(?!\.)[\w.@=-]{1,120}$/;

function stagingFolder(...parts: readonly string[]): string {
  for (const part of parts)
    if (!SAFE.test(part)) throw new DataflowError('E_INTERNAL', `${JSON.stringify(part)} cannot name a staging folder`);
  return [STAGING, ...parts].join('/');
}

/** A fresh private folder for candidates; returns its URI. */
export async function stageFolder(
  storage: LakeStorage,
  run_id: string,
  step_id: string,
  part: string,
): Promise<string> {
  const folder = stagingFolder(run_id, step_id, part);
  await storage.makeFolder(folder, { private: true });
  return storage.uri(folder);
}

/** URIs of the staged data files (`data*` parts) of a step, in order of their names. */
export async function stagedCandidates(
  storage: LakeStorage,
  run_id: string,
  step_id: string,
): Promise<readonly string[]> {
  const folder = stagingFolder(run_id, step_id);
  const uris: string[] = [];
  for (const part of await storage.list(folder)) {
    if (!part.startsWith('data')) continue;
    for (const path of await parquetBelow(storage, `${folder}/${part}`)) uris.push(storage.uri(path));
  }
  return uris.sort();
}

/** Partitioned and clustered candidates lie in folders of folders. */
async function parquetBelow(storage: LakeStorage, folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const name of await storage.list(folder)) {
    if (name.endsWith('.parquet')) paths.push(`${folder}/${name}`);
    else paths.push(...(await parquetBelow(storage, `${folder}/${name}`)));
  }
  return paths;
}

/**
 * Removes what a run or one of its steps staged. The run's own folder goes only with the whole run: other steps of it may be making theirs
 * at this moment.
 */
export async function discardStaged(
  storage: LakeStorage,
  run_id: string,
  step_id?: string,
  options: DiscardOptions = {},
): Promise<void> {
  if (step_id !== undefined) {
    const folder = stagingFolder(run_id, step_id);
    if (options.spent_later !== true || !(await isSpent(storage, folder))) await storage.remove(folder);
    return;
  }
  const run = stagingFolder(run_id);
  for (const step of await storage.list(run)) await storage.remove(`${run}/${step}`);
  await storage.remove(run);
}

/** Nothing that takes space is left of a step: its candidates were moved into tables. */
async function isSpent(storage: LakeStorage, folder: string): Promise<boolean> {
  for (const name of await storage.list(folder))
    if (!NOTE.test(name) && (await storage.list(`${folder}/${name}`)).length > 0) return false;
  return true;
}

/** Writes down which files a commit is about to move into a table's folder; it goes away with the step's staging folder. */
export async function notePlaced(
  storage: LakeStorage,
  step: { readonly run_id: string; readonly step_id: string },
  paths: readonly string[],
): Promise<void> {
  const folder = stagingFolder(step.run_id, step.step_id);
  await storage.makeFolder(folder, { private: true });
  await storage.jot(`${folder}/placed-${randomUUID()}.json`, Buffer.from(JSON.stringify(paths)));
}

/** What runs that are gone left behind: their staging and scratch folders, and the files that they had moved into tables. */
export async function abandoned(
  storage: LakeStorage,
  live_run_ids: ReadonlySet<string>,
): Promise<{ readonly folders: readonly string[]; readonly placed: readonly string[] }> {
  const folders: string[] = [];
  const placed: string[] = [];
  for (const run of await storage.list(STAGING)) {
    if (live_run_ids.has(run)) continue;
    for (const step of await storage.list(`${STAGING}/${run}`)) {
      for (const name of await storage.list(`${STAGING}/${run}/${step}`)) {
        if (NOTE.test(name)) placed.push(...(await readNote(storage, `${STAGING}/${run}/${step}/${name}`)));
      }
    }
    folders.push(`${STAGING}/${run}`);
  }
  for (const name of await storage.list(SCRATCH))
    if (!live_run_ids.has(name.split('.')[0] ?? name)) folders.push(`${SCRATCH}/${name}`);
  return { folders, placed };
}

/** A torn note is as good as none: nothing was moved before it was written. */
async function readNote(storage: LakeStorage, path: string): Promise<readonly string[]> {
  try {
    const paths: unknown = JSON.parse(Buffer.from((await storage.read(path)) ?? []).toString());
    return Array.isArray(paths) ? paths.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
