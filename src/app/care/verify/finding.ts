import type { LogReport, VersionRange } from '../../../core/ports/lake-care.ts';
import type { ReleaseRecord } from '../../../core/ports/ledger.ts';

/** What was looked at when something was found. */
export type CheckedThing =
  | 'file'
  | 'log'
  | 'ledger'
  | 'release'
  | 'balance'
  | 'input'
  | 'quarantine'
  | 'key'
  | 'orphan'
  | 'source'
  | 'run';

/** An `error` is damage; a `note` is worth knowing and nothing else. Absent members are null, so that every record has the same ones. */
export interface Finding {
  readonly severity: 'error' | 'note';
  readonly check: CheckedThing;
  /** `silver.achats`. */
  readonly table: string | null;
  /** File, relative to the lake (or to the project, for a source file). */
  readonly path: string | null;
  readonly message: string;
  readonly expected: string | null;
  readonly actual: string | null;
  /** Versions of the table that hold the file: `3-7, 9`. */
  readonly versions: string | null;
  /** Ids of the releases that hold it, newest first. */
  readonly releases: readonly string[];
  readonly remedy: string | null;
}

const NOTHING = { table: null, path: null, expected: null, actual: null, versions: null, releases: [], remedy: null };

export function damage(check: CheckedThing, message: string, more: Partial<Finding> = {}): Finding {
  return { ...NOTHING, ...more, severity: 'error', check, message };
}

export function remark(check: CheckedThing, message: string, more: Partial<Finding> = {}): Finding {
  return { ...NOTHING, ...more, severity: 'note', check, message };
}

/** What makes a table anew. A bronze table is not computed: without `--force` its source is only asked for what is new. */
export function refreshCommand(table: string): string {
  return `dataflow run --full-refresh${table.startsWith('bronze.') ? ' --force' : ''} --select ${table}+`;
}

/** `3-7, 9`. */
export function rangesText(ranges: readonly VersionRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
}

export function holds(ranges: readonly VersionRange[], version: number): boolean {
  return ranges.some(({ from, to }) => version >= from && version <= to);
}

export function newestOf(report: LogReport): number {
  return report.versions.at(-1)?.version ?? -1;
}

/** Releases whose version of this table lies in the ranges, newest first. */
export function releasesWith(
  releases: readonly ReleaseRecord[],
  table: string,
  ranges: readonly VersionRange[],
): readonly ReleaseRecord[] {
  return releases.filter(({ tables }) => tables[table] !== undefined && holds(ranges, tables[table]));
}

/** The log entry of a version, relative to the lake. */
export function entryOf({ folder }: LogReport, version: number): string {
  return `${folder}/_delta_log/${String(version).padStart(20, '0')}.json`;
}
