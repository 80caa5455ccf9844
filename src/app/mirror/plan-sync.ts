import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MirroredFile, ReleaseMarker } from '../../core/model/mirror.ts';
import { tableKey } from '../../core/model/table.ts';
import { blockedTables, type Doubt, MirrorComparison, type MirrorItem } from '../../core/planning/mirror-plan.ts';
import type { FarFile, FarStorage } from '../../core/ports/far-storage.ts';
import type { LakeCare } from '../../core/ports/lake-care.ts';
import { AdaptivePool } from '../../kit/adaptive-pool.ts';
import { markerNumber, readMarker } from './markers.ts';
import type { NearSide } from './near-side.ts';
import { isOfLog, type LogPlan, planLogs } from './plan-logs.ts';

/** What a far side's listing shows beside the tables' files. */
export interface FarCounts {
  readonly files: number;
  readonly size_bytes: number;
  /** Release markers by number. */
  readonly markers: ReadonlyMap<number, FarFile>;
}

export interface Compared extends FarCounts {
  readonly comparison: MirrorComparison;
  /** Files that turned out to be equal by their checksums: worth remembering. */
  readonly adopted: readonly Doubt[];
}

export interface CompareOptions {
  readonly signal: AbortSignal;
  readonly tell_same?: boolean;
  /** Hold each file of this machine against the checksum of the far one, whatever is remembered. */
  readonly deep?: boolean;
  /** Told of bytes read for checksums. */
  readonly looked?: (bytes: number) => void;
}

/** Holds a listing of the far side against the lake's files; checksums are asked for where the memory is silent. */
export async function compareSides(
  sides: { readonly near: NearSide; readonly far: FarStorage; readonly care: LakeCare },
  known: ReadonlyMap<string, MirroredFile>,
  options: CompareOptions,
): Promise<Compared> {
  const { near, far, care } = sides;
  const { signal, deep = false, tell_same = false, looked } = options;
  const remembered = deep ? new Map<string, MirroredFile>() : known;
  const comparison = new MirrorComparison(near.tables, remembered, { tell_same });
  const markers = new Map<number, FarFile>();
  let files = 0;
  let size_bytes = 0;
  for await (const page of far.list({ prefix: '', signal }))
    for (const file of page) {
      files += 1;
      size_bytes += file.size_bytes;
      const number = markerNumber(file);
      if (number === undefined) comparison.see(file);
      else markers.set(number, file);
    }
  comparison.finish();
  const adopted: Doubt[] = [];
  const pool = new AdaptivePool({ at_once_max: DOUBTS_AT_ONCE, weight_max: Number.POSITIVE_INFINITY });
  await pool.run(comparison.doubts.splice(0), async (doubt) => {
    signal.throwIfAborted();
    const same = await far.matches(care.fileOf(doubt.near.path), doubt.far, signal).catch(gone);
    looked?.(doubt.near.size_bytes);
    if (same === true) adopted.push(doubt);
    comparison.settle({ ...doubt, known: known.get(doubt.near.path) }, same);
  });
  return { comparison, adopted, files, size_bytes, markers };
}

const DOUBTS_AT_ONCE = 4;

/** A file of the lake that cannot be read is as unlike as can be. */
function gone(error: unknown): false {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
  throw error;
}

/** What one sync is going to do. */
export interface SyncPlan extends LogPlan {
  /** In the order in which they are put: large files first. */
  readonly data: readonly MirrorItem[];
  readonly removed: readonly MirrorItem[];
  /** Files that the lake no longer has and that stay there all the same. */
  readonly left: number;
  /** Markers of releases that are no longer listed. */
  readonly expired: readonly number[];
  readonly blocked: ReadonlyMap<string, string>;
  readonly conflicts: readonly MirrorItem[];
}

export interface PlanOptions {
  readonly force: boolean;
  readonly remove: boolean;
  readonly max_delete_pct: number;
}

/** Everything that a sync puts. */
export function putsOf({ data, early, logs }: SyncPlan): readonly MirrorItem[] {
  return [...data, ...early, ...logs.flatMap(({ puts }) => puts)];
}

