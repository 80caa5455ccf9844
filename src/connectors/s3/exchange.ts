import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Agent, Dispatcher } from 'undici';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarStorageRequest } from '../../core/ports/far-storage.ts';
import type { Backoff } from '../../kit/backoff.ts';
import { withRetries } from '../../kit/retries.ts';
import type { S3ConnectionOptions } from './connection.ts';
import {
  documentOf,
  farError,
  nextPage,
  refusalInside,
  refusalOf,
  S3Problem,
  wordsOf,
  worthAnother,
} from './refusals.ts';
import { Signature4 } from './signature.ts';
import type { XmlElement } from './xml.ts';

/** What is counted under one name, and the right that it takes. */
export const RIGHTS = {
  list: 's3:ListBucket',
  head: 's3:GetObject',
  get: 's3:GetObject',
  put: 's3:PutObject',
  copy: 's3:PutObject',
  delete: 's3:DeleteObject',
  part: 's3:PutObject',
  upload: 's3:PutObject',
  complete: 's3:PutObject',
  abort: 's3:AbortMultipartUpload',
  parts: 's3:ListMultipartUploadParts',
  uploads: 's3:ListBucketMultipartUploads',
  bucket: 's3:GetBucketVersioning',
} as const;
export type S3Ask = keyof typeof RIGHTS;

export interface S3Request {
  readonly ask: S3Ask;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** SHA-256 of the body in hex, where the caller has it already; `UNSIGNED` where a header of the request vouches for it. */
  readonly body_sha256?: string;
  readonly signal: AbortSignal;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Enough for an overloaded or restarting service, about fifteen seconds in all. */
const AGAIN: Backoff = { attempts: 8, base_ms: 100, max_ms: 5_000 };
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** More are never at work at once. */
const CONNECTIONS_MAX = 64;
const NOTHING_SHA256 = createHash('sha256').update('').digest('hex');

/**
 * Signed requests to one bucket. The hash of a body is part of the signature, or a checksum of it is, so the service refuses bytes that changed on the way.
 * Why the library is not used here: ADR 0052.
 */
export class S3Exchange {
  readonly requests = new Map<string, number>();
  readonly #options: S3ConnectionOptions;
  readonly #request: Pick<FarStorageRequest, 'note' | 'spared'>;
  readonly #origin: string;
  readonly #host: string;
  readonly #base: string;
  #agent: Promise<Agent> | undefined;
  #signature: Signature4 | undefined;

  constructor(options: S3ConnectionOptions, request: Pick<FarStorageRequest, 'note' | 'spared'>) {
    this.#options = options;
    this.#request = request;
    const endpoint = new URL(options.endpoint);
    if (!options.path_style) endpoint.hostname = `${options.bucket}.${endpoint.hostname}`;
    this.#origin = endpoint.origin;
    this.#host = endpoint.host;
    this.#base = options.path_style ? `/${options.bucket}` : '';
  }

  /** `http://minio:9000/bucket`. */
  get name(): string {
    return `${this.#options.endpoint.replace(/\/$/, '')}/${this.#options.bucket}`;
  }

  get bucket(): string {
    return this.#options.bucket;
  }

  /** A whole answer, tried again where that may help. @throws DataflowError E_FAR_*, S3Problem when `allowed` holds its code */
  async ask(request: S3Request, allowed: readonly string[] = []): Promise<S3Answer> {
    return await this.retried(request, () => this.once(request), allowed);
  }

  /** What is asked for as a document of that name; asked again when it is cut off. @throws as {@link ask} */
  async document(request: S3Request, name: string): Promise<XmlElement> {
    return await this.retried(request, async () => documentOf((await this.once(request)).text, name));
  }

  /** The same of one page of many; `next` is the mark of the page that follows, empty on the last. */
  async page(
    request: S3Request,
    name: string,
    { mark, last }: { readonly mark: string; readonly last: string },
  ): Promise<{ readonly page: XmlElement; readonly next: string }> {
    return await this.retried(request, async () => {
      const page = documentOf((await this.once(request)).text, name);
      return { page, next: nextPage(page, mark, last) };
    });
  }

