import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type Backoff, jitteredWait } from '../../kit/backoff.ts';
import { failureOf, isBroken, isForgotten } from './failures.ts';
import type { Link } from './link.ts';
import {
  ANY_RESPONSE,
  EXECUTE_PLAN_REQUEST,
  EXECUTE_PLAN_RESPONSE,
  type ExecutePlanResponse,
  INTERRUPT_OPERATION,
  INTERRUPT_REQUEST,
  REATTACH_EXECUTE_REQUEST,
  RELEASE_EXECUTE_REQUEST,
} from './messages.ts';
import type { Plan } from './plans.ts';

const EXECUTE = { name: 'ExecutePlan', request: EXECUTE_PLAN_REQUEST, response: EXECUTE_PLAN_RESPONSE };
const REATTACH = { name: 'ReattachExecute', request: REATTACH_EXECUTE_REQUEST, response: EXECUTE_PLAN_RESPONSE };
const RELEASE = { name: 'ReleaseExecute', request: RELEASE_EXECUTE_REQUEST, response: ANY_RESPONSE };
const INTERRUPT = { name: 'Interrupt', request: INTERRUPT_REQUEST, response: ANY_RESPONSE };

/** About eight seconds in all: a network that hiccups, not a server that is started again (which would not know the operation). */
const REATTACHING: Backoff = { attempts: 9, base_ms: 100, max_ms: 4_000 };
/** Spark tells its progress every few seconds; a stream that is silent for longer may hang on a connection that is dead. */
const SILENCE_MAX_MS = 60_000;
const FAREWELL_MAX_MS = 5_000;

export interface OperationOptions {
  /** For the place in messages. */
  readonly sql?: string;
  readonly signal?: AbortSignal | undefined;
}

type Stream = ClientReadableStream<ExecutePlanResponse>;

/**
 * What the server answers to a plan, each answer once, in order. It keeps answers until they are released, so that after a broken
 * connection the stream goes on behind the last answer that was taken. An abort, and a reader who leaves, end the work at the server.
 * @throws DataflowError
 */
export async function* execute(
  link: Link,
  plan: Plan,
  options: OperationOptions = {},
): AsyncGenerator<ExecutePlanResponse, void, void> {
  yield* new Operation(link, plan, options).answers();
}

class Operation {
  readonly #link: Link;
  readonly #plan: Plan;
  readonly #options: OperationOptions;
  readonly #id = randomUUID();
  #stream: Stream | undefined;
  #last: string | undefined;
  #sent = false;
  #failures = 0;
  #releasing = false;

  constructor(link: Link, plan: Plan, options: OperationOptions) {
    this.#link = link;
    this.#plan = plan;
    this.#options = options;
  }

  async *answers(): AsyncGenerator<ExecutePlanResponse, void, void> {
    const { signal } = this.#options;
    if (signal?.aborted === true) throw interrupted();
    const onAbort = (): void => this.#stream?.cancel();
    signal?.addEventListener('abort', onAbort);
    let over = false;
    try {
      for (;;) {
        const answer = await this.#next();
        if (answer.result_complete !== undefined) break;
        yield answer;
        this.#releaseTaken();
      }
      over = true;
    } catch (error) {
      over = !(error instanceof DataflowError && error.code === 'E_ENGINE_INTERRUPTED');
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#stream?.cancel();
      await this.#leave(over);
    }
  }

  /** The next answer, over a new stream where the old one broke or (as Spark does with long ones) was ended half-way. */
  async #next(): Promise<ExecutePlanResponse> {
    for (;;) {
      const { signal } = this.#options;
      try {
        this.#stream ??= this.#open();
        const answer = await nextOf(this.#stream);
        if (signal?.aborted === true) throw interrupted();
        if (answer === undefined) {
          this.#stream = undefined;
          continue;
        }
        this.#failures = 0;
        this.#last = answer.response_id ?? this.#last;
        this.#link.heard(answer);
        return answer;
      } catch (error) {
        if (signal?.aborted === true) throw interrupted();
        await this.#mend(error);
      }
    }
  }

  #open(): Stream {
    const { identity } = this.#link;
    const operation_id = this.#id;
    if (this.#sent) return this.#link.stream(REATTACH, { ...identity, operation_id, last_response_id: this.#last });
    this.#sent = true;
    const request_options = [{ reattach_options: { reattachable: true } }];
    const stream = this.#link.stream(EXECUTE, { ...identity, operation_id, plan: this.#plan, request_options });
    return stream;
  }

  /** Makes ready for another try, or throws what cannot be helped. */
  async #mend(error: unknown): Promise<void> {
    const failure = failureOf(error);
    this.#stream?.cancel();
    this.#stream = undefined;
    const lost_on_the_way =
      failure !== undefined && isForgotten(failure) && this.#last === undefined && this.#failures > 0;
    if (failure === undefined || !(isBroken(failure) || lost_on_the_way) || ++this.#failures >= REATTACHING.attempts)
      throw await this.#link.explain(error, this.#options.sql);
    // The server never saw the plan: it is sent again, under the same id, so that it is not run twice.
    if (lost_on_the_way) this.#sent = false;
    await sleep(jitteredWait(this.#failures, REATTACHING), undefined, this.#sleeping()).catch(() => {});
    if (this.#options.signal?.aborted === true) throw interrupted();
  }

  #sleeping(): { readonly signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal };
  }

  /** Lets the server forget what was taken. One call at a time: the next one says more. */
  #releaseTaken(): void {
    if (this.#releasing || this.#last === undefined) return;
    this.#releasing = true;
    void this.#tell({ release_until: { response_id: this.#last } }).finally(() => {
      this.#releasing = false;
    });
  }

  /** Lets the server forget the operation; one that is still going on is ended first. */
  async #leave(over: boolean): Promise<void> {
    if (!this.#sent) return;
    if (!over) {
      const request = { ...this.#link.identity, interrupt_type: INTERRUPT_OPERATION, operation_id: this.#id };
      await this.#link.ask(INTERRUPT, request, FAREWELL_MAX_MS).catch(() => {});
    }
    this.#link.later(this.#tell({ release_all: {} }));
  }

  /** What is not released is forgotten by the server after a while: no failure matters. */
  async #tell(release: { readonly release_all: object } | { readonly release_until: { response_id: string } }) {
    const request = { ...this.#link.identity, operation_id: this.#id, ...release };
    await this.#link.ask(RELEASE, request, FAREWELL_MAX_MS).catch(() => {});
  }
}

/** The next message; undefined at the end. A stream that is silent for too long is cancelled, which is an error of it. */
async function nextOf(stream: Stream): Promise<ExecutePlanResponse | undefined> {
  const timer = setTimeout(() => stream.cancel(), SILENCE_MAX_MS);
  try {
    const { value, done } = await iteratorOf(stream).next();
    return done === true ? undefined : value;
  } finally {
    clearTimeout(timer);
  }
}

const iterators = new WeakMap<Stream, AsyncIterator<ExecutePlanResponse>>();

function iteratorOf(stream: Stream): AsyncIterator<ExecutePlanResponse> {
  const found = iterators.get(stream) ?? stream[Symbol.asyncIterator]();
  iterators.set(stream, found);
  return found;
}

function interrupted(): DataflowError {
  return new DataflowError('E_ENGINE_INTERRUPTED', 'Spark was interrupted');
}
