import type { Db, MongoClient } from 'mongodb';
import { contentHash, uuidOf } from './sink-collections.ts';
import { loaded, metadataOf, type SyncDocument, writeSync } from './sync-metadata.ts';

/** A collection that takes the place of another. */
export interface Swap {
  readonly name: string;
  readonly beside: string;
}

/**
 * New collections take the places of the old ones. The server gets all of it in one go, each by a connection that is open already: a program that is killed
 * meanwhile leaves none of them or, as good as always, all.
 */
export async function swapAll(client: MongoClient, database: Db, swaps: readonly Swap[]): Promise<void> {
  const admin = client.db('admin');
  if (swaps.length > 1) await Promise.all(swaps.map(() => admin.command({ ping: 1 })));
  const ended = await Promise.allSettled(
    swaps.map(({ name, beside }) => {
      const [from, to] = [beside, name].map((one) => `${database.databaseName}.${one}`);
      return admin.command({ renameCollection: from, to, dropTarget: true, writeConcern: { w: 'majority' } });
    }),
  );
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/**
 * Finishes what a load left that was cut off between two swaps: some collections of its release took their places, the others stand beside theirs, whole and
 * counted. Takes milliseconds, whatever they hold. Where anything is not as that load left it, nothing is done: planning finds out what it is.
 */
export async function finishSwaps(
  {
    client,
    database,
    bson,
  }: { readonly client: MongoClient; readonly database: Db; readonly bson: typeof import('mongodb').BSON },
  load: string,
): Promise<void> {
  const announced = await metadataOf(database)
    .find({ load, 'under_way.done': { $exists: true } })
    .toArray();
  const runs = new Set(announced.map((one) => one.under_way?.done?.held.run_id));
  for (const run_id of runs) {
    const its = announced.filter((one) => one.under_way?.done?.held.run_id === run_id);
    const uuids = await Promise.all(its.map(({ _id }) => uuidOf(database, _id)));
    const waiting = its.filter(({ under_way }, index) => under_way?.beside_uuid !== uuids[index]);
    const swapped = its.length - waiting.length;
    if (swapped === 0 || its.some((one) => one.under_way?.done?.together !== its.length)) continue;
    const ready = await Promise.all(waiting.map((one) => isAsLeft(database, one)));
    if (ready.includes(false)) continue;
    const swaps = waiting.map(({ _id: name, under_way }) => ({ name, beside: under_way?.beside ?? '' }));
    await swapAll(client, database, swaps);
    for (const one of its) await tell(database, one, load, bson);
  }
}

/** The new collection stands beside, and the old one is what the load had found. */
async function isAsLeft(database: Db, { _id, uuid, held, content_hash, under_way }: SyncDocument): Promise<boolean> {
  if ((await uuidOf(database, under_way?.beside ?? '')) !== under_way?.beside_uuid) return false;
  if ((await uuidOf(database, _id)) !== (uuid ?? '')) return false;
  if (held === null) return true;
  if (content_hash !== null) return (await contentHash(database, _id)) === content_hash;
  return (await database.collection(_id).countDocuments({}, { hint: '_id_' })) === held.rows;
}

async function tell(
  database: Db,
  found: SyncDocument,
  load: string,
  bson: typeof import('mongodb').BSON,
): Promise<void> {
  const { under_way, _id } = found;
  if (under_way?.done === undefined) return;
  const { held, columns } = under_way.done;
  const content_hash = await contentHash(database, _id);
  const facts = { load, uuid: under_way.beside_uuid, content_hash, columns, refused: held.refused ?? 0 };
  await writeSync(database, found, loaded(held, facts, bson));
}
