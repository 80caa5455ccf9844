import type { Db, MongoClient } from 'mongodb';
import type { Probe } from '../../core/ports/pulled-source.ts';
import type {
  Comparison,
  Outline,
  OutRows,
  Sink,
  SinkComponent,
  SinkLoad,
  SinkRequest,
  SinkTable,
  Standing,
} from '../../core/ports/sink.ts';
import { finerThanDates, namesRefused } from './bson-columns.ts';
import { type MongodbConnection, placeOf } from './connection.ts';
import { connect, factsOf } from './session.ts';
import { contentHash, indexesOf } from './sink-collections.ts';
import type { Seen, SeenCollection } from './sink-commit.ts';
import { compareCollection } from './sink-compare.ts';
import { sinkError } from './sink-errors.ts';
import { finishSwaps } from './sink-finish.ts';
import { MongodbLoad } from './sink-load.ts';
import { METADATA, metadataOf, type SyncDocument, settled } from './sync-metadata.ts';

/** Databases as the way out: `loads:` over a connection of `type: mongodb`. */
export const component: SinkComponent = {
  type: 'mongodb',
  open: async (request) => new MongodbSink(request),
};

interface Opened {
  readonly client: MongoClient;
  readonly database: Db;
  readonly bson: typeof import('mongodb').BSON;
  readonly replicated: boolean;
  readonly version: string;
}

/** Signs in when it is first asked. */
class MongodbSink implements Sink {
  readonly place: string;
  /** In one transaction as far as the changes fit into one: see ADR 0050. */
  readonly whole_release = true;
  readonly types_in_rows = true;
  readonly #request: SinkRequest;
  readonly #connection: MongodbConnection;
  #opened: Promise<Opened> | undefined;
  #seen: Seen = new Map();
  #abort: (() => void) | undefined;

  constructor(request: SinkRequest) {
    const connection = request.connection.options as MongodbConnection;
    this.#request = request;
    this.#connection = { ...connection, database: request.within ?? connection.database };
    this.place = placeOf(this.#connection);
  }

  async standing(
    tables: readonly Pick<SinkTable, 'table' | 'name'>[],
    { deep }: { readonly deep: boolean },
  ): Promise<ReadonlyMap<string, Standing>> {
    return await this.#with(async ({ database }) => {
      const known = new Map((await metadataOf(database).find({}).toArray()).map((one) => [one._id, one]));
      const there = await database.listCollections({}, { nameOnly: false }).toArray();
      const uuids = new Map(there.map((one) => [one.name, String((one as { info?: { uuid?: unknown } }).info?.uuid)]));
      const found = new Map<string, Standing>();
      const seen = new Map<string, SeenCollection>();
      for (const { table, name } of tables) {
        const uuid = uuids.get(name);
        const before = known.get(name);
        const rows = uuid === undefined ? 0 : await rowsOf(database, name, before?.held?.rows);
        const standing = standingOf(before, this.#request.id, uuid, rows);
        const expected = standing.under_way === undefined ? (before?.content_hash ?? null) : null;
        const hash = deep && expected !== null ? await contentHash(database, name) : null;
        const changed = standing.state === 'as_left' && hash !== null && hash !== expected;
        found.set(table, changed ? { ...standing, ...CHANGED } : standing);
        seen.set(name, { stamp: before?.stamp, hash });
      }
      this.#seen = seen;
      return found;
    });
  }

  async finish(): Promise<void> {
    await this.#with((opened) => finishSwaps(opened, this.#request.id));
  }

  async outline(table: SinkTable, { whole }: { readonly whole: boolean }): Promise<Outline> {
    const { name, columns, key } = table;
    const refused = name === METADATA ? `${METADATA} says what the others hold` : namesRefused(name, columns, key);
    const indexes = indexesOf(table).map(
      ({ key: fields, unique }) =>
        `db.getCollection(${JSON.stringify(name)}).createIndex(${JSON.stringify(Object.fromEntries(fields as Map<string, number>))}${unique === true ? ', { unique: true }' : ''})`,
    );
    const finer = finerThanDates(columns);
    return {
      statements: whole ? [`db.createCollection(${JSON.stringify(name)})`, ...indexes] : [],
      remarks:
        finer.length === 0
          ? []
          : [`dates of MongoDB have milliseconds, finer digits of ${finer.join(', ')} are cut off`],
      ...(refused === undefined ? {} : { refused }),
    };
  }

