import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { type Backoff, jitteredWait } from '../../kit/backoff.ts';
import { quoteText } from '../../kit/sql.ts';
import { clientConfig, type PostgresConnection, placeOf } from './connection.ts';
import { copyIn } from './copy-in.ts';
import { pgDriver } from './driver.ts';
import { AS_TEXT, authorityOf, type TextRow } from './session.ts';
import { sinkError } from './sink-errors.ts';

const SIGN_IN: Backoff = { attempts: 3, base_ms: 300, max_ms: 3000 };
/** A lock that somebody else's transaction holds. */
const LOCK_TIMEOUT_MS = 30_000;

const SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  client_encoding: 'UTF8',
  client_min_messages: 'warning',
  statement_timeout: '0',
  lock_timeout: String(LOCK_TIMEOUT_MS),
  idle_in_transaction_session_timeout: '0',
  standard_conforming_strings: 'on',
  // A machine of ours that is gone without a word holds its locks for two minutes, not for hours.
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '6',
};

/** Newer servers can look whether their client is there, in the middle of a long statement too. */
const lookForClient = (every: string): string =>
  `do $$ begin perform set_config('client_connection_check_interval', '${every}', false); exception when others then null; end $$`;

export interface SinkSessionOptions {
  /** Relative paths start here. */
  readonly root: string;
  readonly signal: AbortSignal;
}

/** One connection that writes. Errors are DataflowErrors. */
export class SinkSession {
  readonly place: string;
  private readonly client: Client;
  private readonly signal: AbortSignal;
  private readonly onAbort: () => void;
  private over = false;

  private constructor(place: string, client: Client, signal: AbortSignal) {
    this.place = place;
    this.client = client;
    this.signal = signal;
    // Whatever is under way is rolled back by the server when it loses us.
    this.onAbort = () => this.cut();
    signal.addEventListener('abort', this.onAbort);
    client.on('error', () => undefined);
  }

  /** Signs in; a server that is just starting or full is asked again a few times. */
  static async open(connection: PostgresConnection, { root, signal }: SinkSessionOptions): Promise<SinkSession> {
    const Pg = await pgDriver();
    const place = placeOf(connection);
    const set = ([name, value]: [string, string]): string =>
      `set_config(${quoteText(name)}, ${quoteText(value)}, false)`;
    for (let attempt = 1; ; attempt += 1) {
      const client = new Pg({ ...clientConfig(connection, authorityOf(connection, root)), types: AS_TEXT });
      try {
        signal.throwIfAborted();
        await client.connect();
        await client.query(`select ${Object.entries(SETTINGS).map(set).join(', ')}`);
        return new SinkSession(place, client, signal);
      } catch (error) {
        client.end().catch(() => undefined);
        const known = sinkError(error, place, signal);
        if (!known.retryable || attempt === SIGN_IN.attempts || signal.aborted) throw known;
        await sleep(jitteredWait(attempt, SIGN_IN));
      }
    }
  }

  /** A small result. @param doing for the message of an error */
  async rows(sql: string, values: readonly unknown[] = [], doing?: string): Promise<readonly TextRow[]> {
    return (await this.ask(sql, values, doing)).rows as readonly TextRow[];
  }

  /** A statement; returns how many rows it changed. */
  async run(sql: string, doing?: string): Promise<number> {
    return (await this.ask(sql, [], doing)).rowCount ?? 0;
  }

  /** Begins a transaction that ends within seconds when we are killed, and lets go of its locks. */
  async begin(): Promise<void> {
    await this.ask(`${lookForClient('2s')}; begin`, []);
  }

  /** From here on it is not given up any more because we are gone. */
  async commit(): Promise<void> {
    await this.ask(lookForClient('0'), []);
    await this.run('commit');
  }

  /** `COPY … FROM STDIN`; returns how many rows were taken. */
  async copy(sql: string, text: AsyncIterable<Uint8Array>, doing?: string): Promise<number> {
    try {
      return await copyIn(this.client, sql, text);
    } catch (error) {
      throw sinkError(error, this.place, this.signal, doing);
    }
  }

  /** Ends the connection, and with it whatever was not committed; never throws. */
  async close(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.signal.removeEventListener('abort', this.onAbort);
    await Promise.race([this.client.end().catch(() => undefined), sleep(2000, undefined, { ref: false })]);
    this.cut();
  }

  private cut(): void {
    (
      this.client as unknown as { readonly connection?: { readonly stream?: { destroy(): void } } }
    ).connection?.stream?.destroy();
  }

  private async ask(sql: string, values: readonly unknown[], doing?: string) {
    if (this.signal.aborted) throw sinkError(this.signal.reason, this.place, this.signal);
    try {
      return await this.client.query({ text: sql, values: [...values] });
    } catch (error) {
      throw sinkError(error, this.place, this.signal, doing);
    }
  }
}
