import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import type { Agent, Dispatcher } from 'undici';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { bareHost, guardedLookup, isLiterallyPrivate, isPublicAddress } from '../../kit/outbound.ts';
import type { Ask } from './ask.ts';
import { type BodyFile, readBody } from './body.ts';
import { AttemptFailed, badBody, networkFailure, refused } from './errors.ts';
import type { HttpOptions } from './options.ts';

/** An answer whose body is whole, as far as HTTP and its compression can tell. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; a repeated header is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Set when all of the body lies there, for whoever asked to have a large one so: `body` is then its beginning only. */
  readonly file?: BodyFile;
  /** Where it came from in the end. */
  readonly url: URL;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const REDIRECTS_MAX = 5;

/** What the rules for going out depend on. */
export type ExchangeSettings = Pick<
  HttpOptions,
  'url' | 'auth' | 'allow_private' | 'allow_hosts' | 'max_response_bytes' | 'timeouts'
>;

/** Asks over HTTP by the rules for going out: which hosts, which addresses, how much, how long. */
export class Exchange {
  readonly #settings: ExchangeSettings;
  /** Hosts that the configuration names; those that are private by their very name are meant to be. */
  readonly #typed_private: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  #agent: Promise<Agent> | undefined;

  constructor(settings: ExchangeSettings) {
    this.#settings = settings;
    const typed = [settings.url, settings.auth?.token_url].filter((url) => url !== undefined);
    const urls = typed.map((url) => new URL(url.replaceAll(/[{}]/g, '_')));
    this.#origins = new Set(urls.map(({ origin }) => origin));
    this.#typed_private = new Set(urls.map(({ hostname }) => bareHost(hostname)).filter(isLiterallyPrivate));
    this.#hosts = new Set(settings.allow_hosts.map(bareHost));
  }

