import { LAYERS } from '../../../core/model/table.ts';
import type { LogReport } from '../../../core/ports/lake-care.ts';
import { type Finding, holds, newestOf } from './finding.ts';
import type { SourceCheck } from './source-findings.ts';

/** One line of the answer. */
export interface VerifiedTable {
  readonly table: string;
  readonly version: number;
  /** Versions that can be read. */
  readonly versions: number;
  readonly files: number;
  readonly size_bytes: number;
  readonly rows: number;
  readonly errors: number;
  readonly notes: number;
}

export interface VerifyReport {
  readonly intact: boolean;
  readonly tables: readonly VerifiedTable[];
  /** Damage first. */
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly size_bytes: number;
  /** Bytes whose SHA-256 was computed. */
  readonly hashed_bytes: number;
  readonly errors: number;
  readonly notes: number;
  readonly sources: Omit<SourceCheck, 'findings'> | null;
  readonly wall_ms: number;
}

/** The answer: a line for each table that was asked for, damage before notes. */
export function reportOf(
  {
    reports,
    missing,
  }: {
    readonly reports: ReadonlyMap<string, LogReport>;
    /** Tables that are gone, and the versions that were published of them. */
    readonly missing: ReadonlyMap<string, number>;
  },
  wanted: ReadonlySet<string>,
  found: readonly Finding[],
  totals: { readonly hashed_bytes: number; readonly checked: SourceCheck | undefined; readonly wall_ms: number },
): VerifyReport {
  const findings = [...found].sort((a, b) => Number(a.severity === 'note') - Number(b.severity === 'note'));
  const count = (severity: Finding['severity'], table?: string): number =>
    findings.filter((one) => one.severity === severity && (table === undefined || one.table === table)).length;
  const tables = [...reports]
    .filter(([table]) => wanted.has(table))
    .map(([table, report]): VerifiedTable => {
      const newest = newestOf(report);
      const files = report.files.filter((file) => holds(file.versions, newest));
      return {
        table,
        version: newest,
        versions: report.versions.length,
        files: files.length,
        size_bytes: files.reduce((sum, file) => sum + file.size_bytes, 0),
        rows: report.versions.at(-1)?.rows ?? 0,
        errors: count('error', table),
        notes: count('note', table),
      };
    });
  for (const [table, version] of missing)
    tables.push({
      table,
      version,
      versions: 0,
      files: 0,
      size_bytes: 0,
      rows: 0,
      errors: count('error', table),
      notes: 0,
    });
  const { checked, hashed_bytes, wall_ms } = totals;
  return {
    intact: count('error') === 0,
    tables: [...tables].sort(byLayer),
    findings,
    files: tables.reduce((sum, table) => sum + table.files, 0),
    size_bytes: tables.reduce((sum, table) => sum + table.size_bytes, 0),
    hashed_bytes,
    errors: count('error'),
    notes: count('note'),
    sources: checked === undefined ? null : { same: checked.same, changed: checked.changed, missing: checked.missing },
    wall_ms,
  };
}

function byLayer(a: VerifiedTable, b: VerifiedTable): number {
  const rank = ({ table }: VerifiedTable): number => {
    const layer = LAYERS.findIndex((one) => table.startsWith(`${one}.`));
    return layer < 0 ? LAYERS.length : layer;
  };
  return rank(a) - rank(b) || (a.table < b.table ? -1 : 1);
}
