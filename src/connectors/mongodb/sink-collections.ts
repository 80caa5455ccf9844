import type { Collection, Db, Document, IndexDescription } from 'mongodb';
import type { SinkTable, TableChange } from '../../core/ports/sink.ts';

/** What the server calls the collection; empty where there is none. */
export async function uuidOf(database: Db, name: string): Promise<string> {
  const [found] = await database.listCollections({ name }, { nameOnly: false }).toArray();
  return String((found as { info?: { uuid?: unknown } } | undefined)?.info?.uuid ?? '');
}

/** Documents of the collection, 0 where there is none. */
export async function countIfThere(database: Db, name: string): Promise<number> {
  return (await uuidOf(database, name)) === '' ? 0 : await database.collection(name).estimatedDocumentCount();
}

/** Of the key, unless the `_id` is all of it, and what `indexes:` asks for. */
export function indexesOf({ key, indexes }: SinkTable): readonly IndexDescription[] {
  const of = (columns: readonly string[]): IndexDescription['key'] => new Map(columns.map((name) => [name, 1]));
  const keyed = key.length === 0 || (key.length === 1 && key[0] === '_id') ? [] : [{ key: of(key), unique: true }];
  return [...keyed, ...indexes.filter((one) => String(one) !== String(key)).map((columns) => ({ key: of(columns) }))];
}

/** Indexes that somebody else made on the collection that is replaced: they go over to the new one. */
export async function foreignIndexes(database: Db, table: SinkTable): Promise<readonly IndexDescription[]> {
  if ((await uuidOf(database, table.name)) === '') return [];
  const own = new Set(['_id_', ...indexesOf(table).map(({ key }) => nameOf(key))]);
  const found = await database.collection(table.name).indexes();
  return found.flatMap(({ v: _v, ns: _ns, ...index }) =>
    own.has(index.name ?? '') ? [] : [index as IndexDescription],
  );
}

function nameOf(key: IndexDescription['key']): string {
  return [...(key as ReadonlyMap<string, number>)].flat().join('_');
}

/** What brings rows without key: all of a version; or a step from what a load had left there, whichever version it leads to. */
export function broughtBy({ whole, to: { version } }: TableChange, held_run_id: string | undefined): Document {
  return whole ? { version } : { after: held_run_id ?? '', version };
}

/** All ids that rows without key got in steps from there: of one that was cut off. */
export function idsOfStep(held_run_id: string | undefined, bson: typeof import('mongodb').BSON): Document {
  const after = held_run_id ?? '';
  return { _id: { $gte: { after, version: new bson.MinKey() }, $lte: { after, version: new bson.MaxKey() } } };
}

/** Rows that did not change get the columns that came, without value, and lose those that went. */
export async function evolve(
  collection: Collection,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const [came, gone] = [after.filter((name) => !before.includes(name)), before.filter((name) => !after.includes(name))];
  if (before.length === 0 || came.length + gone.length === 0) return;
  const set = came.length === 0 ? {} : { $set: Object.fromEntries(came.map((name) => [name, null])) };
  const unset = gone.length === 0 ? {} : { $unset: Object.fromEntries(gone.map((name) => [name, ''])) };
  await collection.updateMany({}, { ...set, ...unset }, { writeConcern: { w: 'majority' } });
}

export function columnNames({ columns }: SinkTable): readonly string[] {
  return columns.map((column) => column.name);
}

/** Larger collections are only counted: the server lets nobody write to the database while it makes a hash. */
const HASH_DOCUMENTS_MAX = 200_000;

/** A hash of all documents; null where the server gives none. */
export async function contentHash(database: Db, name: string): Promise<string | null> {
  try {
    if ((await database.collection(name).estimatedDocumentCount()) > HASH_DOCUMENTS_MAX) return null;
    const answer = await database.command({ dbHash: 1, collections: [name] });
    return (answer['collections'] as Readonly<Record<string, string>> | undefined)?.[name] ?? null;
  } catch {
    // Not for everybody, and not on a cluster of shards.
    return null;
  }
}