  /** The loop around {@link once} and whatever else is one attempt. */
  async retried<T>(
    request: Pick<S3Request, 'ask' | 'key' | 'signal'>,
    attempt: (attempt: number) => Promise<T>,
    allowed: readonly string[] = [],
  ): Promise<T> {
    const { ask, key, signal } = request;
    try {
      return await withRetries(attempt, {
        backoff: AGAIN,
        signal,
        again: (error) => worthAnother(error),
        waits: (error, wait_ms, tried) => {
          if (error instanceof S3Problem && error.spare) this.#request.spared?.();
          if (tried === 4) this.#request.note(`${this.name}: ${wordsOf(error)}; trying on (${wait_ms} ms)`);
        },
      });
    } catch (error) {
      if (error instanceof S3Problem && allowed.includes(error.code)) throw error;
      if (signal.aborted || error instanceof DataflowError) throw error;
      const { access_key = 'anonymous' } = this.#options;
      throw farError(error, { name: this.name, ask, key, user: access_key, right: RIGHTS[ask] });
    }
  }

  /** One attempt, its answer read to the end. @throws S3Problem for what the service refuses; what undici throws */
  async once(request: S3Request): Promise<S3Answer> {
    const answer = await this.open(request);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += (chunk as Buffer).length;
      if (bytes > ANSWER_BYTES_MAX) throw new S3Problem('TooLong', 'its answer does not end', { again: false });
      chunks.push(chunk as Buffer);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    const refused = refusalInside(text);
    if (refused !== undefined) throw refused;
    return { status: answer.statusCode, headers: plainHeaders(answer.headers), text };
  }

  /** One attempt whose body the caller reads: 2xx only. */
  async open(request: S3Request): Promise<Dispatcher.ResponseData> {
    const { ask, method, signal, body } = request;
    this.requests.set(ask, (this.requests.get(ask) ?? 0) + 1);
    // One signal ends them all: as many listeners as requests are meant.
    setMaxListeners(0, signal);
    const agent = await this.#dispatcher();
    const { path, headers } = this.#signed(request);
    const answer = await agent.request({
      ...{ origin: this.#origin, path, method, headers, signal },
      ...(body === undefined ? {} : { body }),
    });
    if (answer.statusCode < 300) return answer;
    throw await refusalOf(answer.statusCode, plainHeaders(answer.headers), await answer.body.text());
  }

  async close(): Promise<void> {
    const agent = await this.#agent;
    await agent?.destroy();
  }

  #signed({ method, key, query, headers: more, body, body_sha256 }: S3Request): {
    readonly path: string;
    readonly headers: Record<string, string>;
  } {
    const { access_key, secret_key, session_token, region } = this.#options;
    const search = Object.entries(query ?? {}).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
    const object = key === undefined ? '' : `/${key.split('/').map(encoded).join('/')}`;
    const path = `${this.#base}${object === '' && this.#base === '' ? '/' : object}${search.length === 0 ? '' : `?${search.sort().join('&')}`}`;
    const headers: Record<string, string> = { host: this.#host, 'user-agent': 'dataflow', ...more };
    if (body !== undefined) headers['content-length'] = String(body.length);
    if (access_key === undefined || secret_key === undefined) return { path, headers };
    const sha256 =
      body_sha256 ??
      (body === undefined || body.length === 0 ? NOTHING_SHA256 : createHash('sha256').update(body).digest('hex'));
    const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
    headers['x-amz-date'] = time;
    headers['x-amz-content-sha256'] = sha256;
    if (session_token !== undefined) headers['x-amz-security-token'] = session_token;
    this.#signature ??= new Signature4(access_key, secret_key, region);
    headers['authorization'] = this.#signature.sign({ method, path, headers, body_sha256: sha256 }, time);
    return { path, headers };
  }

  #dispatcher(): Promise<Agent> {
    const { connect_timeout_s, request_timeout_s } = this.#options;
    this.#agent ??= import('undici').then(
      ({ Agent }) =>
        new Agent({
          connections: CONNECTIONS_MAX,
          connect: { timeout: connect_timeout_s * 1000 },
          headersTimeout: request_timeout_s * 1000,
          bodyTimeout: request_timeout_s * 1000,
        }),
    );
    return this.#agent;
  }
}

/** As SigV4 wants it. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function plainHeaders(headers: Dispatcher.ResponseData['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}