  /**
   * One attempt: sends, follows redirects within bounds, reads and decompresses the body. `sign` gives what signs in to an origin.
   * @throws AttemptFailed, DataflowError E_OUTBOUND
   */
  async send(ask: Ask, sign: (url: URL) => Signature, signal: AbortSignal): Promise<Answer> {
    const limit = new TimeLimit(signal, this.#settings.timeouts.total_ms);
    try {
      let url = ask.url;
      for (let hops = 0; ; hops++) {
        this.check(url);
        const response = await this.#one(ask, url, sign(url), limit);
        const to = REDIRECTS.has(response.statusCode) ? headerOf(response.headers, 'location') : undefined;
        if (to === undefined) return await this.#answer(response, url, ask.large_to);
        await response.body.dump();
        if (hops === REDIRECTS_MAX)
          throw new AttemptFailed('network', `more than ${REDIRECTS_MAX} redirects, the last to ${shown(url)}`, {
            retry: true,
          });
        url = this.#redirected(ask, response.statusCode, url, to);
      }
    } catch (error) {
      if (error instanceof AttemptFailed || error instanceof DataflowError || signal.aborted) throw error;
      throw networkFailure(error, limit.over);
    } finally {
      limit.clear();
    }
  }

  /**
   * Says whether this address may be asked at all. What the name resolves to is checked when the connection is made.
   * @throws DataflowError E_OUTBOUND
   */
  check(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw refused(`${url.protocol} is not asked, only http: and https:`);
    const host = bareHost(url.hostname);
    if (!this.#isAllowed(url, host)) throw refused(`${shown(url)} is another host than the one that is configured`);
    if (isIP(host) !== 0 && !isPublicAddress(host) && !this.#mayBePrivate(host))
      throw refused(`${host} is a private address`);
  }

  /** True where credentials may go. */
  isOwn(url: URL): boolean {
    return this.#origins.has(url.origin);
  }

  async close(): Promise<void> {
    await (await this.#agent)?.destroy();
  }

  /** The configured origins, the same host by https instead of http, and hosts that were allowed. */
  #isAllowed(url: URL, host: string): boolean {
    if (this.#origins.has(url.origin) || this.#hosts.has(host)) return true;
    return url.protocol === 'https:' && url.port === '' && this.#origins.has(`http://${url.hostname}`);
  }

  #mayBePrivate(host: string): boolean {
    return this.#settings.allow_private || this.#typed_private.has(bareHost(host));
  }

  #redirected(ask: Ask, status: number, from: URL, location: string): URL {
    if (!URL.canParse(location, from.href)) throw badBody('it redirects to something that is no address');
    const url = new URL(location, from);
    if (ask.method === 'POST' && status < 307) throw badBody(`it redirects a POST with status ${status}`);
    if (from.protocol === 'https:' && url.protocol === 'http:')
      throw refused(`${shown(from)} redirects to http, without encryption`);
    if (ask.confidential === true && url.origin !== ask.url.origin)
      throw refused(`${shown(from)} redirects credentials to ${url.host}`);
    this.check(url);
    if (!this.isOwn(url) && ask.holdsSecret?.(url) === true)
      throw refused(`${shown(from)} redirects to ${url.host} with a secret in the address`);
    return url;
  }

  async #one(ask: Ask, url: URL, signature: Signature, signal: TimeLimit): Promise<Dispatcher.ResponseData> {
    const target = withQuery(url, signature.query);
    // What the configuration sends along may be confidential too.
    const own = this.isOwn(url) ? ask.headers : publicHeaders(ask.headers);
    this.#agent ??= this.#open();
    const agent = await this.#agent;
    return agent.request({
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: ask.method,
      headers: { ...own, ...signature.headers },
      ...(ask.body === undefined ? {} : { body: ask.body }),
      signal,
    });
  }

  async #open(): Promise<Agent> {
    const { Agent } = await import('undici');
    const { connect_ms, head_ms, idle_ms } = this.#settings.timeouts;
    return new Agent({
      connections: 4,
      pipelining: 1,
      connectTimeout: connect_ms,
      headersTimeout: head_ms,
      bodyTimeout: idle_ms,
      maxHeaderSize: 65_536,
      maxResponseSize: this.#settings.max_response_bytes,
      connect: { lookup: guardedLookup((host) => this.#mayBePrivate(host)) as never, timeout: connect_ms },
    });
  }

  async #answer(response: Dispatcher.ResponseData, url: URL, large_to: string | undefined): Promise<Answer> {
    const headers: Record<string, string> = {};
    for (const name of Object.keys(response.headers)) headers[name] = headerOf(response.headers, name) ?? '';
    const max = this.#settings.max_response_bytes;
    // What is refused is asked for its first words only.
    const folder = response.statusCode < 300 ? large_to : undefined;
    return { status: response.statusCode, headers, url, ...(await readBody(response.body, headers, max, folder)) };
  }
}

function withQuery(url: URL, query: Signature['query']): URL {
  const entries = Object.entries(query);
  if (entries.length === 0) return url;
  const target = new URL(url);
  for (const [name, value] of entries) target.searchParams.set(name, value);
  return target;
}

/** What signs a request in. */
export interface Signature {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** An address for people: without query and user part, where secrets may stand. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}

const PUBLIC = ['accept', 'accept-encoding', 'user-agent', 'content-type', 'accept-language'];

function publicHeaders(headers: Ask['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => PUBLIC.includes(name)));
}

function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Ends a request when its time is over, or with the signal of the pull. An emitter, because an AbortSignal takes thirty times as long to make. */
class TimeLimit extends EventEmitter {
  aborted = false;
  reason: unknown;
  over = false;
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(signal: AbortSignal, total_ms: number) {
    super();
    this.#signal = signal;
    this.#timer = setTimeout(() => {
      this.over = true;
      this.#end(undefined);
    }, total_ms);
    if (signal.aborted) this.#end(signal.reason);
    else signal.addEventListener('abort', this, { once: true });
  }

  /** The pull is ended. */
  handleEvent(): void {
    this.#end(this.#signal.reason);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this);
  }

  #end(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.emit('abort');
  }
}
