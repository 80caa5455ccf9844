import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import { findRelease } from '../releases/find-release.ts';
import { refuseMadeAnew } from '../releases/still-there.ts';
import type { Rooms } from '../rooms.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { ledgerForReading } from '../run/open-project.ts';
import { type ExportSource, exportSources, type Wanted } from './export-tables.ts';
import { type ExportTo, exportTo } from './export-target.ts';
import type { ExportFormat } from './formats.ts';
import { changedFiles, type ExportedFile, type ExportedTable, readManifest, requestId } from './manifest.ts';
import { outdatedFiles, refuseReplacing, sameWords } from './replacing.ts';
import { Staging } from './staging.ts';
import { describedSource, type WriteOptions, writeAll } from './write-export.ts';
import { type PlannedFile, planFiles, refuseTooLong } from './write-files.ts';

export interface ExportOptions extends WriteOptions {
  readonly wanted: Wanted;
  /** Absolute path of a file or folder. */
  readonly to: string;
  readonly as?: ExportFormat;
  /** A word for a release: see {@link findRelease}. */
  readonly release: string;
  readonly dry_run: boolean;
}

export interface ExportReport {
  /** `planned`: with `dry_run`, what would be written. */
  readonly status: 'written' | 'up_to_date' | 'planned';
  readonly reason: string;
  /** The release of the export that was there before. */
  readonly replaces?: string;
  readonly folder: string;
  readonly manifest: string;
  readonly release_id: string;
  readonly format: ExportFormat;
  readonly formula_safe: boolean;
  /** null: known only once the query has run. */
  readonly rows: number | null;
  readonly files: readonly (ExportedFile | { readonly file: string })[];
  readonly tables: readonly (Omit<ExportedTable, 'rows' | 'columns'> & { readonly rows: number | null })[];
  /** Files of the export before that belong to this one no more. */
  readonly removed: readonly string[];
  readonly wall_ms: number;
  readonly dry_run: boolean;
}

/**
 * Writes tables of a release, or the rows of a query over them, to files. The same question again writes nothing, once it is proved that the
 * files are as they were written. @throws DataflowError E_USAGE for what is there and may not be replaced, E_NO_RELEASE, E_EXPORT_LIMIT, E_OUTPUT.
 */
export async function exportData(rooms: Rooms, project: Project, options: ExportOptions): Promise<ExportReport> {
  const began = performance.now();
  const to = exportTo(project, options.to, options.as);
  const lake = await rooms.openLake(project);
  // Before any version is looked up: from here on nothing is collected that is read below.
  const lease = await (await rooms.openLeases(project)).open('export data');
  try {
    const { release, anew } = await releaseOf(rooms, project, lake, options.release);
    const sources = await exportSources(rooms, project, lake, release, options.wanted);
    for (const { snapshots } of sources) refuseMadeAnew(release, anew, Object.keys(snapshots));
    const files = planFiles(to, sources);
    if (!options.dry_run) await Staging.recover(to.folder);
    const before = readManifest(join(to.folder, to.manifest));
    const request = requestOf(sources, files, to, options.formula_safe);
    const changed = before === undefined ? [] : changedFiles(to.folder, before);
    const base = {
      folder: to.folder,
      manifest: to.manifest,
      release_id: release.release_id,
      format: to.format,
      formula_safe: options.formula_safe,
      dry_run: options.dry_run,
      ...(before === undefined ? {} : { replaces: before.release_id }),
    };
    const since = (): number => Math.round(performance.now() - began);
    if (before?.request === request && changed.length === 0)
      return {
        ...base,
        status: 'up_to_date',
        reason: sameWords(before, release),
        rows: before.rows,
        files: before.files,
        tables: before.tables,
        removed: [],
        wall_ms: since(),
      };
    if (!options.force) refuseReplacing(to, files, before, changed);
    const outdated = outdatedFiles(before, changed, files);
    refuseTooLong(to, sources);
    const reason =
      before === undefined
        ? 'nothing was exported there'
        : before.request === request
          ? `${changed.join(', ')} ${changed.length === 1 ? 'is' : 'are'} not as exported`
          : `there was an export of release ${before.release_id}`;
    if (options.dry_run)
      return { ...base, status: 'planned', reason, ...plannedTables(files), removed: outdated, wall_ms: since() };
    const written = await writeAll(rooms, project, to, files, outdated, options, {
      request,
      project: project.name,
      release,
    });
    return {
      ...base,
      status: 'written',
      reason,
      rows: written.rows,
      files: written.files,
      tables: written.tables,
      removed: outdated,
      wall_ms: since(),
    };
  } finally {
    await lease.release();
  }
}

async function releaseOf(
  rooms: Rooms,
  project: Project,
  lake: Lake,
  word: string,
): Promise<{ readonly release: ReleaseRecord; readonly anew: readonly string[] }> {
  const ledger = await ledgerForReading(rooms, project, lake);
  try {
    if (word === 'current' && ledger.latestRelease() === undefined)
      throw new DataflowError('E_NO_RELEASE', 'there is no release yet', {
        hint: 'A run that succeeds records one: dataflow run',
      });
    const release = findRelease(ledger, word);
    return { release, anew: releasedMadeAnew(ledger, release) };
  } finally {
    ledger.close();
  }
}

/** By versions of tables: another release in which they are the same asks for the same files. */
function requestOf(
  sources: readonly ExportSource[],
  files: readonly PlannedFile[],
  to: ExportTo,
  formula_safe: boolean,
): string {
  const asked = sources.map(({ table, snapshots, query }) => ({
    table,
    query,
    at: Object.entries(snapshots).map(([key, { version, committed_at_ms }]) => [key, version, committed_at_ms]),
  }));
  return requestId({ asked, files: files.map((one) => one.file), format: to.format, formula_safe });
}

function plannedTables(files: readonly PlannedFile[]): Pick<ExportReport, 'tables' | 'files' | 'rows'> {
  const tables = files.flatMap(({ file, sources }) =>
    sources.map(({ source, sheet }) => ({
      ...describedSource(source),
      file,
      ...(sheet === undefined ? {} : { sheet }),
      rows: rowsKnown(source),
    })),
  );
  const rows = tables.reduce<number | null>(
    (sum, one) => (sum === null || one.rows === null ? null : sum + one.rows),
    0,
  );
  return { tables, files: files.map(({ file }) => ({ file })), rows };
}

function rowsKnown({ query, snapshots, table }: ExportSource): number | null {
  return query === undefined ? (snapshots[table]?.rows ?? null) : null;
}
