import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { planRetention } from '../../core/planning/retention.ts';
import type { CollectionPlan, CollectionRules, LogReport } from '../../core/ports/lake-care.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { writeCheckpoint } from '../checkpoint/write-checkpoint.ts';
import { archiveHistory, historyOf } from '../history-archive.ts';
import { entryName } from '../log-listing.ts';
import { LogReader } from '../log-reader.ts';
import { writeJournal } from './journal.ts';

/** What may go from a table; undefined when its log is damaged: then nothing is touched. */
export function planCollection(report: LogReport, rules: CollectionRules): CollectionPlan | undefined {
  if (report.problems.length > 0) return undefined;
  const { from, pinned, collected } = planRetention({ ...rules, versions: report.versions });
  const stays = (version: number): boolean => version >= from || pinned.includes(version);
  const kept = report.versions.map(({ version }) => version).filter(stays);
  const files = report.files.filter(
    (file) =>
      !file.path.startsWith('/') && !file.versions.some((range) => kept.some((v) => v >= range.from && v <= range.to)),
  );
  return {
    table: report.table,
    from,
    pinned,
    versions: collected,
    files: files.map((file) => `${report.folder}/${file.path}`),
    size_bytes: files.reduce((sum, file) => sum + file.size_bytes, 0),
  };
}

/**
 * Makes old versions unreadable and returns the journal of the files that are then nobody's. The order is what keeps the table whole at every
 * moment: checkpoints of what stays, the notes of what goes, the journal of its files, and only then the log entries. The files
 * themselves are removed by {@link removeJournalled}, once no reader can still be at them.
 */
export async function hideVersions(
  storage: LakeStorage,
  folder: string,
  plan: CollectionPlan,
  fence: () => void,
): Promise<void> {
  const log = new LogReader(storage, folder);
  const listing = await log.listing();
  const goes = (version: number): boolean => version < plan.from && !plan.pinned.includes(version);
  const entries = listing.entries.filter(goes);
  const checkpoints = [...listing.checkpoints].filter(([version]) => goes(version));
  if (entries.length + checkpoints.length === 0) return;
  // The newest comes last: `_last_checkpoint` then names it.
  for (const version of new Set([...plan.pinned, plan.from, listing.newest]))
    await keepReadable(storage, folder, version, listing.checkpoints.has(version) && version !== listing.newest);
  faultPoint('after-collect-checkpoint');
  await archiveHistory(storage, folder, (await log.entries(entries)).map(historyOf));
  faultPoint('after-collect-history');
  if (plan.files.length > 0) await writeJournal(storage, plan);
  faultPoint('after-collect-journal');
  fence();
  // Before the entries: one that was left alone would be a version of which nobody knows where it came from.
  for (const [, names] of checkpoints) for (const name of names) await storage.remove(`${folder}/_delta_log/${name}`);
  for (const version of entries) {
    faultPoint('collect-entry');
    await storage.remove(`${folder}/_delta_log/${entryName(version)}`);
  }
  await storage.settle([`${folder}/_delta_log`]);
  faultPoint('after-collect-hide');
}

/** A version whose older entries go needs a checkpoint of its own. */
async function keepReadable(storage: LakeStorage, folder: string, version: number, has_one: boolean): Promise<void> {
  if (has_one) return;
  const state = await new LogReader(storage, folder).state(version);
  if (state === undefined) throw new DataflowError('E_LAKE_NO_VERSION', `${folder} has no version ${version}`);
  await writeCheckpoint(storage, folder, state);
}
