import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey, type TableId, tableKey } from '../../core/model/table.ts';
import type { CollectionPlan, LogReport } from '../../core/ports/lake-care.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';

/** Files that no readable version names any more, written down before the versions go, so that a crash forgets none of them. */
const FOLDER = '_dataflow/collect';
const NAME = /^[0-9a-z]{20}\.json$/;

interface Journal {
  readonly table: string;
  readonly files: readonly string[];
}

export async function writeJournal(storage: LakeStorage, plan: CollectionPlan): Promise<void> {
  const journal: Journal = { table: tableKey(plan.table), files: plan.files };
  await storage.makeFolder(FOLDER, { private: true });
  await storage.replace(`${FOLDER}/${timeSortedId()}.json`, Buffer.from(JSON.stringify(journal)));
}

/**
 * Removes the files of all journals, those of earlier attempts included, unless a version that can be read names them after all. With
 * `blocked` somebody may still be reading: everything stays for the next time. Returns what was removed and how many files wait.
 */
export async function removeJournalled(
  storage: LakeStorage,
  examine: (table: TableId) => Promise<LogReport>,
  blocked: () => Promise<boolean>,
): Promise<{ readonly files: number; readonly size_bytes: number; readonly waiting: number }> {
  const journals = (await storage.list(FOLDER)).filter((name) => NAME.test(name)).sort();
  const total = { files: 0, size_bytes: 0, waiting: 0 };
  if (journals.length === 0) return total;
  // Asked after the versions were made unreadable: who begins to read from now on cannot come upon these files.
  const wait = await blocked();
  for (const name of journals) {
    const journal = await readJournal(storage, `${FOLDER}/${name}`);
    const table = parseTableKey(journal.table);
    const report = table === undefined ? undefined : await examine(table);
    const named = new Set(report?.files.map((file) => `${report.folder}/${file.path}`));
    for (const path of journal.files) {
      if (named.has(path)) continue;
      const info = await storage.info(path);
      if (info === undefined) continue;
      if (wait || (report?.problems.length ?? 0) > 0) total.waiting += 1;
      else {
        faultPoint('collect-file');
        await storage.remove(path);
        total.files += 1;
        total.size_bytes += info.size_bytes;
      }
    }
    faultPoint('after-collect-files');
    if (total.waiting === 0) await storage.remove(`${FOLDER}/${name}`);
  }
  return total;
}

async function readJournal(storage: LakeStorage, path: string): Promise<Journal> {
  try {
    const read = JSON.parse(Buffer.from((await storage.read(path)) ?? []).toString('utf8')) as Journal;
    if (typeof read.table === 'string' && Array.isArray(read.files)) return read;
  } catch {
    // told below
  }
  throw new DataflowError('E_LAKE_CORRUPT', `${path} is damaged`, {
    hint: 'Remove it: the files that it names take space until then, and harm nobody.',
  });
}
