import type { Db, Document, MongoClient } from 'mongodb';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type {
  Store,
  StoreComponent,
  StoreFilter,
  StoreQuestion,
  StoreRequest,
  StoreView,
} from '../../core/ports/store.ts';
import { type MongodbConnection, placeOf } from './connection.ts';
import { connect, factsOf } from './session.ts';
import { sinkError } from './sink-errors.ts';
import { cellText, rowLine } from './store-cells.ts';
import { changedMeanwhile, type Moment, momentOf } from './store-moment.ts';
import { isFloat, matchOf, oddOf, pageStages, type Sorted } from './store-query.ts';

/** Databases that a server answers from: `serve --store` with a load over a connection of `type: mongodb`. */
export const component: StoreComponent = {
  type: 'mongodb',
  open: async (request) => new MongodbStore(request),
};

/** Rows that are taken at once. */
const BATCH_ROWS = 2_000;
/** What is remembered of columns. */
const KNOWN_MAX = 10_000;

interface Opened {
  readonly client: MongoClient;
  readonly database: Db;
  readonly bson: typeof import('mongodb').BSON;
}

/** Signs in when it is first asked. */
class MongodbStore implements Store {
  readonly place: string;
  readonly #request: StoreRequest;
  readonly #connection: MongodbConnection;
  /** Whether a column has values that stand elsewhere in the order of the lake, by the state of its collection. */
  readonly #odd = new Map<string, boolean>();
  #opened: Promise<Opened> | undefined;

  constructor(request: StoreRequest) {
    const connection = request.connection.options as MongodbConnection;
    this.#request = request;
    this.#connection = { ...connection, database: request.within ?? connection.database };
    this.place = placeOf(this.#connection);
  }

  async view(signal: AbortSignal): Promise<StoreView> {
    try {
      signal.throwIfAborted();
      this.#opened ??= this.#open();
      const opened = await this.#opened.catch((error: unknown) => {
        this.#opened = undefined;
        throw error;
      });
      const { id, seconds_max } = this.#request;
      const moment = await momentOf(opened.client, opened.database, id, signal);
      if (this.#odd.size > KNOWN_MAX) this.#odd.clear();
      return new MongodbView({
        ...opened,
        moment,
        signal,
        place: this.place,
        ms_max: seconds_max * 1000,
        odd: this.#odd,
      });
    } catch (error) {
      throw sinkError(error, this.place, signal);
    }
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.client.close(true).catch(() => undefined);
  }

  async #open(): Promise<Opened> {
    const { BSON: bson } = await import('mongodb');
    // Each view has one question under way, and may have one that ends it.
    const client = await connect(this.#connection, { maxPoolSize: 2 * this.#request.views_max });
    try {
      if (!(await factsOf(client)).replicated)
        throw new DataflowError(
          'E_LOAD_FAILED',
          `MongoDB at ${this.place} is a single server, which has no snapshots`,
          {
            hint: 'Make it a replica set, of one member if need be: --replSet, and rs.initiate().',
          },
        );
    } catch (error) {
      await client.close(true).catch(() => undefined);
      throw error;
    }
    return { client, database: client.db(this.#connection.database, { readPreference: 'primary' }), bson };
  }
}

interface ViewParts extends Opened {
  readonly moment: Moment;
  readonly signal: AbortSignal;
  readonly place: string;
  readonly ms_max: number;
  readonly odd: Map<string, boolean>;
}

/** A session whose reads all show one moment. */
class MongodbView implements StoreView {
  readonly held: readonly HeldTable[];
  readonly #parts: ViewParts;
  readonly #onAbort: () => void;
  #over = false;

  constructor(parts: ViewParts) {
    this.#parts = parts;
    this.held = parts.moment.held;
    const { client, moment, signal } = parts;
    // The server would go on for long after nobody listens any more.
    this.#onAbort = (): void => {
      const killed = { killSessions: [moment.session.id] };
      if (!this.#over)
        void client
          .db('admin')
          .command(killed)
          .catch(() => undefined);
    };
    signal.addEventListener('abort', this.#onAbort);
  }

  async count(filter: StoreFilter): Promise<number> {
    return this.#ask(async () => {
      const stages = [{ $match: matchOf(filter, this.#parts.bson) }, { $count: 'n' }];
      const [found] = await this.#aggregate(filter.table, stages).toArray();
      return Number(found?.['n'] ?? 0);
    });
  }

  async *rows(question: StoreQuestion): AsyncGenerator<readonly string[], void, void> {
    if (question.limit === 0) return;
    const cells = question.columns.map(({ column, name }) => [name, cellText(column)] as const);
    try {
      const order: Sorted[] = [];
      for (const one of question.order) order.push(await this.#sorted(question.table, one));
      const stages = pageStages(question, order, this.#parts.bson);
      let lines: string[] = [];
      for await (const document of this.#aggregate(question.table, stages, { raw: true })) {
        lines.push(rowLine(document as unknown as Buffer, cells));
        if (lines.length < BATCH_ROWS) continue;
        yield lines;
        lines = [];
      }
      yield lines;
    } catch (error) {
      throw this.#translated(error);
    }
  }

  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#parts.signal.removeEventListener('abort', this.#onAbort);
    await this.#parts.moment.session.endSession().catch(() => undefined);
  }

  async #sorted(table: string, { of, descending }: StoreQuestion['order'][number]): Promise<Sorted> {
    const { name, column } = of;
    return { name, descending, float: isFloat(column.type), odd: await this.#isOdd(table, of, descending) };
  }

  /** Most columns have no such values; then an index gives their order. */
  async #isOdd(
    table: string,
    { column, name }: StoreQuestion['columns'][number],
    descending: boolean,
  ): Promise<boolean> {
    const { moment, odd } = this.#parts;
    const values = oddOf(column, descending);
    if (values === undefined) return false;
    const key = JSON.stringify([table, moment.stamps.get(table), name, values.length]);
    const known = odd.get(key);
    if (known !== undefined) return known;
    const stages = [{ $match: { [name]: { $in: values } } }, { $limit: 1 }, { $project: { _id: 1 } }];
    const found = (await this.#aggregate(table, stages).toArray()).length > 0;
    odd.set(key, found);
    return found;
  }

  #aggregate(table: string, stages: readonly Document[], more: { readonly raw?: true } = {}) {
    const { database, moment, ms_max } = this.#parts;
    this.#parts.signal.throwIfAborted();
    const options = { session: moment.session, maxTimeMS: ms_max, batchSize: BATCH_ROWS, allowDiskUse: true, ...more };
    return database.collection(table).aggregate([...stages], options);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw this.#translated(error);
    }
  }

  #translated(error: unknown): DataflowError {
    const { place, signal } = this.#parts;
    if (!signal.aborted && changedMeanwhile(error))
      return new DataflowError('E_LOAD_CONFLICT', `MongoDB at ${place}: a load replaced a collection`, {
        cause: error,
      });
    return sinkError(error, place, signal);
  }
}
