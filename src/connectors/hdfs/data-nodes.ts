import { request as askHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as askHttps } from 'node:https';
import { isIP } from 'node:net';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { bareHost, OutboundRefusal } from '../../kit/outbound.ts';
import type { HdfsConnectionOptions } from './connection.ts';
import type { HostRules } from './hosts.ts';
import { refusalOf, urlsOf } from './name-nodes.ts';
import { NodeFailure, RemoteException } from './refusals.ts';

/** Bytes on their way to a DataNode. */
export interface Body {
  readonly size_bytes: number;
  /** The next one is asked for when one has left us. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * DataNodes, by Node's own HTTP: they say "100 Continue" without being asked when they are written to, which undici takes for a broken answer. They close
 * each connection after one answer.
 */
export class DataNodes {
  readonly #options: HdfsConnectionOptions;
  readonly #rules: HostRules;
  readonly #authority: string | undefined;
  readonly #origins: ReadonlySet<string>;
  readonly #secure: boolean;

  constructor(options: HdfsConnectionOptions, rules: HostRules, authority: string | undefined) {
    this.#options = options;
    this.#rules = rules;
    this.#authority = authority;
    const urls = urlsOf(options).map((url) => new URL(url));
    this.#origins = new Set(urls.map(({ origin }) => origin));
    this.#secure = urls.every(({ protocol }) => protocol === 'https:');
  }

  /** The bytes of an answer as they come. @throws RemoteException, NodeFailure, DataflowError E_OUTBOUND; the chunks too */
  async open(location: string, signal: AbortSignal | undefined): Promise<AsyncIterable<Uint8Array>> {
    const url = this.#checked(location);
    const answer = await this.#ask('GET', url, undefined, signal);
    if (answer.statusCode === 200) return whole(answer, url.host);
    throw refusalOf(answer.statusCode ?? 0, await textOf(answer, url.host), answer.headers['retry-after']);
  }

  /** Sends bytes, or asks without any, and reads what is said to it. @throws RemoteException, NodeFailure, DataflowError E_OUTBOUND */
  async send(
    method: 'GET' | 'PUT' | 'POST',
    location: string,
    body: Body | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    const url = this.#checked(location);
    const answer = await this.#ask(method, url, body, signal);
    const text = await textOf(answer, url.host);
    const status = answer.statusCode ?? 0;
    if (status === 200 || status === 201) return text;
    throw refusalOf(status, text, answer.headers['retry-after']);
  }

  #checked(location: string): URL {
    const url = URL.canParse(location) ? new URL(location) : undefined;
    if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
      throw new RemoteException('BadRedirect', `it sends us to ${url?.protocol ?? 'something that is no address'}`);
    if (this.#secure && url.protocol === 'http:')
      throw new DataflowError(
        'E_OUTBOUND',
        `${url.host}: the NameNode sends us from https to http, without encryption`,
        {
          hint: 'Have the DataNodes serve HTTPS (`dfs.http.policy: HTTPS_ONLY`).',
        },
      );
    return url;
  }

