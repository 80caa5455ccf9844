import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type SftpClient from 'ssh2-sftp-client';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { SftpConnectionOptions } from './connection.ts';
import { fingerprintOf, isStatedKey, lookUpKey } from './host-keys.ts';

const CHUNK_BYTES = 256 * 1024;
/** A connection that nobody uses is closed after so long. */
const IDLE_MS = 5_000;

/** One connection to a server, opened when it is needed, opened anew after it broke, closed when it is idle. */
export class SftpSession {
  readonly #options: SftpConnectionOptions;
  readonly #root: string;
  #client: Promise<SftpClient> | undefined;
  /** What was asked last: the library takes one question at a time well, several badly. */
  #asked: Promise<unknown> = Promise.resolve();
  /** Files that are being read; a connection that goes away ends none of them by itself. */
  readonly #streams = new Set<Readable>();
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: SftpConnectionOptions, root: string) {
    this.#options = options;
    this.#root = root;
  }

  get name(): string {
    return `sftp://${this.#options.host}:${this.#options.port}`;
  }

  /** Works with the connection; it stays open meanwhile. @throws DataflowError E_SOURCE_DENIED, E_SOURCE_UNREACHABLE, E_SOURCE_QUERY */
  async use<T>(work: (client: SftpClient) => Promise<T>): Promise<T> {
    const release = this.#hold();
    const turn = this.#asked.then(async () => work(await this.#connected()));
    this.#asked = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      throw this.#fault(error);
    } finally {
      release();
    }
  }

  /** The bytes of a file from an offset on. @throws DataflowError E_SOURCE_UNREACHABLE */
  async *read(path: string, from: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const release = this.#hold();
    try {
      const client = await this.#connected();
      const stream = client.createReadStream(path, { start: from, highWaterMark: CHUNK_BYTES }) as unknown as Readable;
      const abort = (): void => void stream.destroy();
      this.#streams.add(stream);
      signal?.addEventListener('abort', abort, { once: true });
      try {
        for await (const chunk of stream) yield chunk as Buffer;
      } finally {
        this.#streams.delete(stream);
        signal?.removeEventListener('abort', abort);
        stream.destroy();
      }
    } catch (error) {
      throw this.#fault(error);
    } finally {
      release();
    }
  }

  /** Keeps the connection open until it is released. */
  #hold(): () => void {
    clearTimeout(this.#idle);
    this.#users += 1;
    return () => {
      this.#users -= 1;
      if (this.#users > 0) return;
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#drop(), IDLE_MS);
      this.#idle.unref();
    };
  }

  #connected(): Promise<SftpClient> {
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  /** Closes it; the next use opens another. */
  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.then(
      (one) => one.end().catch(() => undefined),
      () => undefined,
    );
  }

  async #open(): Promise<SftpClient> {
    const { default: Sftp } = await import('ssh2-sftp-client');
    const { host, port, user, password, private_key, passphrase, connect_timeout_s } = this.#options;
    const known = this.#keyCheck();
    // What happens between two uses is noticed by the next one.
    const client = new Sftp('dataflow', { error: () => undefined, end: () => undefined, close: () => undefined });
    const gone = (): void => {
      this.#client = undefined;
      for (const stream of this.#streams) stream.destroy(new Error('the connection broke'));
    };
    client.on('close', gone);
    client.on('end', gone);
    let refused: DataflowError | undefined;
    try {
      await client.connect({
        host,
        port,
        username: user,
        readyTimeout: connect_timeout_s * 1000,
        keepaliveInterval: 10_000,
        hostVerifier: (key: Buffer) => {
          refused = known(key);
          return refused === undefined;
        },
        ...(password === undefined ? {} : { password }),
        ...(private_key === undefined ? {} : { privateKey: private_key }),
        ...(passphrase === undefined ? {} : { passphrase }),
      });
    } catch (error) {
      throw refused ?? error;
    }
    return client;
  }

  /** The key is checked before anything is said that is secret. */
  #keyCheck(): (key: Buffer) => DataflowError | undefined {
    const { host, port, host_key, known_hosts } = this.#options;
    if (host_key !== undefined)
      return (key) =>
        isStatedKey(host_key, key)
          ? undefined
          : this.#strange(`shows the key ${fingerprintOf(key)}, which is not the one in host_key`);
    const file = resolve(this.#root, known_hosts ?? '');
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new DataflowError('E_SOURCE_DENIED', `${this.name}: known_hosts cannot be read: ${wordsOf(error)}`, {
        place: { file },
        hint: 'Make it with ssh-keyscan, and compare the key with what the server’s people say.',
      });
    }
    const says = { unknown: 'is not in known_hosts', other: 'is another one in known_hosts', revoked: 'is revoked' };
    return (key) => {
      const found = lookUpKey(text, host, port, key);
      return found === 'known' ? undefined : this.#strange(`shows the key ${fingerprintOf(key)}, which ${says[found]}`);
    };
  }

  #strange(words: string): DataflowError {
    return new DataflowError('E_SOURCE_DENIED', `${this.name} ${words}`, {
      hint: 'If the server has a new key, ask its people for the fingerprint and put it into the connection.',
    });
  }

  /** What a server or a network says becomes an error of ours. */
  #fault(error: unknown): unknown {
    if (error instanceof DataflowError || !(error instanceof Error) || error.name === 'AbortError') return error;
    const words = `${this.name}: ${error.message.replace(/^\w+: /, '')}`;
    if (/authentication|privateKey|passphrase/i.test(error.message))
      return new DataflowError('E_SOURCE_DENIED', words, { cause: error });
    if ('code' in error && error.code === 3) return new DataflowError('E_SOURCE_DENIED', words, { cause: error });
    this.#drop();
    return new DataflowError('E_SOURCE_UNREACHABLE', words, { cause: error });
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
