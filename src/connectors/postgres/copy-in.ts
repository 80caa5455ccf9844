import type { Client } from 'pg';
import { submitQuery } from './own-query.ts';

/** The parts of the driver's connection that a copy uses. */
interface WireConnection {
  readonly stream: {
    write(bytes: Uint8Array): boolean;
    cork(): void;
    uncork(): void;
    once(event: 'drain' | 'close', listener: () => void): unknown;
    removeListener(event: 'drain' | 'close', listener: () => void): unknown;
    readonly destroyed: boolean;
  };
  query(text: string): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

const COPY_DATA = 0x64;
const LENGTH_BYTES = 4;

/**
 * Sends text to `COPY … FROM STDIN`, no faster than the server takes it; returns how many rows it took. When the text fails in the middle the server is
 * told to forget the statement, and the failure is thrown.
 */
export async function copyIn(client: Client, sql: string, text: AsyncIterable<Uint8Array>): Promise<number> {
  const copy = new CopyIn(sql);
  const letGo = submitQuery(client, copy);
  try {
    await copy.ready;
    try {
      for await (const chunk of text) if (!(await copy.send(chunk))) break;
    } catch (error) {
      await copy.fail();
      throw error;
    }
    return await copy.end();
  } finally {
    letGo();
  }
}

/** A query in the driver's sense that sends the messages of a COPY by itself. */
class CopyIn {
  readonly text: string;
  /** The server waits for rows. Never fails: what was wrong is thrown by `end`. */
  readonly ready: Promise<void>;
  private readonly over: Promise<void>;
  private connection: WireConnection | undefined;
  private error: Error | undefined;
  private rows = 0;
  private becameReady: () => void = () => undefined;
  private becameOver: () => void = () => undefined;
  private wake: (() => void) | undefined;

  constructor(text: string) {
    this.text = text;
    this.ready = new Promise((resolve) => {
      this.becameReady = resolve;
    });
    this.over = new Promise((resolve) => {
      this.becameOver = resolve;
    });
  }

  /** Called by the driver. */
  submit(connection: WireConnection): void {
    this.connection = connection;
    connection.query(this.text);
  }

  handleCopyInResponse(): void {
    this.becameReady();
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.rows = Number(/\d+$/.exec(message.text)?.[0] ?? 0);
  }

  handleError(error: Error): void {
    this.error ??= error;
    this.wake?.();
    this.becameReady();
    // The driver tells a query that failed nothing more.
    this.becameOver();
  }

  handleReadyForQuery(): void {
    this.becameReady();
    this.becameOver();
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}

  /** False: the server does not want any more; `end` says why. */
  async send(chunk: Uint8Array): Promise<boolean> {
    const { connection } = this;
    if (connection === undefined || this.error !== undefined) return false;
    const head = Buffer.allocUnsafe(1 + LENGTH_BYTES);
    head[0] = COPY_DATA;
    head.writeUInt32BE(LENGTH_BYTES + chunk.length, 1);
    connection.stream.cork();
    connection.stream.write(head);
    const room = connection.stream.write(chunk);
    connection.stream.uncork();
    if (!room) await this.drained(connection.stream);
    return this.error === undefined;
  }

  async end(): Promise<number> {
    if (this.error === undefined) this.connection?.endCopyFrom();
    await this.over;
    if (this.error !== undefined) throw this.error;
    return this.rows;
  }

  async fail(): Promise<void> {
    if (this.error === undefined) this.connection?.sendCopyFail('the rows could not be made');
    await this.over;
  }

  private async drained(stream: WireConnection['stream']): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.removeListener('drain', done);
        stream.removeListener('close', done);
        this.wake = undefined;
        resolve();
      };
      this.wake = done;
      stream.once('drain', done);
      stream.once('close', done);
      if (stream.destroyed) done();
    });
  }
}
