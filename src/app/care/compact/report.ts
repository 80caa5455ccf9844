import { type TableId, tableKey } from '../../../core/model/table.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import type { CollectionPlan } from '../../../core/ports/lake-care.ts';
import type { LandingCollection } from '../../../core/ports/landing-care.ts';
import type { CollectedDocuments } from './collect-documents.ts';
import type { CollectedLanding } from './collect-landing.ts';
import type { MergePlan } from './merge-table.ts';

/** One line of the answer. In a dry run: what would be. */
export interface CompactedTable {
  readonly table: string;
  readonly files_before: number;
  readonly files_after: number;
  readonly merged_files: number;
  readonly merged_bytes: number;
  readonly versions_collected: number;
  readonly files_collected: number;
  readonly collected_bytes: number;
  /** Rejected rows whose decision is older than `lake.keep.quarantine_days` and has no effect any more. */
  readonly decided_rows_collected: number;
  /** Why something was left for the next time. */
  readonly left: string | null;
}

export interface CompactReport {
  readonly dry_run: boolean;
  readonly tables: readonly CompactedTable[];
  readonly merged_files: number;
  readonly merged_bytes: number;
  readonly versions_collected: number;
  readonly files_collected: number;
  readonly collected_bytes: number;
  readonly decided_rows_collected: number;
  /** Files that wait for a reader to end. */
  readonly files_waiting: number;
  /** Staging folders and files of runs that are gone. */
  readonly leftovers: number;
  /** What sources that are asked left beside the lake. */
  readonly landing: readonly CollectedLanding[];
  /** What was kept of documents and is not needed any more. */
  readonly documents: readonly CollectedDocuments[];
  /** Answers of lookups that no `cache_days` lets count any more. */
  readonly lookup_answers: number;
  readonly wall_ms: number;
}

/** A table before its merge, and what of it was written together. */
export interface Merged {
  readonly before: Snapshot;
  readonly plan: MergePlan | undefined;
  readonly left: string | undefined;
}

/** The line of a table. */
export function lineOf(
  table: TableId,
  { before, plan: merge }: Pick<Merged, 'before' | 'plan'>,
  plan: CollectionPlan | undefined,
  left: string | null,
  decided_rows_collected: number,
): CompactedTable {
  const bins = merge?.bins ?? [];
  const merged = bins.flat();
  return {
    table: tableKey(table),
    files_before: before.file_count,
    files_after: before.file_count - merged.length + bins.length,
    merged_files: merged.length,
    merged_bytes: merged.reduce((sum, file) => sum + file.size_bytes, 0),
    versions_collected: plan?.versions.length ?? 0,
    files_collected: plan?.files.length ?? 0,
    collected_bytes: plan?.size_bytes ?? 0,
    decided_rows_collected,
    left,
  };
}

/** The lines summed up. */
export function totalsOf(tables: readonly CompactedTable[]) {
  const sum = (of: (table: CompactedTable) => number): number => tables.reduce((all, table) => all + of(table), 0);
  return {
    merged_files: sum((table) => table.merged_files),
    merged_bytes: sum((table) => table.merged_bytes),
    versions_collected: sum((table) => table.versions_collected),
    files_collected: sum((table) => table.files_collected),
    collected_bytes: sum((table) => table.collected_bytes),
    decided_rows_collected: sum((table) => table.decided_rows_collected),
  };
}

/** Without the names of files. */
export function landingOf(plans: readonly LandingCollection[]): readonly CollectedLanding[] {
  return plans.map(({ files: _, index: __, ...one }) => one);
}