  async #ask(
    method: string,
    url: URL,
    body: Body | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const link: Link = { reached: false };
    try {
      const request = this.#request(method, url, body, signal);
      return await exchange(request, body, link);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof OutboundRefusal)
        throw new DataflowError('E_OUTBOUND', `the NameNode sends us to ${error.message}`, { cause: error });
      if (error instanceof BodyFailure) throw error.cause;
      throw new NodeFailure('data', url.host, error, link.reached);
    }
  }

  #request(method: string, url: URL, body: Body | undefined, signal: AbortSignal | undefined): ClientRequest {
    const { host, port } = this.#rules.target(url);
    const { user = '', password, connect_timeout_s, request_timeout_s } = this.#options;
    const secure = url.protocol === 'https:';
    const named = bareHost(url.hostname);
    // What signs in at a gateway goes to its own address alone.
    const basic = password === undefined || !this.#origins.has(url.origin) ? undefined : `${user}:${password}`;
    const request = (secure ? askHttps : askHttp)({
      method,
      host,
      port,
      path: `${url.pathname}${url.search}`,
      agent: false,
      lookup: this.#rules.dataLookup(this.#rules.isDeclared(url)) as never,
      ...(secure && isIP(named) === 0 ? { servername: named } : {}),
      ...(secure && this.#authority !== undefined ? { ca: this.#authority } : {}),
      ...(signal === undefined ? {} : { signal }),
      ...(basic === undefined ? {} : { auth: basic }),
      headers: {
        host: url.host,
        'user-agent': 'dataflow',
        ...(body === undefined
          ? { ...(method === 'GET' ? {} : { 'content-length': 0 }) }
          : { 'content-length': body.size_bytes, 'content-type': 'application/octet-stream' }),
      },
    });
    limitTime(request, connect_timeout_s * 1000, request_timeout_s * 1000);
    return request;
  }
}

/** Whether there was a connection at all. */
interface Link {
  reached: boolean;
}

/** What is to be sent could not be had: that is no fault of the node. */
class BodyFailure extends Error {
  constructor(cause: unknown) {
    super('the bytes could not be had', { cause });
  }
}

/**
 * Sends the body no faster than it is taken, and ends with the head of the answer. A refusal may come before the body is through, which then ends; all of a
 * body that is taken is read to its end, however early the answer.
 */
function exchange(request: ClientRequest, body: Body | undefined, link: Link): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let over = false;
    request.on('error', (error) => {
      over = true;
      reject(error);
    });
    // Of a body nothing is taken before there is somebody to send it to: it can still go elsewhere.
    const met = connected(request, link);
    const fed =
      body === undefined ? Promise.resolve(void request.end()) : met.then(() => feed(request, body, () => over));
    request.once('response', (answer) => {
      over = (answer.statusCode ?? 0) >= 300;
      fed.then(
        () => resolve(answer),
        () => answer.destroy(),
      );
    });
    fed.catch((error: unknown) => {
      request.destroy();
      reject(new BodyFailure(error));
    });
  });
}

/** Until there is a connection, or never will be one. */
function connected(request: ClientRequest, link: Link): Promise<void> {
  return new Promise((resolve) => {
    request.once('close', resolve);
    request.once('socket', (socket) => {
      socket.once(request.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        link.reached = true;
        resolve();
      });
    });
  });
}

async function feed(request: ClientRequest, body: Body, over: () => boolean): Promise<void> {
  if (over()) return;
  for await (const chunk of body.chunks) {
    if (over()) return;
    await written(request, chunk, over);
  }
  request.end();
}

/** Until the bytes have left us, or never will. */
function written(request: ClientRequest, chunk: Uint8Array, over: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of EVENTS) request.off(event, look);
      resolve();
    };
    const look = (): void => {
      if (over() || request.destroyed) done();
    };
    for (const event of EVENTS) request.on(event, look);
    request.write(chunk, done);
  });
}

const EVENTS = ['close', 'error', 'response'] as const;

function limitTime(request: ClientRequest, connect_ms: number, idle_ms: number): void {
  const late = (what: string) => (): void =>
    void request.destroy(Object.assign(new Error(what), { code: 'ETIMEDOUT' }));
  const timer = setTimeout(late(`no connection within ${connect_ms / 1000} s`), connect_ms);
  request.once('close', () => clearTimeout(timer));
  request.once('socket', (socket) => {
    socket.once('connect', () => clearTimeout(timer));
    socket.setTimeout(idle_ms, late(`nothing moved for ${idle_ms / 1000} s`));
  });
}

async function textOf(answer: IncomingMessage, host: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of whole(answer, host)) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new RemoteException('TooLong', 'its answer does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* whole(answer: IncomingMessage, host: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    throw new NodeFailure('data', host, error);
  } finally {
    answer.destroy();
  }
}
