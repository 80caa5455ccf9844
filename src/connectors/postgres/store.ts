import type { Pool, PoolClient } from 'pg';
import type { HeldTable } from '../../core/model/load.ts';
import type {
  Store,
  StoreComponent,
  StoreFilter,
  StoreQuestion,
  StoreRequest,
  StoreView,
} from '../../core/ports/store.ts';
import { quoteText } from '../../kit/sql.ts';
import { clientConfig, type PostgresConnection, placeOf } from './connection.ts';
import { pgDriver } from './driver.ts';
import { AS_TEXT, authorityOf, type TextRow } from './session.ts';
import { sinkError } from './sink-errors.ts';
import { readState } from './sink-state.ts';
import { type BoundStatement, countStatement, pageStatement } from './store-sql.ts';

/** Databases that a server answers from: `serve --store` with a load over a connection of `type: postgres`. */
export const component: StoreComponent = {
  type: 'postgres',
  open: async (request) => new PostgresStore(request),
};

const SCHEMA = 'public';
/** Rows that are taken at once. */
const BATCH_ROWS = 2_000;
const IDLE_MS = 60_000;
const CANCEL_MS = 3_000;

/** Connections are made when they are first needed, and kept for the next question. */
class PostgresStore implements Store {
  readonly place: string;
  readonly #request: StoreRequest;
  readonly #connection: PostgresConnection;
  readonly #schema: string;
  #pool: Promise<Pool> | undefined;

  constructor(request: StoreRequest) {
    this.#request = request;
    this.#connection = request.connection.options as PostgresConnection;
    this.#schema = request.within ?? SCHEMA;
    this.place = `${placeOf(this.#connection)}${request.within === undefined ? '' : ` schema ${request.within}`}`;
  }

  async view(signal: AbortSignal): Promise<StoreView> {
    let client: PoolClient;
    try {
      signal.throwIfAborted();
      this.#pool ??= this.#newPool();
      client = await (await this.#pool).connect();
    } catch (error) {
      throw sinkError(error, this.place, signal);
    }
    const cancel = (): Promise<void> => this.#cancel(client);
    const { id, seconds_max } = this.#request;
    return PostgresView.open({ client, cancel, signal, place: this.place, schema: this.#schema, id, seconds_max });
  }

  async close(): Promise<void> {
    await (await this.#pool?.catch(() => undefined))?.end().catch(() => undefined);
  }

  async #newPool(): Promise<Pool> {
    const Client = await pgDriver();
    const { Pool } = (await import('pg')).default;
    const pool = new Pool({
      ...this.#config(),
      types: AS_TEXT,
      Client,
      max: this.#request.views_max,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
    });
    // A connection that breaks while nobody uses it: the pool makes another.
    pool.on('error', () => undefined);
    return pool;
  }

  #config() {
    return clientConfig(this.#connection, authorityOf(this.#connection, this.#request.root));
  }

  /** Makes the server stop what it does for a connection, which would go on for long after nobody listens any more. */
  async #cancel(client: PoolClient): Promise<void> {
    const { processID } = client as unknown as { readonly processID: number | null };
    if (processID === null) return;
    const other = new (await pgDriver())({ ...this.#config(), connectionTimeoutMillis: CANCEL_MS });
    other.on('error', () => undefined);
    try {
      await other.connect();
      await other.query('select pg_cancel_backend($1)', [processID]);
    } catch {
      // `statement_timeout` ends it.
    } finally {
      other.end().catch(() => undefined);
    }
  }
}

interface ViewParts {
  readonly client: PoolClient;
  cancel(): Promise<void>;
  readonly signal: AbortSignal;
  readonly place: string;
  readonly schema: string;
  readonly id: string;
  readonly seconds_max: number;
}

/** One transaction that only reads: what the database says that it holds, and its rows, are of the same snapshot. */
class PostgresView implements StoreView {
  held: readonly HeldTable[] = [];
  readonly #parts: ViewParts;
  readonly #onAbort: () => void;
  /** Something failed or was cut off: the connection is not used again. */
  #spoilt = false;
  #over = false;

  static async open(parts: ViewParts): Promise<PostgresView> {
    const view = new PostgresView(parts);
    try {
      await view.#begin();
      return view;
    } catch (error) {
      await view.close();
      throw error;
    }
  }

  private constructor(parts: ViewParts) {
    this.#parts = parts;
    this.#onAbort = (): void => {
      this.#spoilt = true;
      void parts.cancel();
    };
    parts.signal.addEventListener('abort', this.#onAbort);
  }

  async count(filter: StoreFilter): Promise<number> {
    const [row] = await this.#rows(countStatement(this.#parts.schema, filter));
    return Number(row?.['n'] ?? 0);
  }

  async *rows(question: StoreQuestion): AsyncGenerator<readonly string[], void, void> {
    const { sql, values } = pageStatement(this.#parts.schema, question);
    const lines = (rows: readonly TextRow[]): readonly string[] => rows.map((row) => row['line'] ?? '[]');
    if (question.limit <= BATCH_ROWS) {
      yield lines(await this.#rows({ sql, values }));
      return;
    }
    await this.#rows({ sql: `declare page no scroll cursor for ${sql}`, values });
    for (;;) {
      const rows = await this.#rows({ sql: `fetch forward ${BATCH_ROWS} from page`, values: [] });
      yield lines(rows);
      if (rows.length < BATCH_ROWS) break;
    }
    await this.#rows({ sql: 'close page', values: [] });
  }

  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { client, signal } = this.#parts;
    signal.removeEventListener('abort', this.#onAbort);
    // Nothing was written: there is nothing to be undone.
    if (!this.#spoilt)
      await client.query('rollback').catch(() => {
        this.#spoilt = true;
      });
    client.release(this.#spoilt);
  }

  async #begin(): Promise<void> {
    const { seconds_max, schema, id } = this.#parts;
    const settings: Readonly<Record<string, string>> = {
      TimeZone: 'UTC',
      DateStyle: 'ISO, YMD',
      client_encoding: 'UTF8',
      extra_float_digits: '1',
      statement_timeout: String(seconds_max * 1000),
      lock_timeout: String(seconds_max * 1000),
      idle_in_transaction_session_timeout: String((seconds_max + 30) * 1000),
    };
    const set = ([name, value]: [string, string]) => `set_config(${quoteText(name)}, ${quoteText(value)}, true)`;
    const set_all = Object.entries(settings).map(set).join(', ');
    await this.#ask(() =>
      this.#parts.client.query(`begin isolation level repeatable read read only; select ${set_all}`),
    );
    const rows = (sql: string, values: readonly unknown[] = []) => this.#rows({ sql, values: values.map(String) });
    const state = await readState({ rows }, schema, id);
    this.held = [...state.tables.values()].map((one) => one.held);
  }

  async #rows({ sql, values }: BoundStatement): Promise<readonly TextRow[]> {
    const { client } = this.#parts;
    return this.#ask(async () => (await client.query<TextRow>({ text: sql, values: [...values] })).rows);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    const { signal, place } = this.#parts;
    try {
      signal.throwIfAborted();
      return await question();
    } catch (error) {
      this.#spoilt = true;
      throw sinkError(error, place, signal);
    }
  }
}
