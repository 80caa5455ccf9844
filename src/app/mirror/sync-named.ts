import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import { AdaptivePool } from '../../kit/adaptive-pool.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading, openLedgerFor } from '../run/open-project.ts';
import { type Applied, applySync, MirrorMemory } from './apply-sync.ts';
import { markerNow, markRelease, stand } from './mark-release.ts';
import { nearSide } from './near-side.ts';
import { mirrorOf, openMirror, rememberedFiles } from './opened-mirror.ts';
import { type Compared, compareSides, listedReleases, planSync, putsOf, type SyncPlan } from './plan-sync.ts';
import { linesOf } from './sync-lines.ts';
import type { SyncReport } from './sync-report.ts';
import type { Syncing, SyncOptions } from './syncing.ts';

const DAY_MS = 86_400_000;
/** Half-written uploads are somebody's, or our own of another machine, for so long. */
const UPLOAD_MS = DAY_MS;
/** What all files on their way hold in memory together. */
const HELD_BYTES_MAX = 192 * 1024 * 1024;

/**
 * Copies the newest release to a mirror, under the mirror's lock. What is there already is told from one listing; afterwards the far side is listed again
 * and counted, and only then the release marker is written.
 * @throws DataflowError E_SELECTION, E_LOCKED, E_NO_RELEASE, E_FAR_*
 */
export async function syncNamed(rooms: Rooms, project: Project, options: SyncOptions): Promise<SyncReport> {
  const began = performance.now();
  const { name, dry_run } = options;
  const spec = mirrorOf(project, name);
  const lake = await rooms.openLake(project);
  const care = await rooms.openLakeCare(project);
  const ledger = await (dry_run ? ledgerForReading : openLedgerFor)(rooms, project, lake);
  try {
    const lock = dry_run ? undefined : ledger.lock(`mirror:${project.name}/${name}`, options.command);
    // It names no versions: as long as it lives no file of any version is removed from the lake.
    const lease = await (await rooms.openLeases(project)).open('sync');
    const pool = new AdaptivePool({ at_once_max: spec.concurrency, weight_max: HELD_BYTES_MAX });
    const far = await openMirror(rooms, project, spec, { note: options.note, spared: () => pool.complained() });
    try {
      const near = await nearSide({ lake, care, ledger }, spec);
      const { known, moved } = rememberedFiles(ledger, name, far.name);
      const syncing = { project, spec, options, ledger, care, far, pool, near, known };
      return await synced(syncing, moved, () => Math.round(performance.now() - began));
    } finally {
      await far.close();
      await lease.release();
      lock?.release();
    }
  } finally {
    ledger.close();
  }
}

async function synced(syncing: Syncing, moved: boolean, wall_ms: () => number): Promise<SyncReport> {
  const { options, far, known, ledger } = syncing;
  const memory = new MirrorMemory(ledger.mirrors, options.name);
  const { signal } = options;
  const compared = await compareSides(syncing, known, { signal });
  // Another place, and it answers: what was known of the one before is of no use.
  if (moved && !options.dry_run) ledger.mirrors.forget(options.name);
  const plan = await planned(syncing, compared);
  const to_do = plan.data.length + plan.logs.length + plan.removed.length + plan.expired.length > 0;
  const marked = await markerNow(syncing, compared, memory);
  const up_to_date = !to_do && plan.blocked.size === 0 && marked;
  const base = reportBase(syncing, compared, plan, up_to_date);
  if (options.dry_run) return { ...base, ...dryTotals(plan), requests: asked(far), wall_ms: wall_ms() };
  if (compared.adopted.length > 0) adopt(compared, memory);
  memory.flush();
  if (up_to_date) {
    stand(syncing, compared.markers.size === 0 ? 0 : Math.max(...compared.markers.keys()), base, wall_ms());
    return { ...base, requests: asked(far), wall_ms: wall_ms() };
  }
  const done = await carriedOut(syncing, plan, memory);
  const left = [...base.left, ...done.left];
  options.progress({ ...NO_PROGRESS, phase: 'reading back' });
  const after = await readBack(syncing, left.length === 0);
  let report = { ...base, ...done, left, files_there: after.files, bytes_there: after.size_bytes };
  if (left.length === 0) {
    let number = Math.max(...compared.markers.keys());
    if (!marked) {
      const marker = await markRelease(syncing, compared, memory);
      number = marker.number;
      report = { ...report, files_there: report.files_there + 1, bytes_there: report.bytes_there + marker.size_bytes };
    }
    await far.leftovers({ begun_before_ms: Date.now() - UPLOAD_MS, remove: true, signal });
    stand(syncing, number, report, wall_ms());
  }
  return { ...report, requests: asked(far), wall_ms: wall_ms() };
}

