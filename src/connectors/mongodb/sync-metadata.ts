import type { ClientSession, Collection, Db, Document } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { Standing } from '../../core/ports/sink.ts';
import { timeSortedId } from '../../kit/ids.ts';

/** The collection beside the loaded ones that says what each of them holds: one document a collection. */
export const METADATA = '_sync_metadata';

/** `building`: the collection is as it was, a new one is being made beside it. `loading`: it is being changed where it is. */
type SyncStatus = 'loaded' | 'building' | 'loading';

/** What a collection holds, for people and programs that read it, and what the next load goes by. */
export interface SyncDocument {
  readonly _id: string;
  readonly collection_name: string;
  readonly source_table: string;
  readonly release: string | null;
  readonly source_hash: string | null;
  readonly row_count: number | null;
  /** When the version was published in the lake. */
  readonly gold_processed_at: Date | null;
  readonly last_sync: Date;
  /** From that moment to the end of the load. */
  readonly refresh_time_seconds: number | null;
  readonly status: SyncStatus;
  /** Rows that did not become documents. */
  readonly refused: number;
  /** Project and load that look after the collection. */
  readonly load: string;
  /** Changes with each write: whoever finds another one than they had read was not alone. */
  readonly stamp: string;
  /** The collection itself: one that somebody made anew has another. */
  readonly uuid: string | null;
  /** Of its documents, as the server makes it; null: not known. */
  readonly content_hash: string | null;
  readonly columns: readonly string[];
  readonly held: HeldTable | null;
  readonly under_way: UnderWay | null;
}

type Target = NonNullable<Standing['under_way']>;

export type UnderWay = Target & {
  /** The collection that is being made. */
  readonly beside: string | null;
  readonly beside_uuid: string | null;
  /** What it holds, once it is whole: from then on it may take its place, together with so many others of its load. */
  readonly done?: { readonly held: HeldTable; readonly columns: readonly string[]; readonly together?: number };
  /** A load before this one changed documents where they are, and was cut off: what is there is of no one version. */
  readonly cut_off?: Target;
};

/** What a load that was cut off left: a collection that took its place is what it holds, although the document does not say so yet. */
export function settled(found: SyncDocument, uuid: string): SyncDocument {
  const { under_way } = found;
  if (under_way?.done === undefined || under_way.beside_uuid !== uuid) return found;
  const { held, columns } = under_way.done;
  return { ...found, held, columns, uuid, content_hash: null, under_way: null };
}

export function metadataOf(database: Db): Collection<SyncDocument> {
  return database.collection<SyncDocument>(METADATA);
}

/** Writes what a collection holds, unless somebody else has meanwhile. @throws DataflowError E_LOAD_CONFLICT */
export async function writeSync(
  database: Db,
  before: SyncDocument | undefined,
  next: Omit<SyncDocument, 'stamp'>,
  session?: ClientSession,
): Promise<SyncDocument> {
  const stamped: SyncDocument = { ...next, stamp: timeSortedId() };
  const filter = { _id: next._id, stamp: before?.stamp ?? '' };
  const options = session === undefined ? { writeConcern: { w: 'majority' as const } } : { session };
  try {
    const { modifiedCount, upsertedCount } = await metadataOf(database).replaceOne(
      filter,
      stamped as Document as SyncDocument,
      {
        ...options,
        upsert: before === undefined,
      },
    );
    if (modifiedCount + upsertedCount === 1) return stamped;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 11000) throw error;
  }
  throw new DataflowError('E_LOAD_CONFLICT', `somebody else loaded ${next.collection_name} at the same time`);
}

/** The document while a load is at work; what it says of the rows stays as it was. */
export function underWay(
  before: SyncDocument | undefined,
  facts: Pick<SyncDocument, 'collection_name' | 'source_table' | 'load'>,
  status: SyncStatus,
  under_way: UnderWay,
): Omit<SyncDocument, 'stamp'> {
  const held: Omit<SyncDocument, 'stamp'> = before ?? {
    _id: facts.collection_name,
    ...facts,
    ...{ release: null, source_hash: null, row_count: null, gold_processed_at: null, refresh_time_seconds: null },
    ...{ refused: 0, uuid: null, content_hash: null, columns: [], held: null },
    ...{ last_sync: new Date(), status, under_way },
  };
  const earlier = before?.under_way ?? undefined;
  const cut_off = earlier?.beside === null ? targetOf(earlier) : earlier?.cut_off;
  return { ...held, ...facts, status, under_way: cut_off === undefined ? under_way : { ...under_way, cut_off } };
}

function targetOf({ release_id, version, version_committed_at_ms }: Target): Target {
  return { release_id, version, version_committed_at_ms };
}

/** The document after a load that took back what it had built. */
export function takenBack(found: SyncDocument): Omit<SyncDocument, 'stamp'> {
  const cut_off = found.under_way?.cut_off;
  if (cut_off === undefined) return { ...found, status: 'loaded', under_way: null };
  return { ...found, status: 'loading', under_way: { ...cut_off, beside: null, beside_uuid: null } };
}

/** The document once the collection holds the release. */
export function loaded(
  held: HeldTable,
  facts: Pick<SyncDocument, 'load' | 'uuid' | 'content_hash' | 'columns' | 'refused'>,
  bson: typeof import('mongodb').BSON,
): Omit<SyncDocument, 'stamp'> {
  const last_sync = new Date();
  const gold_processed_at = new Date(held.gold_processed_at);
  const seconds = (last_sync.getTime() - gold_processed_at.getTime()) / 1000;
  return {
    _id: held.name,
    collection_name: held.name,
    source_table: held.table,
    release: held.release_id,
    source_hash: held.source_hash,
    row_count: held.rows,
    gold_processed_at,
    last_sync,
    // A double, also when it happens to be whole.
    refresh_time_seconds: new bson.Double(Math.max(0, seconds)) as unknown as number,
    status: 'loaded',
    ...facts,
    held,
    under_way: null,
  };
}
