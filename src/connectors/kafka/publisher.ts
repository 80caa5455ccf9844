import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type StreamPosition, streamPositionFrom } from '../../core/model/stream.ts';
import type { OutMessage, Publisher, PublisherComponent, PublisherRequest } from '../../core/ports/publisher.ts';
import type { KafkaClient, KafkaProducer } from './client.ts';
import type { KafkaConnectionOptions } from './connection.ts';
import { openClient } from './open-client.ts';
import { newestByKey, writtenEnds } from './read-keyed.ts';
import { persist, type RetryOptions } from './retry.ts';

/**
 * Where positions are kept: a compacted topic beside those that are published to. A position is written in the transaction of its messages, so it
 * is right after any crash (ADR 0040).
 */
const POSITIONS_TOPIC = 'dataflow-positions';

/**
 * All streams share the topic of positions. A publisher that died leaves its transaction open there until the coordinator ends it, after a minute and
 * some seconds; what others committed meanwhile cannot be seen before.
 */
const OPEN_TRANSACTION_MS = 90_000;

/** Topics as the way out: `streams:` over a connection of `type: kafka`. */
export const component: PublisherComponent = {
  type: 'kafka',
  open: async (request) => {
    const options = request.connection.options as KafkaConnectionOptions;
    const client = await openClient(options, request.root, request.compression);
    return new KafkaPublisher(client, request, options);
  },
};

class KafkaPublisher implements Publisher {
  readonly #client: KafkaClient;
  readonly #request: PublisherRequest;
  readonly #retry: RetryOptions;
  #producer: KafkaProducer | undefined;

  constructor(client: KafkaClient, request: PublisherRequest, options: KafkaConnectionOptions) {
    this.#client = client;
    this.#request = request;
    const { signal, note, topic } = request;
    this.#retry = { patience_ms: options.patience_ms, place: options.brokers.join(','), topic, signal, note };
  }

  async position(): Promise<StreamPosition | undefined> {
    const known = await persist(this.#retry, () => this.#client.hasTopic(POSITIONS_TOPIC));
    if (!known) return undefined;
    const retry = { ...this.#retry, patience_ms: Math.max(this.#retry.patience_ms, OPEN_TRANSACTION_MS) };
    const written = await persist(retry, () => writtenEnds(this.#client, POSITIONS_TOPIC));
    const text = await persist(retry, () => newestByKey(this.#client, POSITIONS_TOPIC, this.#request.id, written));
    if (text === undefined) return undefined;
    const position = streamPositionFrom(parsed(text));
    if (position !== undefined) return position;
    throw new DataflowError('E_SOURCE_LOST', `the topic ${POSITIONS_TOPIC} holds something else than positions`, {
      hint: `Somebody else writes to ${POSITIONS_TOPIC}: stop that, and publish everything again with --full.`,
    });
  }

  async begin(): Promise<StreamPosition | undefined> {
    const { id, topic } = this.#request;
    await persist(this.#retry, async () => {
      await this.#client.ensureTopic(POSITIONS_TOPIC, { compacted: true });
      await this.#client.ensureTopic(topic, { compacted: false });
      this.#producer = await this.#client.producer(id);
      await this.#producer.fence();
    });
    return await this.position();
  }

  async publish(messages: readonly OutMessage[], position: StreamPosition): Promise<void> {
    const { id, topic, signal } = this.#request;
    signal.throwIfAborted();
    const producer = this.#producer;
    if (producer === undefined) throw new DataflowError('E_INTERNAL', `${topic} was published to before it was begun`);
    // Not tried again here: whether it went through is only known from the position, which is read at the next begin.
    await persist({ ...this.#retry, patience_ms: 0 }, () =>
      producer.transaction([
        { topic, messages },
        { topic: POSITIONS_TOPIC, messages: [{ key: id, value: JSON.stringify(position) }] },
      ]),
    );
  }

  async close(): Promise<void> {
    await this.#producer?.close();
    await this.#client.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
