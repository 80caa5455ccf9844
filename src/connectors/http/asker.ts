import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { jitteredWait, retryAfterMs } from '../../kit/backoff.ts';
import type { Ask } from './ask.ts';
import { AttemptFailed } from './errors.ts';
import { type Answer, Exchange, type ExchangeSettings, shown } from './exchange.ts';
import type { HttpOptions } from './options.ts';
import { Signer } from './sign.ts';

/** What a pull lends to the one that asks. */
export interface AskHooks {
  readonly signal: AbortSignal;
  note(text: string): void;
  /** Told before a wait that is worth making things durable for. */
  beforeWait(): Promise<void>;
}

/** What asking depends on. */
export type AskerOptions = ExchangeSettings & Pick<HttpOptions, 'retry' | 'rate'>;

/** Waits shorter than this are nobody's business. */
const LONG_WAIT_MS = 1000;
const SLEEP_MS_MAX = 86_400_000;
/** What answers in full. "Accepted" and "partial" are no answers to what was asked. */
const ANSWERS = new Set([200, 201, 203, 204, 304]);
const RETRIED = new Set([202, 408, 425, 429, 500, 502, 503, 504]);

/** Asks until there is an answer that can be used, within the limits that are configured. The one place where requests are repeated. */
export class Asker {
  readonly exchange: Exchange;
  readonly #signer: Signer;
  readonly #options: AskerOptions;
  /** When the latest requests were sent, for `rate`. */
  readonly #sent_ms: number[] = [];
  #waited_ms = 0;
  /** Nobody asks before: one request was told to wait, and others may be under way beside it. */
  #quiet_until_ms = 0;

  constructor(options: AskerOptions) {
    this.#options = options;
    this.exchange = new Exchange(options);
    this.#signer = new Signer(options.auth, this.exchange);
  }

