import type { Agent, Dispatcher } from 'undici';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HdfsConnectionOptions } from './connection.ts';

/** What a NameNode says of a file or folder. */
export interface FileStatus {
  /** Empty when the path itself is a file. */
  readonly pathSuffix: string;
  readonly type: 'FILE' | 'DIRECTORY' | 'SYMLINK';
  readonly length: number;
  /** Milliseconds. */
  readonly modificationTime: number;
  readonly fileId?: number;
}

/** An answer that refuses, in the cluster's own words. */
export class RemoteException extends Error {
  readonly exception: string;

  constructor(exception: string, message: string) {
    super(message);
    this.exception = exception;
  }
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** Another NameNode, or the same one later, may answer. */
const PASSING = new Set(['StandbyException', 'RetriableException', 'SafeModeException']);
const DENIED = new Set(['AccessControlException', 'SecurityException', 'AuthenticationException', 'InvalidToken']);

/**
 * WebHDFS as far as files are read. Redirects are followed by hand: the NameNode is asked where a file's bytes are, and only the DataNode that it
 * names is asked for them. What signs in at a gateway goes to its own address alone.
 */
export class WebHdfs {
  readonly #options: HdfsConnectionOptions;
  readonly #urls: readonly string[];
  /** The NameNode that answered last. */
  #at = 0;
  #agent: Promise<Agent> | undefined;

  constructor(options: HdfsConnectionOptions) {
    this.#options = options;
    const urls = typeof options.url === 'string' ? [options.url] : options.url;
    this.#urls = urls.map((url) => url.replace(/\/+$/, ''));
  }

  get name(): string {
    return this.#urls[this.#at] ?? '';
  }

  /** Undefined: there is no such file. @throws DataflowError E_SOURCE_* */
  async status(path: string, signal?: AbortSignal): Promise<FileStatus | undefined> {
    return await this.#missing(async () => {
      const answer = await this.#json(path, 'GETFILESTATUS', {}, signal);
      return (answer as { FileStatus: FileStatus }).FileStatus;
    });
  }

  /** A page of a folder, after a name. Undefined: there is no such folder. @throws DataflowError E_SOURCE_* */
  async page(
    path: string,
    after: string,
    signal?: AbortSignal,
  ): Promise<{ readonly entries: readonly FileStatus[]; readonly left: number } | undefined> {
    return await this.#missing(async () => {
      const answer = (await this.#json(path, 'LISTSTATUS_BATCH', { startAfter: after }, signal)) as {
        DirectoryListing: {
          partialListing: { FileStatuses: { FileStatus: readonly FileStatus[] } };
          remainingEntries: number;
        };
      };
      const { partialListing, remainingEntries } = answer.DirectoryListing;
      return { entries: partialListing.FileStatuses.FileStatus, left: remainingEntries };
    });
  }

  /** Bytes of a file from an offset on. Undefined: it is gone. @throws DataflowError E_SOURCE_* */
  async open(path: string, offset: number, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
    return await this.#missing(async () => {
      const first = await this.#ask(path, 'OPEN', { offset: String(offset) }, signal);
      const { location } = first.headers;
      if (!REDIRECTS.has(first.statusCode) || typeof location !== 'string') return await sound(first);
      await first.body.dump();
      return await sound(await this.#send(new URL(location), signal));
    });
  }

  /** @throws DataflowError E_SOURCE_* for whatever else was refused */
  fault(error: unknown): unknown {
    if (error instanceof DataflowError || !(error instanceof Error) || error.name === 'AbortError') return error;
    const said = error instanceof RemoteException ? error.exception : '';
    const words = `${this.name}: ${said === '' ? '' : `${said}: `}${messageOf(error)}`;
    const options = { cause: error };
    if (DENIED.has(said)) return new DataflowError('E_SOURCE_DENIED', words, options);
    if (said === '' || PASSING.has(said)) return new DataflowError('E_SOURCE_UNREACHABLE', words, options);
    return new DataflowError('E_SOURCE_QUERY', words, options);
  }

  async #missing<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RemoteException && error.exception === 'FileNotFoundException') return undefined;
      throw this.fault(error);
    }
  }

  async #json(
    path: string,
    operation: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const answer = await this.#ask(path, operation, query, signal);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of await sound(answer)) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) throw new RemoteException('TooLong', `the answer to ${operation} does not end`);
      chunks.push(Buffer.from(chunk));
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  }

  /** Asks the NameNode that answered last, then the others: one of them is active. */
  async #ask(
    path: string,
    operation: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    let last: unknown;
    for (const _ of this.#urls) {
      try {
        const answer = await this.#send(this.#address(path, operation, query), signal);
        const standby = answer.statusCode >= 400 ? await refusalOf(answer) : undefined;
        if (standby === undefined) return answer;
        if (!PASSING.has(standby.exception)) throw standby;
        last = standby;
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof RemoteException) throw error;
        last = error;
      }
      this.#at = (this.#at + 1) % this.#urls.length;
    }
    throw last;
  }

  #address(path: string, operation: string, query: Readonly<Record<string, string>>): URL {
    const url = new URL(`${this.name}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}`);
    const { user, password, delegation_token } = this.#options;
    const who = delegation_token !== undefined ? { delegation: delegation_token } : userQuery(user, password);
    for (const [name, value] of Object.entries({ op: operation, ...who, ...query })) url.searchParams.set(name, value);
    return url;
  }

  async #send(url: URL, signal: AbortSignal | undefined): Promise<Dispatcher.ResponseData> {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new RemoteException('BadRedirect', `it sends us to ${url.protocol}`);
    const { request } = await import('undici');
    const { user = '', password } = this.#options;
    const ours = this.#urls.some((one) => new URL(one).origin === url.origin);
    const basic = Buffer.from(`${user}:${password}`).toString('base64');
    return await request(url, {
      method: 'GET',
      dispatcher: await this.#dispatcher(),
      headers: {
        'user-agent': 'dataflow',
        ...(password === undefined || !ours ? {} : { authorization: `Basic ${basic}` }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #dispatcher(): Promise<Agent> {
    const { connect_timeout_s, request_timeout_s } = this.#options;
    this.#agent ??= import('undici').then(
      ({ Agent }) =>
        new Agent({
          connect: { timeout: connect_timeout_s * 1000 },
          headersTimeout: request_timeout_s * 1000,
          bodyTimeout: request_timeout_s * 1000,
        }),
    );
    return this.#agent;
  }
}

function userQuery(user: string | undefined, password: string | undefined): Readonly<Record<string, string>> {
  return user === undefined || password !== undefined ? {} : { 'user.name': user };
}

async function sound(answer: Dispatcher.ResponseData): Promise<AsyncIterable<Uint8Array>> {
  if (answer.statusCode === 200) return answer.body;
  throw (await refusalOf(answer)) ?? new RemoteException('', `it answers ${answer.statusCode}`);
}

async function refusalOf(answer: Dispatcher.ResponseData): Promise<RemoteException> {
  const text = (await answer.body.text()).slice(0, 10_000);
  if (answer.statusCode === 401) return new RemoteException('AuthenticationException', 'it asks who we are (401)');
  try {
    const { RemoteException: said } = JSON.parse(text) as { RemoteException: { exception: string; message: string } };
    return new RemoteException(said.exception, said.message.split('\n')[0] ?? '');
  } catch {
    return new RemoteException('', `it answers ${answer.statusCode}`);
  }
}

function messageOf(error: Error): string {
  const inner = (error as AggregateError).errors?.[0] as Error | undefined;
  return error.message || inner?.message || error.name;
}
