import { isDeepStrictEqual } from 'node:util';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ReleaseMarker } from '../../core/model/mirror.ts';
import { tableKey } from '../../core/model/table.ts';
import { faultPoint } from '../../kit/fault.ts';
import type { MirrorMemory } from './apply-sync.ts';
import { markerBytes, markerPath, readMarker } from './markers.ts';
import { markedTable, type NearSide } from './near-side.ts';
import type { Compared } from './plan-sync.ts';
import type { SyncReport } from './sync-report.ts';
import type { Syncing } from './syncing.ts';

/** Whether the newest release marker is that of this release and these tables, as we wrote it. */
export async function markerNow(syncing: Syncing, { markers }: Compared, memory: MirrorMemory): Promise<boolean> {
  if (markers.size === 0) return false;
  const { options, near, known, ledger, far } = syncing;
  const number = Math.max(...markers.keys());
  const standing = ledger.mirrors.standings().find((one) => one.mirror === options.name);
  const its = known.get(markerPath(number));
  const remembered = standing?.marker === number && its?.mark === markers.get(number)?.mark;
  const marker = remembered ? undefined : await readMarker(far, number, options.signal).catch(() => undefined);
  const there = remembered ? standing.tables : versionsIn(marker);
  const release_id = remembered ? standing.release_id : marker?.release_id;
  const same = release_id === near.release.release_id && isDeepStrictEqual(there, versionsOf(near));
  const file = markers.get(number);
  // It was read once: the next listing is enough.
  if (same && !remembered && file !== undefined && !options.dry_run) memory.add({ ...file, sha256: '' });
  return same;
}

function versionsIn(marker: ReleaseMarker | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(marker?.tables ?? {}).map(([key, { version }]) => [key, version]));
}

function versionsOf({ tables }: NearSide): Readonly<Record<string, number>> {
  return Object.fromEntries(tables.map(({ table, version }) => [tableKey(table), version]));
}

/** The release marker: exclusively, under the next number. */
export async function markRelease(
  syncing: Syncing,
  { markers }: Compared,
  memory: MirrorMemory,
): Promise<{ readonly number: number; readonly size_bytes: number }> {
  const { far, near, options } = syncing;
  const { release_id, run_id, created_at } = near.release;
  const number = Math.max(-1, ...markers.keys()) + 1;
  const tables = Object.fromEntries(near.tables.map((one) => [tableKey(one.table), markedTable(one)]));
  const marker: ReleaseMarker = { number, release_id, run_id, created_at, tables };
  const bytes = markerBytes(marker, near.release.tables);
  const path = markerPath(number);
  faultPoint('sync-before-marker');
  const put = await far.put({ path, content: { bytes }, over: 'nothing', signal: options.signal });
  faultPoint('sync-after-marker');
  if (!put.done)
    throw new DataflowError('E_FAR_CHANGED', `another machine wrote ${far.name}/${path} meanwhile`, {
      hint: 'Only one machine should sync a mirror; sync again to see what it did.',
    });
  memory.add({ path, size_bytes: bytes.length, sha256: '', mark: put.file.mark });
  memory.flush();
  return { number, size_bytes: bytes.length };
}

/** What the ledger remembers of the mirror from now on. */
export function stand(
  syncing: Syncing,
  marker: number,
  report: Omit<SyncReport, 'requests' | 'wall_ms'>,
  wall_ms: number,
): void {
  const { ledger, options, near, far } = syncing;
  ledger.mirrors.stand({
    mirror: options.name,
    place: far.name,
    release_id: near.release.release_id,
    marker,
    tables: versionsOf(near),
    files: report.files_there,
    size_bytes: report.bytes_there,
    synced_at: new Date().toISOString(),
    wall_ms,
  });
}
