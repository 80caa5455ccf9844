import type { LakeStorage } from '../core/ports/storage.ts';
import { TEMP_NAME } from './local-files.ts';
import type { LogReader } from './log-reader.ts';
import { abandoned } from './staging.ts';

interface TablePlace {
  readonly folder: string;
  readonly log: LogReader;
}

/**
 * Paths that no live run owns: staging and scratch folders, temp files of logs, and data files that a run had moved into a table's folder
 * but never published. The last are known by the run's own note, and checked against the log: files of others are never touched.
 */
export async function findLeftovers(
  storage: LakeStorage,
  tables: readonly TablePlace[],
  live_run_ids: ReadonlySet<string>,
): Promise<readonly string[]> {
  const { folders, placed } = await abandoned(storage, live_run_ids);
  const orphans: string[] = [];
  const temps: string[] = [];
  for (const { folder, log } of tables) {
    const mine = placed.filter((path) => path.startsWith(`${folder}/`));
    const state = mine.length === 0 ? undefined : await log.state();
    for (const path of mine) {
      const name = path.slice(folder.length + 1);
      const published = state?.adds.has(name) === true || state?.removes.has(name) === true;
      if (!published && (await storage.info(path)) !== undefined) orphans.push(path);
    }
    // A temp file lives for milliseconds; while any run is live, it may be that run's.
    if (live_run_ids.size > 0) continue;
    for (const name of await storage.list(`${folder}/_delta_log`))
      if (TEMP_NAME.test(name)) temps.push(`${folder}/_delta_log/${name}`);
  }
  // The notes go last: a clean-up that is itself cut short finds them again.
  return [...orphans, ...temps, ...folders];
}
