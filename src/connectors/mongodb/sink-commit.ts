import type { ClientSession, Db, Document, MongoClient } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { SinkTable } from '../../core/ports/sink.ts';
import { faultPoint } from '../../kit/fault.ts';
import { removeCommand, upsertCommand, type WriteError } from './bulk-writer.ts';
import { columnNames, contentHash, uuidOf } from './sink-collections.ts';
import { swapAll } from './sink-finish.ts';
import { BATCH_DOCUMENTS } from './step-rows.ts';
import { loaded, metadataOf, type SyncDocument, takenBack, writeSync } from './sync-metadata.ts';

/** How a collection looked when the load was planned. */
export interface SeenCollection {
  /** Of the document that says what it holds; undefined: there was none. */
  readonly stamp: string | undefined;
  /** Of its documents; null: not known. */
  readonly hash: string | null;
}

/** By the name of the collection. */
export type Seen = ReadonlyMap<string, SeenCollection>;

/** What a load works on. */
export interface LoadParts {
  readonly client: MongoClient;
  readonly database: Db;
  readonly bson: typeof import('mongodb').BSON;
  /** Transactions work. */
  readonly replicated: boolean;
  readonly place: string;
  /** Project and load. */
  readonly id: string;
  readonly release_id: string;
  readonly seen: Seen;
  readonly signal: AbortSignal;
  note(text: string): void;
}

/** A table on its way. */
export interface Pending {
  readonly table: SinkTable;
  meta: SyncDocument | undefined;
  /** Documents were changed where they are already. */
  in_place?: true;
  /** From here on nothing is taken back: some collections may have changed places, and the next load finishes that. */
  swapping?: true;
  /** A new collection takes the place of the old one at the commit. */
  readonly beside?: { readonly name: string; readonly uuid: string };
  /** Writes for the transaction of the commit. */
  readonly writes?: {
    readonly gone: readonly unknown[];
    readonly documents: readonly Document[];
    readonly inserted: number;
    readonly deleted: number;
  };
  refused: number;
  held?: HeldTable;
}

/**
 * New collections take the places of the old ones, all at once; then the writes that were kept and what is said of all collections are one
 * transaction, where the server has them.
 */
export async function commitAll(parts: LoadParts, all: readonly Pending[]): Promise<void> {
  const swapped = all.filter(({ beside }) => beside !== undefined);
  for (const one of all) {
    if (one.in_place !== true) await refuseOthers(parts, one.table.name);
    if (one.beside === undefined) await refuseOtherLoad(parts, one.table.name, one.meta?.stamp);
    else await announce(parts, one, swapped.length);
  }
  faultPoint('mongodb-before-swap');
  for (const one of swapped) one.swapping = true;
  await swapAll(
    parts.client,
    parts.database,
    swapped.map(({ table, beside }) => ({ name: table.name, beside: beside?.name ?? '' })),
  );
  faultPoint('mongodb-after-swap');
  const finals = await Promise.all(all.map((one) => finalOf(parts, one)));
  if (parts.replicated) await atOnce(parts, all, finals);
  else for (const [index, one] of all.entries()) await finish(parts, one, finals[index]);
  for (const { table } of all) if (table.columns.length > 0) await remember(parts, table.name);
  await dropLeft(parts, all);
}

/** Says what the new collection holds before it takes its place: whoever is killed in between is not taken for somebody else. */
async function announce({ database }: LoadParts, one: Pending, together: number): Promise<void> {
  const { meta, held, table } = one;
  const under_way = meta?.under_way;
  if (meta === undefined || under_way == null || held === undefined) return;
  const done = { held, columns: columnNames(table), together };
  one.meta = await writeSync(database, meta, { ...meta, under_way: { ...under_way, done } });
}

/** A program that was killed may have had commands under way: an insert that comes late makes its collection anew, which had been dropped already. */
async function dropLeft({ database }: LoadParts, all: readonly Pending[]): Promise<void> {
  const mine = new Set(all.map(({ table }) => besideName('', table.name)));
  const there = await database.listCollections({ name: { $regex: `^${BESIDE}` } }, { nameOnly: true }).toArray();
  for (const { name } of there)
    if (mine.has(name.replace(BESIDE_ID, `${BESIDE}_`))) await database.dropCollection(name);
}

const BESIDE = '_loading_';
const BESIDE_ID = /^_loading_[0-9a-z]+_/;

/** What a collection is called until it takes its place. */
export function besideName(id: string, name: string): string {
  return `${BESIDE}${id}_${name}`.slice(0, 120);
}

