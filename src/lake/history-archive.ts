import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { HistoryEntry } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import type { VersionEntry } from './log-reader.ts';

/**
 * What collected log entries said of themselves, one JSON line a version: the ledger is rebuilt from the notes of all commits, also of
 * those whose entries are gone. Readers of Delta do not look at files of this name.
 */
export const ARCHIVE_NAME = '_dataflow_history.ndjson';

function archivePath(folder: string): string {
  return `${folder}/_delta_log/${ARCHIVE_NAME}`;
}

export function historyOf({ version, actions, committed_at_ms }: VersionEntry): HistoryEntry {
  const info = actions.find((action) => action.commitInfo)?.commitInfo;
  return {
    version,
    committed_at_ms,
    operation: info?.operation ?? 'UNKNOWN',
    ...(info?.dataflow === undefined || info.dataflow === null ? {} : { note: info.dataflow }),
    files_added: actions.filter((action) => action.add).length,
    files_removed: actions.filter((action) => action.remove).length,
  };
}

/** Ascending; empty while nothing was collected. @throws DataflowError E_LAKE_CORRUPT naming the line. */
export async function archivedHistory(storage: LakeStorage, folder: string): Promise<readonly HistoryEntry[]> {
  const bytes = await storage.read(archivePath(folder));
  if (bytes === undefined) return [];
  const entries = new Map<number, HistoryEntry>();
  for (const [index, line] of Buffer.from(bytes).toString('utf8').split('\n').entries()) {
    if (line === '') continue;
    try {
      const entry = JSON.parse(line) as HistoryEntry;
      if (!Number.isSafeInteger(entry.version) || !Number.isSafeInteger(entry.committed_at_ms)) throw new TypeError();
      entries.set(entry.version, entry);
    } catch (cause) {
      throw new DataflowError('E_LAKE_CORRUPT', `${archivePath(folder)} is damaged`, {
        place: { file: archivePath(folder), line: index + 1 },
        hint: 'Restore this file from a backup or a mirror: the ledger cannot be rebuilt without it.',
        cause,
      });
    }
  }
  return [...entries.values()].sort((a, b) => a.version - b.version);
}

/** Adds entries, durably and in one act. */
export async function archiveHistory(
  storage: LakeStorage,
  folder: string,
  entries: readonly HistoryEntry[],
): Promise<void> {
  const all = new Map((await archivedHistory(storage, folder)).map((entry) => [entry.version, entry]));
  for (const entry of entries) all.set(entry.version, entry);
  const lines = [...all.values()].sort((a, b) => a.version - b.version).map((entry) => JSON.stringify(entry));
  await storage.replace(archivePath(folder), Buffer.from(`${lines.join('\n')}\n`));
}