async function planned(syncing: Syncing, compared: Compared): Promise<SyncPlan> {
  const { spec, options, near, far, ledger, project } = syncing;
  const remove = options.remove ?? spec.delete;
  const listed = remove
    ? await listedReleases(far, compared.markers, {
        kept: new Set(ledger.keptReleases().map(({ release_id }) => release_id)),
        listed_after_ms: Date.now() - project.lake.keep.versions_days * DAY_MS,
        wanted: compared.comparison.items.some(({ mark, ours }) => mark === '-' && ours),
        signal: options.signal,
      })
    : { markers: [], expired: [] };
  const max_delete_pct = options.max_delete_pct ?? spec.max_delete_pct;
  return planSync(compared, near, listed, { force: options.force, remove, max_delete_pct });
}

/** Files that are there and of which nothing was known any more. */
function adopt({ adopted }: Compared, memory: MirrorMemory): void {
  for (const { near: file, far } of adopted) {
    const { path, size_bytes, sha256, modified_ms } = file;
    const time = modified_ms === undefined ? {} : { modified_ms };
    // Without a recorded hash the bytes are known to be equal and nothing more.
    memory.add({ path, size_bytes, sha256: sha256 ?? '', ...time, mark: far.mark });
  }
  memory.flush();
}

const NO_PROGRESS = { files: 0, files_total: 0, bytes: 0, bytes_total: 0 };

async function carriedOut(syncing: Syncing, plan: SyncPlan, memory: MirrorMemory): Promise<Applied> {
  const { far, care, pool, options } = syncing;
  const items = putsOf(plan);
  const totals = {
    files_total: items.length,
    bytes_total: items.reduce((sum, { near }) => sum + (near?.size_bytes ?? 0), 0),
  };
  let files = 0;
  let bytes = 0;
  const sent = (more_bytes: number, more_files: number): void => {
    bytes += more_bytes;
    files += more_files;
    options.progress({ phase: 'putting', files, bytes, ...totals });
  };
  sent(0, 0);
  return await applySync({ far, care, pool, memory, signal: options.signal, sent }, plan);
}

/** A listing after the last write: everything that should be there must be, with the marks that it was given. */
async function readBack(
  syncing: Syncing,
  whole: boolean,
): Promise<{ readonly files: number; readonly size_bytes: number }> {
  const { near, far, ledger, options } = syncing;
  const known = ledger.mirrors.files(options.name);
  const after = await compareSides(syncing, known, { signal: options.signal });
  const wrong = after.comparison.items.filter(({ mark, near: file }) => file !== undefined && mark !== '-');
  const [first] = wrong;
  if (whole && first !== undefined)
    throw new DataflowError(
      'E_FAR_CHANGED',
      `${wrong.length} of the files that were put are not there as they were put, the first is ${far.name}/${first.path}: ${first.why}`,
      {
        kept: 'the release marker was not written',
        hint: 'Somebody else writes there, or the storage loses files: look at it, then sync again.',
      },
    );
  if (after.files === 0 && near.tables.length > 0)
    throw new DataflowError('E_FAR_CHANGED', `${far.name} is empty after everything was put there`, {
      hint: 'Check that `path:` is the place that its readers look at.',
    });
  return after;
}

function reportBase(
  { options, far, near }: Syncing,
  { comparison, files, size_bytes }: Compared,
  plan: SyncPlan,
  up_to_date: boolean,
): Omit<SyncReport, 'requests' | 'wall_ms'> {
  return {
    mirror: options.name,
    place: far.name,
    release_id: near.release.release_id,
    up_to_date,
    tables: near.tables.length,
    files_equal: comparison.same.files,
    ...{ files_put: 0, bytes_put: 0, bytes_resumed: 0, files_removed: 0 },
    files_left: plan.left,
    files_conflicting: plan.conflicts.length,
    left: [...plan.blocked].map(([table, why]) => {
      const path = plan.conflicts.find((item) => item.table === table)?.path ?? '';
      return { table, path, code: 'E_FAR_CHANGED', why: why.slice(path.length + 2) };
    }),
    files_there: files,
    bytes_there: size_bytes,
    dry_run: options.dry_run,
    lines: linesOf(comparison.items),
  };
}

function dryTotals(plan: SyncPlan): Pick<SyncReport, 'files_put' | 'bytes_put' | 'files_removed'> {
  const items = putsOf(plan);
  return {
    files_put: items.length,
    bytes_put: items.reduce((sum, { near }) => sum + (near?.size_bytes ?? 0), 0),
    files_removed: plan.removed.length + plan.logs.flatMap(({ cleared }) => cleared).length,
  };
}

function asked(far: FarStorage): Readonly<Record<string, number>> {
  return Object.fromEntries([...far.requests].sort());
}