  async begin(release_id: string): Promise<SinkLoad> {
    const { id, signal } = this.#request;
    const opened = await this.#with(async (one) => one);
    const note = (text: string): void => this.#request.note(text);
    return new MongodbLoad({ ...opened, place: this.place, id, release_id, seen: this.#seen, signal, note });
  }

  async compare(table: SinkTable, rows: OutRows): Promise<Comparison> {
    return await this.#with(({ database, bson }) => compareCollection(database, bson, table, rows));
  }

  async probe(): Promise<Probe> {
    try {
      const { version, replicated } = await this.#with(async (opened) => opened);
      const how = replicated
        ? 'with transactions'
        : 'a single server: no transactions, each collection changes by itself';
      return { ok: true, words: `MongoDB ${version}, ${how}` };
    } catch (error) {
      const { message, hint } = sinkError(error, this.place);
      return { ok: false, words: message, hint };
    }
  }

  async close(): Promise<void> {
    if (this.#abort !== undefined) this.#request.signal.removeEventListener('abort', this.#abort);
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.client.close(true).catch(() => undefined);
  }

  async #with<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
    const { signal } = this.#request;
    try {
      signal.throwIfAborted();
      this.#opened ??= this.#open();
      return await work(await this.#opened);
    } catch (error) {
      throw sinkError(error, this.place, signal);
    }
  }

  async #open(): Promise<Opened> {
    const { BSON: bson } = await import('mongodb');
    const client = await connect(this.#connection);
    this.#abort = () => void client.close(true).catch(() => undefined);
    this.#request.signal.addEventListener('abort', this.#abort);
    try {
      const { replicated, version } = await factsOf(client);
      return { client, database: client.db(this.#connection.database), bson, replicated, version };
    } catch (error) {
      await client.close(true).catch(() => undefined);
      throw error;
    }
  }
}

const CHANGED = { state: 'changed', words: 'documents are not those that were loaded' } as const;

/** The server's own count is quick, and not exact after a crash of it. */
async function rowsOf(database: Db, name: string, expected: number | undefined): Promise<number> {
  const quick = await database.collection(name).estimatedDocumentCount();
  if (expected === undefined || quick === expected) return quick;
  return await database.collection(name).countDocuments({}, { hint: '_id_' });
}

/** What a collection's document and the collection itself say together. */
function standingOf(known: SyncDocument | undefined, load: string, uuid: string | undefined, rows: number): Standing {
  const bare = uuid === undefined ? 'absent' : rows === 0 ? 'empty' : 'foreign';
  if (known === undefined) return { state: bare, rows };
  if (known.load !== load) return { state: 'foreign', rows, words: `it is loaded by ${known.load}` };
  const { under_way } = known;
  const swapped = under_way !== null && under_way.beside_uuid === uuid;
  const { held } = uuid === undefined ? known : settled(known, uuid);
  const target = swapped ? under_way : (under_way?.cut_off ?? under_way);
  const common = {
    rows,
    ...(held === null ? {} : { held }),
    ...(target === null ? {} : { under_way: target }),
  };
  if (uuid === undefined) return { ...common, state: 'absent' };
  // The new collection took its place, and what it holds was not yet said.
  if (swapped) return { ...common, state: 'as_left' };
  if (held === null) return { ...common, state: bare };
  if (known.uuid !== uuid) return { ...common, state: 'changed', words: 'another collection has its name' };
  if (under_way !== null && (under_way.beside === null || under_way.cut_off !== undefined))
    return { ...common, state: 'as_left' };
  const more = rows - held.rows;
  if (more === 0) return { ...common, state: 'as_left' };
  const count = Math.abs(more).toLocaleString('en');
  return { ...common, state: 'changed', words: `${count} documents ${more > 0 ? 'more' : 'fewer'} than were loaded` };
}
