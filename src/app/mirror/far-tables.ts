import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MarkedTable, ReleaseMarker } from '../../core/model/mirror.ts';
import { parseTableKey, quarantineOf, tableKey } from '../../core/model/table.ts';
import type { FarFile, FarStorage } from '../../core/ports/far-storage.ts';
import { nameHint } from '../../kit/name-list.ts';
import { decidedOf } from '../../medallion/decisions.ts';
import { markerNumber, readMarker } from './markers.ts';

/** What lies in a mirror. */
export interface FarListing {
  readonly files: ReadonlyMap<string, FarFile>;
  /** Numbers of its release markers, newest first. */
  readonly markers: readonly number[];
}

export async function listFar(far: FarStorage, signal: AbortSignal): Promise<FarListing> {
  const files = new Map<string, FarFile>();
  const markers: number[] = [];
  for await (const page of far.list({ prefix: '', signal }))
    for (const file of page) {
      files.set(file.path, file);
      const number = markerNumber(file);
      if (number !== undefined) markers.push(number);
    }
  return { files, markers: markers.sort((a, b) => b - a) };
}

/** The newest release there, or the one whose id begins so. @throws DataflowError E_NO_RELEASE */
export async function markedRelease(
  far: FarStorage,
  { markers }: FarListing,
  word: string | undefined,
  signal: AbortSignal,
): Promise<ReleaseMarker> {
  const seen: string[] = [];
  for (const number of markers) {
    const marker = await readMarker(far, number, signal);
    if (marker === undefined) continue;
    if (word === undefined || marker.release_id.startsWith(word)) return marker;
    seen.push(marker.release_id);
  }
  throw new DataflowError(
    'E_NO_RELEASE',
    word === undefined ? `${far.name} holds no release` : `${far.name} holds no release ${word}`,
    {
      hint:
        seen.length === 0
          ? 'Nothing was synced to it, or `path:` names another place.'
          : `It holds ${seen.slice(0, 5).join(', ')}.`,
    },
  );
}

/** A table of a release, at its version or an older one. */
export interface WantedTable extends MarkedTable {
  /** `gold.kpi`. */
  readonly key: string;
  /** The version is that of the release. */
  readonly as_released: boolean;
}

/** @throws DataflowError E_LAKE_NO_TABLE, E_LAKE_NO_VERSION */
export function wantedOf(
  marker: ReleaseMarker,
  words: { readonly table?: string; readonly version?: number },
): readonly WantedTable[] {
  const all = Object.entries(marker.tables).map(([key, one]): WantedTable => ({ ...one, key, as_released: true }));
  if (words.table === undefined) return all;
  // What was rejected of a table comes back with it, and what was decided about that.
  const owner = parseTableKey(words.table);
  const beside = owner === undefined ? [] : [quarantineOf(owner), decidedOf(owner)].map(tableKey);
  const chosen = all.filter(({ key }) => key === words.table || (words.version === undefined && beside.includes(key)));
  const [table] = chosen;
  if (table === undefined || table.key !== words.table) {
    const found = chosen.find(({ key }) => key === words.table);
    if (found === undefined)
      throw new DataflowError('E_LAKE_NO_TABLE', `release ${marker.release_id} has no table ${words.table} there`, {
        hint: nameHint(
          words.table,
          all.map(({ key }) => key),
        ),
      });
  }
  const { version } = words;
  if (version === undefined) return chosen;
  return chosen.map((one) => {
    if (version > one.version || version < 0)
      throw new DataflowError(
        'E_LAKE_NO_VERSION',
        `${one.key} has no version ${version} there, the newest is ${one.version}`,
      );
    return { ...one, version, as_released: version === one.version };
  });
}

const ENTRY = /\/_delta_log\/(\d{20})\.json$/;
const CHECKPOINT = /\/_delta_log\/(\d{20})\.checkpoint[^/]*\.parquet$/;
const HISTORY = '_dataflow_history.ndjson';

/** The files of a table's log up to its version. The pointer to the newest checkpoint is left out: readers find it without. */
export function logFilesOf({ files }: FarListing, { folder, version }: WantedTable): readonly FarFile[] {
  const log = `${folder}/_delta_log/`;
  return [...files.values()].filter(({ path }) => {
    if (!path.startsWith(log)) return false;
    const number = ENTRY.exec(path)?.[1] ?? CHECKPOINT.exec(path)?.[1];
    return number === undefined ? path === `${log}${HISTORY}` : Number(number) <= version;
  });
}

export function entryPath({ folder, version }: Pick<MarkedTable, 'folder' | 'version'>): string {
  return join(folder, '_delta_log', `${String(version).padStart(20, '0')}.json`);
}
