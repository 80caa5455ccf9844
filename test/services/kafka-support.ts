// What the tests of the Kafka connector share: topics, producers, and a source that is asked again and again as the line would ask it.
import { type Admin, Kafka, logLevel, type Message, type Producer } from 'kafkajs';
import * as z from 'zod/mini';
import {
  component as connectionComponent,
  type KafkaConnectionOptions,
} from '../../src/connectors/kafka/connection.ts';
import { makeTopic } from '../../src/connectors/kafka/make-topic.ts';
import type { KafkaOptions } from '../../src/connectors/kafka/options.ts';
import { component as sourceComponent } from '../../src/connectors/kafka/source.ts';
import type { Position, PullContext, PulledSource, PullResult } from '../../src/core/ports/pulled-source.ts';
import { MemoryLanding, type MemoryUnit } from '../support/memory-landing.ts';
import { uniqueName } from './service.ts';

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

export function connectionOptions(options: Given<KafkaConnectionOptions>): KafkaConnectionOptions {
  return z.parse(connectionComponent.schema as z.ZodMiniType<KafkaConnectionOptions>, options);
}

export async function openSource(
  connection: Given<KafkaConnectionOptions>,
  options: Given<KafkaOptions>,
): Promise<PulledSource> {
  return await sourceComponent.open(z.parse(sourceComponent.schema as z.ZodMiniType<KafkaOptions>, options), {
    inspectors: {} as never,
    connection: { name: 'events', type: 'kafka', options: connectionOptions(connection) },
  });
}

/** A source together with what the lake would know of it: each unit that is sealed counts as committed. */
export class Reading {
  readonly units: MemoryUnit[] = [];
  readonly notes: string[] = [];
  position: Position | undefined;
  readonly expected = new Map<string, number>();
  readonly source: PulledSource;
  constructor(source: PulledSource) {
    this.source = source;
  }

  context(more: Partial<PullContext> = {}): PullContext {
    return {
      name: 'reading',
      root: '/nowhere',
      now_ms: Date.now(),
      signal: new AbortController().signal,
      temp_folder: '/nowhere',
      position: this.position,
      expected: this.expected,
      limits: { records_max: 1_000_000_000, bytes_max: 1e12, wait_ms: 0 },
      from_raw: false,
      note: (text) => this.notes.push(text),
      ...more,
    };
  }

  /** One pull; @returns the rows that it brought. What was sealed before a failure is kept, as the line keeps it. */
  async pull(
    more: Partial<PullContext> = {},
    on_write?: () => void,
  ): Promise<{ rows: Record<string, unknown>[]; result: PullResult }> {
    const landing = new MemoryLanding(true, on_write);
    try {
      const result = await this.source.pull(landing, this.context(more));
      return { rows: landing.rows(), result };
    } finally {
      for (const unit of landing.units) this.#commit(unit);
    }
  }

  /** As the lake does it: a span must begin where the stream stands. */
  #commit(unit: MemoryUnit): void {
    this.units.push(unit);
    this.position = unit.position;
    for (const { stream, from, next, holes, records } of unit.spans ?? []) {
      const stands = this.expected.get(stream);
      if (stands !== undefined && stands !== from)
        throw new Error(`${stream} stands at ${stands}, the span begins at ${from}`);
      if (next - from !== holes + records)
        throw new Error(`${stream} ${from}..${next} holds ${records} and ${holes} holes`);
      this.expected.set(stream, next);
    }
  }

  get rows(): Record<string, unknown>[] {
    const landing = new MemoryLanding();
    landing.units.push(...this.units);
    return landing.rows();
  }
}

/** Topics and messages on a broker, by the library's own clients. */
export class Broker {
  readonly kafka: Kafka;
  readonly url: string;
  #admin: Admin | undefined;
  #producer: Producer | undefined;
  constructor(url: string) {
    this.url = url;
    this.kafka = new Kafka({ brokers: [url], logLevel: logLevel.NOTHING, retry: { retries: 12, maxRetryTime: 2000 } });
  }

  async admin(): Promise<Admin> {
    if (this.#admin === undefined) {
      this.#admin = this.kafka.admin();
      await this.#admin.connect();
    }
    return this.#admin;
  }

  async topic(prefix: string, partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = uniqueName(prefix);
    await this.make(topic, partitions, config);
    return topic;
  }

  async make(topic: string, partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const admin = await this.admin();
    await makeTopic(admin, { topic, numPartitions: partitions, configEntries });
  }

  /** Removes the records before an offset, as retention does; -1: all there are. */
  async dropBefore(topic: string, partition: number, offset: number): Promise<void> {
    const admin = await this.admin();
    // Without it the library does not know who leads.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
  }

  async send(topic: string, messages: readonly Message[]): Promise<void> {
    if (this.#producer === undefined) {
      // A batch that is sent again, because one of its partitions was not ready, is there once all the same.
      this.#producer = this.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 });
      await this.#producer.connect();
    }
    await this.#producer.send({ topic, messages: [...messages] });
  }

  async source(
    topic: string,
    options: Given<KafkaOptions> = {},
    connection: Given<KafkaConnectionOptions> = {},
  ): Promise<Reading> {
    return new Reading(await openSource({ brokers: [this.url], ...connection }, { topic, ...options }));
  }

  async close(): Promise<void> {
    await this.#producer?.disconnect();
    await this.#admin?.disconnect();
  }
}

/** Messages `{"n": 0}` … in one partition. */
export function numbered(count: number, partition = 0, from = 0): Message[] {
  return Array.from({ length: count }, (_, at) => ({ partition, key: `k${from + at}`, value: `{"n":${from + at}}` }));
}
