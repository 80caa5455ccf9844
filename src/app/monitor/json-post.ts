import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from 'undici';
import type { PostTarget } from '../../core/model/monitor.ts';
import { guardedLookup, isLiterallyPrivate } from '../../kit/outbound.ts';

export interface PostOptions {
  /** Longest time for one attempt. */
  readonly attempt_ms_max: number;
  /** The address is the word of whoever runs this machine: it may be private. Else only one that is written out as such may be. */
  readonly trusted?: boolean;
}

const ATTEMPTS = 3;
const PAUSE_MS = 500;
const ANSWER_BYTES_MAX = 65_536;
/** Answers after which another attempt may help. */
const TRY_AGAIN: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Why something was not taken. */
export interface PostFailure {
  readonly words: string;
  /** Another attempt may help. */
  readonly again: boolean;
  /** There was no answer in time. */
  readonly silent: boolean;
}

/** Posts JSON to one address. A redirect is not followed, since it would lead where nobody allowed; connections are kept until `close`. */
export class JsonPost {
  readonly #target: PostTarget;
  readonly #options: PostOptions;
  #agent: Agent | undefined;

  constructor(target: PostTarget, options: PostOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * @param options.until ends all of it, whatever the other side does meanwhile.
   * @returns why it was not taken, after three attempts where another one might help; undefined when it was.
   */
  async post(
    body: string,
    options: { readonly attempts?: number; readonly until?: AbortSignal } = {},
  ): Promise<PostFailure | undefined> {
    const { attempts = ATTEMPTS, until } = options;
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#attempt(body, until);
      if (failure === undefined || !failure.again || attempt >= attempts || until?.aborted === true) return failure;
      await sleep(PAUSE_MS * 2 ** (attempt - 1), undefined, until === undefined ? {} : { signal: until }).catch(
        () => undefined,
      );
    }
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #attempt(body: string, until: AbortSignal | undefined): Promise<PostFailure | undefined> {
    const { Agent, request } = await import('undici');
    const { attempt_ms_max, trusted } = this.#options;
    const url = new URL(this.#target.url);
    const may_be_private = trusted === true || isLiterallyPrivate(url.hostname);
    this.#agent ??= new Agent({
      connect: { lookup: guardedLookup(() => may_be_private) as never, timeout: attempt_ms_max },
    });
    const timeout = AbortSignal.timeout(attempt_ms_max);
    const signal = until === undefined ? timeout : AbortSignal.any([timeout, until]);
    try {
      const { statusCode, body: answer } = await before(
        signal,
        request(url, {
          dispatcher: this.#agent,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'dataflow', ...this.#target.headers },
          body,
          signal,
        }),
      );
      await before(signal, answer.dump({ limit: ANSWER_BYTES_MAX }));
      if (statusCode >= 200 && statusCode < 300) return undefined;
      return { words: `${url.host} answered ${statusCode}`, again: TRY_AGAIN.has(statusCode), silent: false };
    } catch (error) {
      return failureOf(error, url.host, until?.aborted === true ? undefined : attempt_ms_max);
    }
  }
}

/** The client looks at the signal only once it is connected: an address that swallows packets and a dead name server would hold it longer. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const end = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, end]);
}

/** @param attempt_ms_max undefined: the time for all of it is over. */
function failureOf(error: unknown, host: string, attempt_ms_max: number | undefined): PostFailure {
  if (attempt_ms_max === undefined) return { words: `${host}: no answer in time`, again: false, silent: true };
  const { name, code, message } = error as NodeJS.ErrnoException;
  const silent = name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT';
  const words = silent ? `no answer within ${attempt_ms_max / 1000} s` : (message ?? String(error));
  return { words: `${host}: ${words}`, again: name !== 'OutboundRefusal', silent };
}