  /**
   * @param accept takes the answer, or throws an AttemptFailed when it is damaged; called once per answer in full, and for the statuses in `also`.
   * @throws DataflowError E_HTTP_*, E_OUTBOUND, E_INTERRUPTED
   */
  async ask<T>(
    ask: Ask,
    hooks: AskHooks,
    accept: (answer: Answer) => Promise<T> | T,
    also: readonly number[] = [],
  ): Promise<T> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#heedRate(hooks);
        const answer = await this.exchange.send(ask, await this.#signer.signature(hooks.signal), hooks.signal);
        if (!ANSWERS.has(answer.status) && !also.includes(answer.status)) throw this.#failure(answer);
        return await accept(answer);
      } catch (error) {
        if (hooks.signal.aborted) throw new DataflowError('E_INTERRUPTED', 'the run was interrupted', { cause: error });
        if (!(error instanceof AttemptFailed)) throw error;
        if (error.status === 401 && this.#signer.renews && !renewed) {
          // The token has ended before its time; that is no fault of the request.
          renewed = true;
          this.#signer.forget();
          continue;
        }
        await this.#pause(ask, error, attempt, hooks);
      }
    }
  }

  /** One attempt, for `doctor`. @throws AttemptFailed, DataflowError */
  async once(ask: Ask, signal: AbortSignal): Promise<Answer> {
    const answer = await this.exchange.send(ask, await this.#signer.signature(signal), signal);
    if (!ANSWERS.has(answer.status)) throw this.#failure(answer);
    return answer;
  }

  close(): Promise<void> {
    return this.exchange.close();
  }

  #failure({ status, headers, body }: Answer): AttemptFailed {
    const after_ms = retryAfterMs(headers['retry-after'], Date.now(), headers['date']);
    const words = this.#signer.masked(reasonIn(headers['content-type'] ?? '', body));
    return new AttemptFailed('status', `it answers with status ${status}${words === '' ? '' : `: ${words}`}`, {
      retry: RETRIED.has(status),
      after_ms,
      status,
    });
  }

  /** Waits before the next attempt; throws when there is none. */
  async #pause(ask: Ask, failure: AttemptFailed, attempt: number, hooks: AskHooks): Promise<void> {
    const { retry } = this.#options;
    const where = shown(ask.url);
    if (!failure.retry) throw final(where, failure, refusalCode(failure), '');
    const asked = failure.after_ms ?? 0;
    if (asked > retry.max_wait_ms)
      throw new DataflowError(
        'E_HTTP_WAIT',
        `${where}: ${failure.message}; it asks to wait ${seconds(asked)}, more than retry.max_wait_ms (${seconds(retry.max_wait_ms)})`,
      );
    if (attempt >= retry.attempts) {
      const code = failure.kind === 'body' ? 'E_HTTP_BODY' : 'E_SOURCE_UNREACHABLE';
      throw final(where, failure, code, attempt === 1 ? '' : ` (${attempt} attempts)`);
    }
    // Never shorter than asked for, and not all at the same moment.
    const wait_ms = asked > 0 ? asked + jitteredWait(1, retry) : jitteredWait(attempt, retry);
    if (this.#waited_ms + wait_ms > retry.budget_ms)
      throw new DataflowError(
        'E_HTTP_WAIT',
        `${where}: ${failure.message}; the waits of this pull exceed retry.budget_ms (${seconds(retry.budget_ms)})`,
      );
    this.#waited_ms += wait_ms;
    if (asked > 0) this.#quiet_until_ms = Math.max(this.#quiet_until_ms, performance.now() + asked);
    const why = asked > 0 ? ` as it asks (Retry-After)` : '';
    hooks.note(
      `${where}: ${failure.message}; waiting ${seconds(wait_ms)}${why}, then attempt ${attempt + 1} of ${retry.attempts}`,
    );
    await this.#wait(wait_ms, hooks);
  }

  async #heedRate(hooks: AskHooks): Promise<void> {
    const { rate } = this.#options;
    for (let wait_ms = this.#quietMs(); wait_ms > 0; wait_ms = this.#quietMs()) await this.#wait(wait_ms, hooks);
    if (rate === undefined) return;
    while (this.#sent_ms.length >= rate.requests) {
      const wait_ms = (this.#sent_ms[0] ?? 0) + rate.per_ms - performance.now();
      if (wait_ms <= 0) this.#sent_ms.shift();
      else await this.#wait(Math.ceil(wait_ms), hooks);
    }
    this.#sent_ms.push(performance.now());
  }

  #quietMs(): number {
    return Math.ceil(this.#quiet_until_ms - performance.now());
  }

  async #wait(wait_ms: number, hooks: AskHooks): Promise<void> {
    if (wait_ms >= LONG_WAIT_MS) await hooks.beforeWait();
    try {
      // A timer of Node that is longer than 24 days fires at once.
      for (let left = wait_ms; left > 0; left -= SLEEP_MS_MAX)
        await sleep(Math.min(left, SLEEP_MS_MAX), undefined, { signal: hooks.signal });
    } catch (error) {
      throw new DataflowError('E_INTERRUPTED', 'the run was interrupted', { cause: error });
    }
  }
}

function refusalCode({ kind, status }: AttemptFailed): ErrorCode {
  if (kind === 'body') return 'E_HTTP_BODY';
  if (kind === 'network') return 'E_SOURCE_UNREACHABLE';
  return status === 401 || status === 403 ? 'E_SOURCE_DENIED' : 'E_SOURCE_QUERY';
}

function final(where: string, failure: AttemptFailed, code: ErrorCode, more: string): DataflowError {
  return new DataflowError(code, `${where}: ${failure.message}${more}`, {
    cause: failure,
    ...(code === 'E_SOURCE_DENIED' ? { hint: 'Check `auth:` and whether the credentials are still valid.' } : {}),
    ...(code === 'E_SOURCE_QUERY'
      ? { hint: 'Check `url:`, `query:` and `body:` against the documentation of the API.' }
      : {}),
  });
}

function seconds(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

const REASON_CHARS_MAX = 200;

/** What the API says about its refusal, in one line without control characters; nothing for a page of HTML. */
function reasonIn(content_type: string, body: Buffer): string {
  if (!/json|text\/plain/i.test(content_type)) return '';
  const text = body.subarray(0, 4 * REASON_CHARS_MAX).toString('utf8');
  const clean = text.replaceAll(/[\u0000-\u0020\u007f-\u009f]+/g, ' ').trim();
  return clean.length > REASON_CHARS_MAX ? `${clean.slice(0, REASON_CHARS_MAX)}…` : clean;
}
