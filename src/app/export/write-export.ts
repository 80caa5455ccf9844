import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import { digestFile } from '../../kit/digest-file.ts';
import type { Rooms } from '../rooms.ts';
import type { ExportSource } from './export-tables.ts';
import type { ExportTo } from './export-target.ts';
import type { ExportedFile, ExportedTable, ExportManifest } from './manifest.ts';
import { Staging } from './staging.ts';
import { type PlannedFile, writeTable, writeWorkbookFile } from './write-files.ts';

export interface WriteOptions {
  readonly formula_safe: boolean;
  /** Replace what is there. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** A table is about to be written. */
  readonly onTable?: (table: string) => void;
}

/** A source as the manifest tells of it. */
export function describedSource({
  snapshots,
  table,
  query,
}: ExportSource): Pick<ExportedTable, 'table' | 'versions' | 'query'> {
  const versions = Object.fromEntries(Object.entries(snapshots).map(([key, { version }]) => [key, version]));
  return { table, versions, ...(query === undefined ? {} : { query }) };
}

/** Writes all files, and moves them to their places once they are whole. */
export async function writeAll(
  rooms: Rooms,
  project: Project,
  to: ExportTo,
  files: readonly PlannedFile[],
  outdated: readonly string[],
  options: WriteOptions,
  {
    request,
    release,
    ...facts
  }: { readonly request: string; readonly project: string; readonly release: ReleaseRecord },
): Promise<ExportManifest> {
  const staging = Staging.open(to.folder);
  try {
    const engine = await rooms.openEngine(project);
    const tables: ExportedTable[] = [];
    try {
      for (const planned of files) {
        const more = await writeFile(
          rooms,
          (label) => engine.openSession({ label, signal: options.signal }),
          staging,
          planned,
          to,
          options,
        );
        tables.push(...more);
      }
    } finally {
      await engine.close();
    }
    const { format } = to;
    const manifest: ExportManifest = {
      dataflow_export: 1,
      request,
      ...facts,
      release_id: release.release_id,
      released_at: release.created_at,
      format,
      formula_safe: options.formula_safe,
      rows: tables.reduce((sum, one) => sum + one.rows, 0),
      files: await Promise.all(files.map(({ file }) => sealed(staging, file))),
      tables,
    };
    options.signal.throwIfAborted();
    const names = files.map(({ file }) => file);
    await staging.publish({ files: names, manifest: to.manifest, replace: options.force, outdated }, manifest);
    return manifest;
  } finally {
    staging.remove();
  }
}

async function sealed(staging: Staging, file: string): Promise<ExportedFile> {
  await staging.seal(file);
  const { size_bytes, sha256, error } = digestFile(staging.path(file), () => undefined);
  if (sha256 === undefined) throw new DataflowError('E_OUTPUT', `${file} cannot be read back: ${error ?? ''}`);
  return { file, size_bytes, sha256 };
}

async function writeFile(
  rooms: Rooms,
  openSession: (label: string) => Promise<EngineSession>,
  staging: Staging,
  planned: PlannedFile,
  to: ExportTo,
  options: WriteOptions,
): Promise<readonly ExportedTable[]> {
  const { formula_safe, onTable } = options;
  const tables: ExportedTable[] = [];
  const path = staging.path(planned.file);
  for (const { source, sheet } of planned.sources) {
    onTable?.(source.table);
    const session = await openSession(`export/${source.table}`);
    try {
      const written = await writeTable(session, source, {
        path: sheet === undefined ? path : `${path}.${tables.length}`,
        format: to.format,
        formula_safe,
      });
      tables.push({
        ...describedSource(source),
        file: planned.file,
        ...(sheet === undefined ? {} : { sheet }),
        ...written,
      });
    } finally {
      await session.close();
    }
  }
  if (to.format === 'xlsx') await writeWorkbookFile(rooms, path, tables, formula_safe);
  return tables;
}