/** Pure, but for the markers that were read. @throws DataflowError E_FAR_DELETE when more would be removed than allowed */
export function planSync(
  compared: Pick<Compared, 'comparison'>,
  near: NearSide,
  listed: { readonly markers: readonly ReleaseMarker[]; readonly expired: readonly number[] },
  options: PlanOptions,
): SyncPlan {
  const { items } = compared.comparison;
  const conflicts = items.filter(({ mark }) => mark === '!');
  const blocked = options.force ? new Map<string, string>() : blockedTables(items);
  const puts = items.filter(
    ({ mark, near: file, table = '' }) =>
      file !== undefined && !blocked.has(table) && (mark === '+' || mark === '*' || (mark === '!' && options.force)),
  );
  const replaced = options.force ? new Set(blockedTables(items).keys()) : new Set<string>();
  const { early, logs } = planLogs(near.tables, items, puts, replaced);
  const cleared = new Set(logs.flatMap((log) => log.cleared));
  const gone = items.filter((item) => item.mark === '-' && item.ours && !cleared.has(item));
  const held = heldFolders(near, listed.markers);
  const free = gone.filter(({ path }) => !held.some((folder) => path.startsWith(`${folder}/`)));
  const removed = options.remove && blocked.size === 0 ? free : [];
  refuseTooMany(removed.length, compared.comparison, near, options.max_delete_pct);
  return {
    data: puts
      .filter(({ near: file }) => file?.kind === 'data')
      .sort((a, b) => (b.near?.size_bytes ?? 0) - (a.near?.size_bytes ?? 0)),
    ...{ early, logs, blocked, conflicts },
    // Entries first, oldest first: a version is unreadable before its files go.
    removed: [...removed].sort(
      (a, b) => Number(isOfLog(b.path)) - Number(isOfLog(a.path)) || (a.path < b.path ? -1 : 1),
    ),
    left: items.filter(({ mark }) => mark === '-').length - removed.length,
    expired: options.remove && blocked.size === 0 ? listed.expired : [],
  };
}

/** Folders of tables of which a listed release names a version that the lake can no longer read: what it consists of is known there alone. */
function heldFolders(near: NearSide, markers: readonly ReleaseMarker[]): readonly string[] {
  const readable = new Map(near.tables.map((one) => [tableKey(one.table), new Set(one.versions)]));
  const held = new Set<string>();
  for (const { tables } of markers)
    for (const [key, { version, folder }] of Object.entries(tables))
      if (readable.get(key)?.has(version) !== true) held.add(folder);
  return [...held];
}

function refuseTooMany(removed: number, comparison: MirrorComparison, near: NearSide, max_pct: number): void {
  if (removed === 0) return;
  const ours = comparison.same.files + comparison.items.filter(({ far, ours: its }) => far !== undefined && its).length;
  const emptied = near.tables.length === 0;
  if (!emptied && removed <= (ours * max_pct) / 100) return;
  const share = `${removed} of ${ours} mirrored files`;
  throw new DataflowError(
    'E_FAR_DELETE',
    emptied
      ? `the lake has no table left that is mirrored: ${share} would be removed`
      : `${share} would be removed, more than ${max_pct} %`,
    { kept: 'nothing was changed on either side' },
  );
}

/** The markers of the releases that stay listed, and the numbers of those that do not: the newest two stay, kept ones, and all that are young enough. */
export async function listedReleases(
  far: FarStorage,
  markers: Compared['markers'],
  rules: {
    readonly kept: ReadonlySet<string>;
    readonly listed_after_ms: number;
    /** Something may be removed. Otherwise they are not read, unless one of them is old. */
    readonly wanted: boolean;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly markers: readonly ReleaseMarker[]; readonly expired: readonly number[] }> {
  const numbers = [...markers.keys()].sort((a, b) => b - a);
  const replacedAt = (index: number): number =>
    markers.get(numbers[index - 1] ?? -1)?.modified_ms ?? Number.POSITIVE_INFINITY;
  const old = numbers.some((_, index) => index >= RELEASES_LISTED && replacedAt(index) < rules.listed_after_ms);
  if (!old && !rules.wanted) return { markers: [], expired: [] };
  const listed: ReleaseMarker[] = [];
  const expired: number[] = [];
  for (const [index, number] of numbers.entries()) {
    const marker = await readMarker(far, number, rules.signal);
    if (marker === undefined) continue;
    const stays = index < RELEASES_LISTED || rules.kept.has(marker.release_id);
    if (stays || replacedAt(index) >= rules.listed_after_ms) listed.push(marker);
    else expired.push(number);
  }
  return { markers: listed, expired };
}

const RELEASES_LISTED = 2;
