import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey, type TableId } from '../../core/model/table.ts';
import type { LakeCare, LogReport } from '../../core/ports/lake-care.ts';
import { AdaptivePool } from '../../kit/adaptive-pool.ts';
import { entryPath, logFilesOf, type WantedTable } from './far-tables.ts';
import { fetchFile } from './fetch-file.ts';
import type { LeftDamage, Restored, Restoring } from './restoring.ts';

/** A data file of a table that is to be restored. */
export interface NeededFile {
  readonly table: string;
  /** On the far side, and in the lake: they differ where layers were renamed. */
  readonly far_path: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly sha256?: string;
  /** Versions that hold it. */
  readonly versions: LogReport['files'][number]['versions'];
}

/** A table's log, brought into a staging lake, and what it names. */
export interface FetchedLog {
  readonly wanted: WantedTable;
  readonly table: TableId;
  /** Relative to the lake. */
  readonly folder: string;
  /** Files of the log, relative to the lake, with their hashes. */
  readonly log: readonly { readonly path: string; readonly sha256: string; readonly size_bytes: number }[];
  /** Versions that the history there names as collected. */
  readonly collected: ReadonlySet<number>;
  /** Those that the far side has; those of the wanted version are all there. */
  readonly data: readonly NeededFile[];
}

/** Logs first: they say which data files there are, and what bytes these have. @throws DataflowError E_FAR_CHANGED, E_FAR_MISSING, E_LAKE_CORRUPT */
export async function fetchLog(
  { far, listing, options, project }: Restoring,
  wanted: WantedTable,
  staging: string,
  care: LakeCare,
): Promise<FetchedLog> {
  const table = parseTableKey(wanted.key);
  if (table === undefined) throw new DataflowError('E_FAR_CHANGED', `a release marker names the table ${wanted.key}`);
  const folder = folderOf(project, table);
  const log: { path: string; sha256: string; size_bytes: number }[] = [];
  await pool().run(logFilesOf(listing, wanted), async ({ path, size_bytes }) => {
    const near = `${folder}${path.slice(wanted.folder.length)}`;
    const sha256 = await fetchFile(far, { path, to: join(staging, near), size_bytes }, options.signal, () => undefined);
    log.push({ path: near, sha256, size_bytes });
    if (wanted.as_released && path === entryPath(wanted) && sha256 !== wanted.entry_sha256)
      throw new DataflowError('E_FAR_CHANGED', `${far.name}/${path} is not the log entry that the release names`);
  });
  const report = await care.examineLog(table);
  const [problem] = report.problems;
  if (problem !== undefined)
    throw new DataflowError('E_FAR_CHANGED', `the log of ${wanted.key} is damaged there: ${problem.message}`);
  if (!report.versions.some(({ version }) => version === wanted.version))
    throw new DataflowError('E_LAKE_NO_VERSION', `version ${wanted.version} of ${wanted.key} cannot be read there`);
  const data = report.files.map(({ path, size_bytes, sha256, versions }): NeededFile => {
    const near = nearPath(folder, path);
    const far_path = path.startsWith('/') ? near : `${wanted.folder}/${path}`;
    return {
      table: wanted.key,
      far_path,
      path: near,
      size_bytes,
      ...(sha256 === undefined ? {} : { sha256 }),
      versions,
    };
  });
  const missing = data.filter((file) => !listing.files.has(file.far_path));
  const needed = missing.find((file) =>
    file.versions.some(({ from, to }) => from <= wanted.version && to >= wanted.version),
  );
  if (needed !== undefined)
    throw new DataflowError(
      'E_FAR_MISSING',
      `${far.name}/${needed.far_path} is not there, and version ${wanted.version} needs it`,
    );
  const { collected } = report;
  return { wanted, table, folder, log, collected, data: data.filter((file) => !missing.includes(file)) };
}

/** A path of the log, relative to the lake. */
export function nearPath(folder: string, path: string): string {
  return path.startsWith('/') ? path.slice(1) : `${folder}/${path}`;
}

/** Folder of a table, relative to the lake. */
export function folderOf({ lake }: Project, { layer, name }: TableId): string {
  return `${layer === 'quarantine' ? layer : lake.layers[layer]}/${name}`;
}

const FETCHES_MAX = 16;

/** Bodies are streamed: what counts is their number. */
export function pool(): AdaptivePool {
  return new AdaptivePool({ at_once_max: FETCHES_MAX, weight_max: Number.POSITIVE_INFINITY });
}

/** Brings data files below a folder. */
export async function fetchData(
  { far, options }: Restoring,
  files: readonly NeededFile[],
  placeOf: (path: string) => string,
): Promise<void> {
  const bytes_total = files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  let done = 0;
  let bytes = 0;
  const tell = (): void =>
    options.progress({ phase: 'fetching', files: done, files_total: files.length, bytes, bytes_total });
  tell();
  await pool().run(files, async ({ far_path, path, size_bytes, sha256 }) => {
    options.signal.throwIfAborted();
    const fetch = { path: far_path, to: placeOf(path), size_bytes, ...(sha256 === undefined ? {} : { sha256 }) };
    await fetchFile(far, fetch, options.signal, (more) => {
      bytes += more;
      tell();
    });
    done += 1;
    tell();
  });
}

export function restoredOf(
  logs: readonly FetchedLog[],
  fetched: readonly { readonly table: string; readonly size_bytes: number }[],
  files_resumed: number,
  left: readonly LeftDamage[] = [],
): Restored {
  return {
    left,
    tables: logs.map(({ wanted, log, data }) => {
      const its = fetched.filter(({ table }) => table === wanted.key);
      return {
        table: wanted.key,
        version: wanted.version,
        files: log.length + data.length,
        files_fetched: its.length,
        bytes_fetched: bytesOf(its),
      };
    }),
    files_fetched: fetched.length,
    bytes_fetched: bytesOf(fetched),
    files_resumed,
  };
}

function bytesOf(files: readonly { readonly size_bytes: number }[]): number {
  return files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
}
