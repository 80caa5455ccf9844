import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { redactor } from '../../kit/redact.ts';
import { Channel, type Method } from './channel.ts';
import type { ConnectAddress } from './connect-url.ts';
import { sparkError, type ToldError } from './errors.ts';
import { failureOf } from './failures.ts';
import { FETCH_ERROR_DETAILS_REQUEST, FETCH_ERROR_DETAILS_RESPONSE, type SparkError } from './messages.ts';
import type { Message, Shape } from './protobuf.ts';

const DETAILS = {
  name: 'FetchErrorDetails',
  request: FETCH_ERROR_DETAILS_REQUEST,
  response: FETCH_ERROR_DETAILS_RESPONSE,
};
const DETAILS_MAX_MS = 10_000;

/** Who asks: every request says it. */
export interface Identity {
  readonly session_id: string;
  readonly user_context: { readonly user_id: string; readonly user_name: string };
  readonly client_type: string;
  /** By it the server notices that the session that we mean ended, and does not begin another one under its name. */
  readonly client_observed_server_side_session_id?: string | undefined;
}

/** A session's line to its server: says who asks, and turns failures into errors of the catalogue, without the token. */
export class Link {
  readonly place: string;
  /** Set when the session is about to be closed. */
  leaving = false;
  #identity: Identity;
  /** Whether a Spark has answered here (that of version 3 does not say which session it means). */
  #met = false;
  readonly #channel: Channel;
  readonly #redact: (text: string) => string;
  readonly #pending = new Set<Promise<void>>();

  constructor(address: ConnectAddress) {
    const user = address.user_id ?? userInfo().username;
    this.place = address.place;
    this.#channel = new Channel(address);
    this.#redact = redactor(address.token === undefined ? [] : [address.token]);
    this.#identity = {
      session_id: randomUUID(),
      user_context: { user_id: user, user_name: user },
      client_type: address.user_agent ?? 'dataflow',
    };
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Takes note of which session of the server answers. */
  heard(answer: { readonly server_side_session_id?: string | undefined }): void {
    const { server_side_session_id } = answer;
    if (server_side_session_id !== undefined && this.#identity.client_observed_server_side_session_id === undefined)
      this.#identity = { ...this.#identity, client_observed_server_side_session_id: server_side_session_id };
  }

  /** @throws gRPC's error. */
  async ask<Q extends Shape, A extends Shape>(
    method: Method<Q, A>,
    request: Message<Q>,
    limit_ms?: number,
  ): Promise<Message<A>> {
    const answer = await this.#channel.ask(method, request, limit_ms);
    this.#met = true;
    return answer;
  }

  stream<Q extends Shape, A extends Shape>(
    method: Method<Q, A>,
    request: Message<Q>,
  ): ClientReadableStream<Message<A>> {
    return this.#channel.stream(method, request);
  }

  /** A failed call as an error of the catalogue, with what the server keeps about it. */
  async explain(error: unknown, sql?: string): Promise<DataflowError> {
    if (error instanceof DataflowError) return error;
    const failure = failureOf(error);
    if (failure === undefined) return new DataflowError('E_ENGINE', this.#redact(String(error)), { cause: error });
    const met = this.#met;
    const details = failure.error_id === undefined ? undefined : await this.#details(failure.error_id);
    const known = sparkError(failure, { place: this.place, met, sql, details }, undefined);
    const { code, message, place, hint } = known;
    return new DataflowError(code, this.#redact(message), { hint, ...(place === undefined ? {} : { place }) });
  }

  /** The message in full, which does not fit into the answer itself; undefined when the server has no more to say. */
  async #details(error_id: string): Promise<ToldError | undefined> {
    try {
      const { root_error_idx = 0, errors = [] } = await this.ask(
        DETAILS,
        { ...this.identity, error_id },
        DETAILS_MAX_MS,
      );
      const root = errors[root_error_idx];
      return root === undefined ? undefined : { ...root, causes: causesOf(errors, root) };
    } catch {
      return undefined;
    }
  }

  /** Something that nobody waits for before the end. */
  later(work: Promise<void>): void {
    const kept = work.finally(() => this.#pending.delete(kept));
    this.#pending.add(kept);
  }

  /** What nobody waited for is done. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  async close(): Promise<void> {
    await this.settled();
    this.#channel.close();
  }
}

/** What led to an error, the nearest first. */
function causesOf(errors: readonly SparkError[], root: SparkError): readonly SparkError[] {
  const causes: SparkError[] = [];
  for (let at = root.cause_idx; at !== undefined && causes.length < errors.length; ) {
    const cause: SparkError | undefined = errors[at];
    if (cause === undefined) break;
    causes.push(cause);
    at = cause.cause_idx;
  }
  return causes;
}
