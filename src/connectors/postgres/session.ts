import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientConfig } from 'pg';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type Backoff, jitteredWait } from '../../kit/backoff.ts';
import { quoteText } from '../../kit/sql.ts';
import { clientConfig, type PostgresConnection, placeOf } from './connection.ts';
import { type CopiedRows, copyRows } from './copy-rows.ts';
import { pgDriver } from './driver.ts';
import { postgresError } from './errors.ts';

/** A row of a small result: every value as the text that the database writes. */
export type TextRow = Readonly<Record<string, string | null>>;

/** A field of a result, as the protocol describes it. */
export interface ResultField {
  readonly name: string;
  readonly oid: number;
  readonly modifier: number;
}

export interface SessionOptions {
  readonly statement_timeout_s: number;
  /** Relative paths start here. */
  readonly root: string;
  readonly signal: AbortSignal;
}

const SIGN_IN: Backoff = { attempts: 3, base_ms: 500, max_ms: 5000 };
/** A lock that another transaction holds on the table, for example while it is altered. */
const LOCK_TIMEOUT_MS = 30_000;

/** One connection with one transaction that only reads. Errors are DataflowErrors. */
export class Session {
  readonly place: string;
  private readonly config: ClientConfig;
  private readonly client: Client;
  private readonly signal: AbortSignal;
  private readonly Pg: typeof Client;
  private readonly process: string;
  private readonly onAbort: () => void;
  private over = false;

  private constructor(place: string, config: ClientConfig, client: Client, Pg: typeof Client, options: SessionOptions) {
    this.place = place;
    this.config = config;
    this.client = client;
    this.Pg = Pg;
    this.signal = options.signal;
    this.process = String((client as unknown as { readonly processID: number | null }).processID ?? '');
    this.onAbort = (): void => void this.cancel();
    this.signal.addEventListener('abort', this.onAbort);
    // A connection that breaks while nothing is asked: the next question tells.
    client.on('error', () => undefined);
  }

  /** Signs in and begins; a server that is just starting or full is asked again a few times. */
  static async open(connection: PostgresConnection, options: SessionOptions): Promise<Session> {
    const Pg = await pgDriver();
    const place = placeOf(connection);
    const config: ClientConfig = { ...clientConfig(connection, authorityOf(connection, options.root)), types: AS_TEXT };
    for (let attempt = 1; ; attempt += 1) {
      const client = new Pg(config);
      try {
        await client.connect();
        return new Session(place, config, client, Pg, options);
      } catch (error) {
        client.end().catch(() => undefined);
        const known = postgresError(error, place, options.signal);
        if (!known.retryable || attempt === SIGN_IN.attempts || options.signal.aborted) throw known;
        await sleep(jitteredWait(attempt, SIGN_IN));
      }
    }
  }

  /** Starts the transaction: one snapshot for all that is read. @param snapshot of another session, to see the same. */
  async begin(statement_timeout_s: number, snapshot?: string): Promise<void> {
    await this.rows('begin isolation level repeatable read read only');
    if (snapshot !== undefined) await this.rows(`set transaction snapshot ${quoteText(snapshot)}`);
    const settings: Readonly<Record<string, string>> = {
      TimeZone: 'UTC',
      DateStyle: 'ISO, YMD',
      IntervalStyle: 'iso_8601',
      bytea_output: 'hex',
      extra_float_digits: '1',
      jit: 'off',
      synchronize_seqscans: 'off',
      statement_timeout: String(statement_timeout_s * 1000),
      lock_timeout: String(LOCK_TIMEOUT_MS),
      idle_in_transaction_session_timeout: '0',
    };
    const set = ([name, value]: [string, string]) => `set_config(${quoteText(name)}, ${quoteText(value)}, true)`;
    await this.rows(`select ${Object.entries(settings).map(set).join(', ')}`);
  }

  /** A small result. */
  async rows(sql: string, values: readonly unknown[] = []): Promise<readonly TextRow[]> {
    return (await this.ask(sql, values)).rows as readonly TextRow[];
  }

  /** What a query would yield. */
  async fields(sql: string): Promise<readonly ResultField[]> {
    const { fields } = await this.ask(sql, []);
    return fields.map((field) => ({ name: field.name, oid: field.dataTypeID, modifier: field.dataTypeModifier }));
  }

  /** The rows of a `COPY (…) TO STDOUT`. Whoever stops early has to close the session. */
  async *copy(sql: string): AsyncGenerator<CopiedRows, void, void> {
    try {
      yield* copyRows(this.client, sql);
    } catch (error) {
      throw postgresError(error, this.place, this.signal);
    }
    if (this.signal.aborted) throw postgresError(this.signal.reason, this.place, this.signal);
  }

  /** Ends the transaction and the connection; never throws. */
  async close(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.signal.removeEventListener('abort', this.onAbort);
    await Promise.race([this.client.end().catch(() => undefined), sleep(2000, undefined, { ref: false })]);
  }

  /** Makes the server stop what it does for this session, which may go on for long after nobody listens any more. */
  async cancel(): Promise<void> {
    if (this.over || this.process === '') return;
    const other = new this.Pg({ ...this.config, connectionTimeoutMillis: 3000 });
    other.on('error', () => undefined);
    try {
      await other.connect();
      await other.query('select pg_cancel_backend($1)', [this.process]);
    } catch {
      // The server ends the statement when it finds that nobody reads.
    } finally {
      other.end().catch(() => undefined);
    }
  }

  private async ask(sql: string, values: readonly unknown[]) {
    if (this.signal.aborted) throw postgresError(this.signal.reason, this.place, this.signal);
    try {
      // The extended protocol takes one statement and no second one behind it.
      const query = { text: sql, values: [...values], queryMode: 'extended' };
      return await this.client.query(query);
    } catch (error) {
      throw postgresError(error, this.place, this.signal);
    }
  }
}

/** No value is converted on its way. */
export const AS_TEXT = { getTypeParser: () => (value: unknown) => value } as unknown as NonNullable<
  ClientConfig['types']
>;

export function authorityOf({ ca_file }: PostgresConnection, root: string): string | undefined {
  if (ca_file === undefined) return undefined;
  try {
    return readFileSync(resolve(root, ca_file), 'utf8');
  } catch (error) {
    throw new DataflowError('E_SOURCE_IO', `the file ${ca_file} of ca_file cannot be read`, { cause: error });
  }
}