/**
 * Somebody may have written after planning had looked: the hash that is made of the collection afterwards would hide it.
 * @throws DataflowError E_LOAD_CONFLICT
 */
export async function refuseOthers({ database, seen }: LoadParts, name: string): Promise<void> {
  const hash = seen.get(name)?.hash ?? null;
  if (hash === null || hash === (await contentHash(database, name))) return;
  throw new DataflowError('E_LOAD_CONFLICT', `somebody else wrote to ${name} in this moment`);
}

/** @throws DataflowError E_LOAD_CONFLICT when another load had the collection in between */
export async function refuseOtherLoad(
  { database }: LoadParts,
  name: string,
  expected: string | undefined,
): Promise<SyncDocument | undefined> {
  const now = (await metadataOf(database).findOne({ _id: name })) ?? undefined;
  if (now?.stamp === expected) return now;
  throw new DataflowError('E_LOAD_CONFLICT', `somebody else loaded ${name} at the same time`);
}

/** What others change later shows; until this is written, only a change of their number does. */
async function remember({ database, id }: LoadParts, name: string): Promise<void> {
  const written = await metadataOf(database).findOne({ _id: name, load: id, status: 'loaded' });
  const content_hash = await contentHash(database, name);
  if (written !== null && content_hash !== null)
    await metadataOf(database).updateOne({ _id: name, stamp: written.stamp }, { $set: { content_hash } });
}

async function atOnce(
  parts: LoadParts,
  all: readonly Pending[],
  finals: readonly Omit<SyncDocument, 'stamp'>[],
): Promise<void> {
  const session = parts.client.startSession();
  try {
    await session.withTransaction(
      async () => {
        for (const [index, one] of all.entries()) await finish(parts, one, finals[index], session);
      },
      { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } },
    );
  } finally {
    await session.endSession();
  }
}

/** Takes away what was built; one that took its place already stays, and its document says that it is under way. */
export async function dropBeside({ database }: LoadParts, { beside, meta, swapping }: Pending): Promise<void> {
  if (beside === undefined || swapping === true) return;
  const dropped = (await uuidOf(database, beside.name)) === beside.uuid && (await database.dropCollection(beside.name));
  if (!dropped || meta?.status !== 'building') return;
  if (meta.held === null) await metadataOf(database).deleteOne({ _id: meta._id, stamp: meta.stamp });
  else await writeSync(database, meta, takenBack(meta));
}

async function finalOf({ database, bson, id }: LoadParts, one: Pending): Promise<Omit<SyncDocument, 'stamp'>> {
  const { held, table, meta, refused } = one;
  if (held === undefined) throw new DataflowError('E_INTERNAL', `${table.name} was put and not recorded`);
  const uuid = one.beside?.uuid ?? (await uuidOf(database, table.name));
  const columns = table.columns.length === 0 ? (meta?.columns ?? []) : columnNames(table);
  const same = table.columns.length === 0;
  const content_hash = same ? (meta?.content_hash ?? null) : null;
  return loaded(held, { load: id, uuid, content_hash, columns, refused }, bson);
}

async function finish(
  { database }: LoadParts,
  { writes, table, meta }: Pending,
  final: Omit<SyncDocument, 'stamp'> | undefined,
  session?: ClientSession,
): Promise<void> {
  const options = session === undefined ? {} : { session };
  if (writes !== undefined && writes.gone.length > 0) {
    const answer = await database.command(removeCommand(table.name, writes.gone), options);
    if (Number(answer['n']) !== writes.deleted)
      throw new DataflowError('E_LOAD_CONFLICT', `somebody else changed ${table.name} at the same time`);
  }
  for (let at = 0; at < (writes?.documents.length ?? 0); at += BATCH_DOCUMENTS) {
    const documents = writes?.documents.slice(at, at + BATCH_DOCUMENTS) ?? [];
    refuseErrors(table, await database.command(upsertCommand(table.name, documents), options));
  }
  if (final !== undefined) await writeSync(database, meta, final, session);
}

/** @throws DataflowError E_LOAD_REFUSED */
function refuseErrors({ name }: SinkTable, answer: Document): void {
  const [error] = (answer['writeErrors'] as readonly WriteError[] | undefined) ?? [];
  if (error === undefined) return;
  throw new DataflowError('E_LOAD_REFUSED', `${name}: ${error.errmsg} (${error.code})`, {
    kept: 'the destination is as it was',
    hint: 'Mend the row, or load with --full-refresh: then refused rows are kept aside and the others go there.',
  });
}
