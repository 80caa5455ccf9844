import type { Agent, Dispatcher } from 'undici';
import type { HdfsConnectionOptions } from './connection.ts';
import type { HostRules } from './hosts.ts';
import { waitAskedFor } from './patience.ts';
import { NodeFailure, passing, RemoteException } from './refusals.ts';

/** An answer of a NameNode, its body read. */
export interface NameAnswer {
  readonly status: number;
  /** Where it sends us, if it does. */
  readonly location: string | undefined;
  readonly body: Buffer;
}

/** A question to the NameNode: `PUT …/path?op=RENAME&…`, never with a body. */
export interface Question {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly op: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** Longer than this nobody waits for what is only good to know. */
const BEAN_MS = 5000;

/** NameNodes that stand in for each other, or a gateway in their place: the one that answered last is asked first. */
export class NameNodes {
  readonly urls: readonly string[];
  readonly #options: HdfsConnectionOptions;
  readonly #rules: HostRules;
  readonly #authority: string | undefined;
  #at = 0;
  #agent: Promise<Agent> | undefined;

  constructor(options: HdfsConnectionOptions, rules: HostRules, authority: string | undefined) {
    this.#options = options;
    this.#rules = rules;
    this.#authority = authority;
    this.urls = urlsOf(options);
  }

  /** The one that answered last. */
  get url(): string {
    return this.urls[this.#at] ?? '';
  }

  /** Asks for a short answer. @throws RemoteException, NodeFailure */
  async ask(question: Question): Promise<NameAnswer> {
    return await this.#each(question, async (answer) => {
      const body = await bytesOf(answer.body);
      const location = headerOf(answer, 'location');
      if (answer.statusCode >= 400) throw refusalOf(answer.statusCode, body, headerOf(answer, 'retry-after'));
      return { status: answer.statusCode, body, location: REDIRECTS.has(answer.statusCode) ? location : undefined };
    });
  }

  /** Opens a file, whose bytes may come from here (HttpFS) or from a DataNode. @throws RemoteException, NodeFailure */
  async open(
    question: Question,
  ): Promise<{ readonly location: string } | { readonly chunks: AsyncIterable<Uint8Array> }> {
    return await this.#each(question, async (answer, host) => {
      const location = headerOf(answer, 'location');
      if (REDIRECTS.has(answer.statusCode) && location !== undefined) {
        await answer.body.dump();
        return { location };
      }
      if (answer.statusCode === 200) return { chunks: whole(answer.body, host) };
      throw refusalOf(answer.statusCode, await bytesOf(answer.body), headerOf(answer, 'retry-after'));
    });
  }

  /** An attribute of a management bean, where the one that answered last tells it. */
  async bean(name: string, attribute: string): Promise<string | undefined> {
    const url = new URL(`${this.url}/jmx`);
    url.searchParams.set('get', `${name}::${attribute}`);
    const { user, password } = this.#options;
    if (user !== undefined && password === undefined) url.searchParams.set('user.name', user);
    try {
      const answer = await this.#send(url, { method: 'GET', signal: AbortSignal.timeout(BEAN_MS) });
      const { beans } = JSON.parse((await bytesOf(answer.body)).toString('utf8')) as {
        beans?: readonly Readonly<Record<string, unknown>>[];
      };
      const value = beans?.[0]?.[attribute];
      return typeof value === 'string' ? value : undefined;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await (await this.#agent)?.destroy();
  }

  /** Asks the one that answered last, then each of the others: one of them is active. */
  async #each<T>(question: Question, read: (answer: Dispatcher.ResponseData, host: string) => Promise<T>): Promise<T> {
    let last: unknown;
    // Many ask at once: where one of them has got to is nothing to the others.
    for (let tried = 0, at = this.#at; tried < this.urls.length; tried++, at = (at + 1) % this.urls.length) {
      const base = this.urls[at] ?? '';
      try {
        const found = await read(await this.#send(this.#address(base, question), question), new URL(base).host);
        this.#at = at;
        return found;
      } catch (error) {
        question.signal?.throwIfAborted();
        const failure = error instanceof RemoteException ? error : new NodeFailure('name', new URL(base).host, error);
        last = failure;
        if (passing(failure) === 'cluster' || failure instanceof NodeFailure) continue;
        // Of anything else another one would only say the same.
        this.#at = at;
        throw failure;
      }
    }
    throw last;
  }

  #address(base: string, { path, op, query = {} }: Question): URL {
    const url = new URL(`${base}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}`);
    const { user, password, delegation_token } = this.#options;
    const asks = user === undefined || password !== undefined ? {} : { 'user.name': user };
    const who = delegation_token !== undefined ? { delegation: delegation_token } : asks;
    for (const [name, value] of Object.entries({ op, ...who, ...query })) url.searchParams.set(name, value);
    return url;
  }

  async #send(url: URL, { method, signal }: Pick<Question, 'method' | 'signal'>): Promise<Dispatcher.ResponseData> {
    const { request } = await import('undici');
    const { user = '', password } = this.#options;
    const basic = Buffer.from(`${user}:${password}`).toString('base64');
    return await request(url, {
      method,
      dispatcher: await this.#dispatcher(),
      headers: { 'user-agent': 'dataflow', ...(password === undefined ? {} : { authorization: `Basic ${basic}` }) },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #dispatcher(): Promise<Agent> {
    const { connect_timeout_s, request_timeout_s } = this.#options;
    this.#agent ??= import('undici').then(
      ({ Agent }) =>
        new Agent({
          connect: {
            timeout: connect_timeout_s * 1000,
            lookup: this.#rules.nameLookup as never,
            ...(this.#authority === undefined ? {} : { ca: this.#authority }),
          },
          headersTimeout: request_timeout_s * 1000,
          bodyTimeout: request_timeout_s * 1000,
        }),
    );
    return this.#agent;
  }
}

/** Addresses of a connection, without `/` at their ends. */
export function urlsOf({ url }: Pick<HdfsConnectionOptions, 'url'>): readonly string[] {
  return (typeof url === 'string' ? [url] : url).map((one) => one.replace(/\/+$/, ''));
}

/** What an answer that refuses means. @param text its body */
export function refusalOf(status: number, text: Buffer, retry_after?: string): RemoteException {
  if (status === 401) return new RemoteException('AuthenticationException', 'it asks who we are (401)', status);
  try {
    const { RemoteException: said } = JSON.parse(text.toString('utf8')) as {
      RemoteException: { exception: string; message: string | null };
    };
    // Some of Java's exceptions have no message.
    return new RemoteException(said.exception, said.message?.split('\n')[0] || 'it gives no reason', status);
  } catch {
    return new RemoteException('', `it answers ${status}`, status, waitAskedFor(retry_after));
  }
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

async function* whole(body: AsyncIterable<Uint8Array>, host: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new NodeFailure('data', host, error);
  }
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new RemoteException('TooLong', 'its answer does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
