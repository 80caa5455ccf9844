import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { MirroredFile } from '../../core/model/mirror.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { MirrorItem } from '../../core/planning/mirror-plan.ts';
import type { FarFile, FarStorage, PutOutcome } from '../../core/ports/far-storage.ts';
import type { LakeCare, LakeFile } from '../../core/ports/lake-care.ts';
import type { MirrorLedger } from '../../core/ports/mirror-ledger.ts';
import type { AdaptivePool } from '../../kit/adaptive-pool.ts';
import { faultPoint } from '../../kit/fault.ts';
import { markerPath } from './markers.ts';
import type { SyncPlan } from './plan-sync.ts';

/** Why a table was left as it is on the far side. */
export interface LeftTable {
  readonly table: string;
  readonly path: string;
  readonly code: string;
  readonly why: string;
}

/** What putting came to. */
export interface Applied {
  files_put: number;
  bytes_put: number;
  bytes_resumed: number;
  files_removed: number;
  /** Tables that got nothing more because one of their files could not be put. */
  readonly left: LeftTable[];
}

export interface Applying {
  readonly far: FarStorage;
  readonly care: LakeCare;
  readonly pool: AdaptivePool;
  readonly memory: MirrorMemory;
  readonly signal: AbortSignal;
  /** Told of bytes that went out, and of files that are there. */
  readonly sent: (bytes: number, files: number) => void;
}

/** A large file keeps so many bytes in memory while it is sent. */
const HELD_BYTES_MAX = 48 * 1024 * 1024;

/** What concerns one table and not the others. */
const OF_A_TABLE: ReadonlySet<string> = new Set(['E_FAR_SOURCE_DAMAGED', 'E_FAR_CHANGED']);

/**
 * Carries a plan out: data files first; when all of a table are there its log entries, each created exclusively and in the planned order, so that whoever
 * reads there sees whole versions; then checkpoints and hints; removals last, and only if nothing went wrong. A damaged file stops its table, not the others.
 */
export async function applySync(applying: Applying, plan: SyncPlan): Promise<Applied> {
  const { far, memory, signal, pool } = applying;
  const done: Applied = { files_put: 0, bytes_put: 0, bytes_resumed: 0, files_removed: 0, left: [] };
  const stopped = new Set<string>();
  try {
    const weigh = ({ near }: MirrorItem): number => Math.min(near?.size_bytes ?? 0, HELD_BYTES_MAX);
    await pool.run(plan.data, (item) => putOne(applying, item, done, stopped), weigh);
    memory.flush();
    faultPoint('sync-after-data');
    await stopDamaged(applying, plan, done, stopped);
    await pool.run(plan.early, (item) => putOne(applying, item, done, stopped));
    memory.flush();
    faultPoint('sync-after-early');
    await pool.run(plan.logs, async ({ table, cleared, puts }) => {
      if (stopped.has(table)) return;
      if (cleared.length > 0) await removeAll(applying, cleared, done);
      for (const item of puts) await putOne(applying, item, done, stopped);
    });
    memory.flush();
    faultPoint('sync-after-logs');
    if (done.left.length > 0) return done;
    signal.throwIfAborted();
    // A release is unlisted before its files go: what a marker names is there.
    if (plan.expired.length > 0) await far.remove(plan.expired.map(markerPath), signal);
    if (plan.removed.length > 0) await removeAll(applying, plan.removed, done);
    return done;
  } finally {
    memory.flush();
  }
}

/** A checkpoint has no hash on record: one that says something else than the entries before it stops its table. */
async function stopDamaged({ care }: Applying, { logs }: SyncPlan, done: Applied, stopped: Set<string>): Promise<void> {
  for (const { table, puts } of logs) {
    const paths = new Set(puts.filter(({ near }) => near?.kind === 'checkpoint').map(({ path }) => path));
    const id = parseTableKey(table);
    if (paths.size === 0 || id === undefined || stopped.has(table)) continue;
    const { problems } = await care.examineLog(id);
    const damage = problems.find(
      ({ kind, path }) => (kind === 'checkpoint' || kind === 'difference') && paths.has(path),
    );
    if (damage === undefined) continue;
    stopped.add(table);
    done.left.push({ table, path: damage.path, code: 'E_FAR_SOURCE_DAMAGED', why: damage.message });
  }
}

