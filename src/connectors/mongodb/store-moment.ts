import { setTimeout as pause } from 'node:timers/promises';
import type { ClientSession, Db, MongoClient, Timestamp } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import { metadataOf, type SyncDocument, settled } from './sync-metadata.ts';

/** One moment of a database, and what its collections hold in it. */
export interface Moment {
  /** All reads in it show that moment. */
  readonly session: ClientSession;
  readonly held: readonly HeldTable[];
  /** By collection: another one as soon as a load wrote to it. */
  readonly stamps: ReadonlyMap<string, string>;
}

interface Look {
  readonly uuids: ReadonlyMap<string, string>;
  readonly at: Timestamp | undefined;
}

/** A load's commit takes milliseconds: so long it is waited for. */
const COMMIT_MS = 2_000;
const PAUSE_MS = 25;

/**
 * Collections take the places of others outside transactions. Which of the two a snapshot shows is told by what stood there before and after it: the same, at a
 * time that the snapshot includes. While a commit is under way between its collections there is no whole release; the next moment is looked at.
 * @throws DataflowError E_LOAD_CONFLICT
 */
export async function momentOf(client: MongoClient, database: Db, load: string, signal: AbortSignal): Promise<Moment> {
  const until_ms = Date.now() + COMMIT_MS;
  let look = await lookAt(client, database);
  for (;;) {
    signal.throwIfAborted();
    const session = client.startSession({ snapshot: true });
    try {
      const found = await metadataOf(database).find({ load }, { session }).toArray();
      const now = await lookAt(client, database);
      const still = sameLook(look, now);
      if (!still) look = now;
      const tables = found.map((one) => ({ one, uuid: look.uuids.get(one._id) ?? '' }));
      const certain = still && (tables.every(({ one, uuid }) => one.uuid === uuid) || includes(session, look));
      const held = tables.flatMap(({ one, uuid }) => heldOf(one, uuid));
      const late = Date.now() > until_ms;
      const half = found.some((one) => one.under_way?.done !== undefined) && releasesOf(held) > 1;
      if (certain && (late || !half))
        return { session, held, stamps: new Map(found.map(({ _id, stamp }) => [_id, stamp])) };
      if (late) throw new DataflowError('E_LOAD_CONFLICT', 'collections change places again and again');
    } catch (error) {
      await session.endSession();
      if (!changedMeanwhile(error) || Date.now() > until_ms) throw error;
      await pause(PAUSE_MS);
      continue;
    }
    await session.endSession();
    await pause(PAUSE_MS);
  }
}

/** What a collection holds; nothing that is of one release while it is changed where it is, or when somebody else made it. */
function heldOf(found: SyncDocument, uuid: string): readonly HeldTable[] {
  const { held, under_way, uuid: known } = settled(found, uuid);
  if (held === null || known !== uuid) return [];
  return under_way !== null && (under_way.beside === null || under_way.cut_off !== undefined) ? [] : [held];
}

function releasesOf(held: readonly HeldTable[]): number {
  return new Set(held.map((one) => one.release_id)).size;
}

async function lookAt(client: MongoClient, database: Db): Promise<Look> {
  const session = client.startSession({ causalConsistency: true });
  try {
    const found = await database.listCollections({}, { nameOnly: false, session }).toArray();
    const uuids = new Map(
      found.map((one) => [one.name, String((one as { info?: { uuid?: unknown } }).info?.uuid ?? '')]),
    );
    return { uuids, at: session.operationTime };
  } finally {
    await session.endSession();
  }
}

function sameLook(one: Look, other: Look): boolean {
  return one.uuids.size === other.uuids.size && [...one.uuids].every(([name, uuid]) => other.uuids.get(name) === uuid);
}

/** Whether the snapshot is not older than the look. */
function includes(session: ClientSession, { at }: Look): boolean {
  const { snapshotTime } = session as unknown as { readonly snapshotTime?: Timestamp };
  return at !== undefined && (snapshotTime?.greaterThanOrEqual(at) ?? false);
}

/** A collection took the place of another after the snapshot. */
export function changedMeanwhile(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 246;
}
