import { type ChannelCredentials, Client, type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js';
import type { ConnectAddress } from './connect-url.ts';
import { decode, encode, type Message, type Shape } from './protobuf.ts';

const SERVICE = '/spark.connect.SparkConnectService';
/** As much as Spark sends in one piece, and more. */
const MESSAGE_MAX_BYTES = 128 << 20;
const CALL_MAX_MS = 60_000;

/** A way of asking the server: what is sent, what comes back. */
export interface Method<Q extends Shape, A extends Shape> {
  readonly name: string;
  readonly request: Q;
  readonly response: A;
}

/** The connection to one server. Made at once, opened by the first call, and opened again by a call after it broke. */
export class Channel {
  readonly #client: Client;
  readonly #headers: Metadata;

  constructor(address: ConnectAddress) {
    this.#client = new Client(address.place, credentialsOf(address), {
      'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
      'grpc.max_send_message_length': MESSAGE_MAX_BYTES,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      'grpc.primary_user_agent': address.user_agent ?? 'dataflow',
    });
    this.#headers = new Metadata();
    for (const [name, value] of Object.entries(address.headers)) this.#headers.set(name, value);
    if (address.token !== undefined) this.#headers.set('authorization', `Bearer ${address.token}`);
  }

  /** One question, one answer. Rejects with gRPC's error. */
  ask<Q extends Shape, A extends Shape>(
    method: Method<Q, A>,
    request: Message<Q>,
    limit_ms: number = CALL_MAX_MS,
  ): Promise<Message<A>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `${SERVICE}/${method.name}`,
        (message: Message<Q>) => Buffer.from(encode(method.request, message)),
        (bytes) => decode(method.response, bytes),
        request,
        this.#headers,
        { deadline: Date.now() + limit_ms },
        (error, answer) => (error === null ? resolve(answer ?? {}) : reject(error)),
      );
    });
  }

  /** One question, answers as they come: the next one is taken from the network when the reader wants it (a few are held ready). */
  stream<Q extends Shape, A extends Shape>(
    method: Method<Q, A>,
    request: Message<Q>,
  ): ClientReadableStream<Message<A>> {
    return this.#client.makeServerStreamRequest(
      `${SERVICE}/${method.name}`,
      (message: Message<Q>) => Buffer.from(encode(method.request, message)),
      (bytes) => decode(method.response, bytes),
      request,
      this.#headers,
    );
  }

  close(): void {
    this.#client.close();
  }
}

function credentialsOf({ use_ssl }: ConnectAddress): ChannelCredentials {
  return use_ssl ? credentials.createSsl() : credentials.createInsecure();
}