async function putOne(applying: Applying, item: MirrorItem, done: Applied, stopped: Set<string>): Promise<void> {
  const { near, far: there, table = '' } = item;
  const { far, care, memory, signal, sent } = applying;
  if (near === undefined || stopped.has(table)) return;
  signal.throwIfAborted();
  const file = care.fileOf(near.path);
  try {
    const known = await asItIs(file, near);
    faultPoint('sync-before-put');
    const outcome = await far.put({
      path: near.path,
      content: { file, size_bytes: known.size_bytes },
      sha256: known.sha256,
      over: there === undefined ? 'nothing' : { mark: there.mark },
      signal,
      sent: (bytes) => sent(bytes, 0),
    });
    faultPoint('sync-after-put');
    const put = await itIsThere(applying, near, file, outcome);
    done.files_put += 1;
    done.bytes_put += known.size_bytes;
    done.bytes_resumed += outcome.done ? outcome.resumed_bytes : 0;
    memory.add({ ...known, path: near.path, mark: put.mark });
    sent(0, 1);
  } catch (error) {
    if (!(error instanceof DataflowError) || !OF_A_TABLE.has(error.code)) throw error;
    stopped.add(table);
    done.left.push({ table, path: near.path, code: error.code, why: error.message });
  }
}

/** The size and hash with which a file goes out: those on record; for files without a record those that it has now. */
async function asItIs(file: string, near: LakeFile): Promise<Omit<MirroredFile, 'path' | 'mark'>> {
  const { size_bytes, sha256, modified_ms } = near;
  const time = modified_ms === undefined ? {} : { modified_ms };
  if (sha256 !== undefined) return { size_bytes, sha256, ...time };
  try {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    return { size_bytes: (await stat(file)).size, sha256: hash.digest('hex'), ...time };
  } catch (error) {
    throw new DataflowError('E_FAR_SOURCE_DAMAGED', `${near.path} cannot be read`, { cause: error });
  }
}

/** Somebody may have put just these bytes there meanwhile; anything else is a change of others. */
async function itIsThere(
  { far, signal }: Applying,
  near: LakeFile,
  file: string,
  outcome: PutOutcome,
): Promise<FarFile> {
  if (outcome.done) return outcome.file;
  const { taken } = outcome;
  if (taken !== undefined && (await far.matches(file, taken, signal)) === true) return taken;
  throw new DataflowError('E_FAR_CHANGED', `${far.name}/${near.path} was changed by others during the sync`);
}

async function removeAll(
  { far, memory, signal }: Applying,
  items: readonly MirrorItem[],
  done: Applied,
): Promise<void> {
  for (let at = 0; at < items.length; at += REMOVED_AT_ONCE) {
    const paths = items.slice(at, at + REMOVED_AT_ONCE).map(({ path }) => path);
    faultPoint('sync-before-remove');
    await far.remove(paths, signal);
    memory.forget(paths);
    done.files_removed += paths.length;
  }
}

const REMOVED_AT_ONCE = 1000;
const WRITE_EVERY = 500;
const WRITE_EVERY_MS = 2_000;

/** What was put, written down a few hundred at a time: what a crash forgets is found again by checksums. */
export class MirrorMemory {
  readonly #ledger: MirrorLedger;
  readonly #mirror: string;
  #waiting: MirroredFile[] = [];
  #written_ms = performance.now();

  constructor(ledger: MirrorLedger, mirror: string) {
    this.#ledger = ledger;
    this.#mirror = mirror;
  }

  add(file: MirroredFile): void {
    this.#waiting.push(file);
    if (this.#waiting.length >= WRITE_EVERY || performance.now() - this.#written_ms > WRITE_EVERY_MS) this.flush();
  }

  forget(paths: readonly string[]): void {
    this.flush();
    this.#ledger.forget(this.#mirror, paths);
  }

  flush(): void {
    this.#written_ms = performance.now();
    if (this.#waiting.length === 0) return;
    this.#ledger.record(this.#mirror, this.#waiting);
    this.#waiting = [];
    faultPoint('sync-after-record');
  }
}
