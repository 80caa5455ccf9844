import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Connection } from '../../core/ports/connection.ts';
import type { Outlook, Position, Probe, PullContext, PulledSource } from '../../core/ports/pulled-source.ts';
import type { PulledSourceComponent } from '../../core/ports/source-component.ts';
import type { KafkaClient } from './client.ts';
import type { KafkaConnectionOptions } from './connection.ts';
import { lagOf, oldestOf } from './lag.ts';
import { messageColumns } from './message-columns.ts';
import { openClient } from './open-client.ts';
import { type KafkaOptions, schema } from './options.ts';
import { positionOf } from './position.ts';
import { askTopic, type PullParts, pullTopic } from './pull.ts';
import { SchemaRegistry } from './registry.ts';
import { asDataflowError, persist } from './retry.ts';
import { jsonValues, ndjsonValues, rawValues, textValues, type ValueReader } from './values.ts';
import { avroValues } from './values-avro.ts';
import { csvValues } from './values-csv.ts';

/** Whoever only looks does not wait for a broker that is away. */
const LOOK_PATIENCE_MS = 3_000;
/** A group that is new takes the broker a moment; no longer than this is waited for what is only for monitoring. */
const GROUP_PATIENCE_MS = 5_000;

/** A topic: `type: kafka` in `sources:`. */
export const component: PulledSourceComponent<KafkaOptions> = {
  type: 'kafka',
  summary: 'Messages of a Kafka topic, each exactly once: offsets are committed in the lake together with the rows.',
  connection_types: ['kafka'],
  schema,
  open: (options, { connection }) => new KafkaSource(options, connection as Connection<KafkaConnectionOptions>),
};

class KafkaSource implements PulledSource {
  readonly pulls = 'changes';
  readonly pulls_ahead = true;
  readonly asks: string;
  readonly #options: KafkaOptions;
  readonly #connection: Connection<KafkaConnectionOptions>;
  readonly #reader: ValueReader;
  #client: Promise<KafkaClient> | undefined;
  #name = '';

  constructor(options: KafkaOptions, connection: Connection<KafkaConnectionOptions>) {
    this.#options = options;
    this.asks = `topic ${options.topic}`;
    this.#connection = connection;
    this.#reader = readerOf(options, connection);
  }

  async columns() {
    return messageColumns(this.#options);
  }

  async look(context: PullContext): Promise<Outlook> {
    const asked = await this.#parts(context.root);
    const patience_ms = Math.min(LOOK_PATIENCE_MS, asked.retry.patience_ms);
    const parts = { ...asked, retry: { ...asked.retry, patience_ms } };
    const plan = await askTopic(parts, context);
    // Holes that were seen already are not waited for.
    const seen = positionOf(context.position)?.offsets ?? {};
    const starts = new Map([...plan.starts].map(([p, next]) => [p, Math.max(next, seen[String(p)] ?? 0)]));
    const lag = lagOf(starts, plan.ends, this.#options.topic);
    if (lag.pending !== 'some') return lag;
    const oldest_ms = await oldestOf(parts.client, this.#options.topic, { ...plan, starts }, context.now_ms);
    return { ...lag, ...(oldest_ms === undefined ? {} : { oldest_ms }) };
  }

  async pull(...[landing, context]: Parameters<PulledSource['pull']>) {
    this.#name = context.name;
    return await pullTopic(await this.#parts(context.root), landing, context);
  }

  async committed(position: Position): Promise<void> {
    const offsets = positionOf(position)?.offsets ?? {};
    const client = await this.#client;
    const group = this.#options.group ?? `dataflow-${this.#name}`;
    const numbers = new Map(Object.entries(offsets).map(([partition, next]) => [Number(partition), next]));
    if (client === undefined || numbers.size === 0) return;
    const { topic } = this.#options;
    const signal = new AbortController().signal;
    const retry = { patience_ms: GROUP_PATIENCE_MS, signal, place: this.#place(), topic, note: () => undefined };
    await persist(retry, () => client.commitGroup(group, topic, numbers));
  }

  async probe({ root }: Pick<PullContext, 'signal' | 'root'>): Promise<Probe> {
    const { topic } = this.#options;
    try {
      const { leaders } = await (await this.#open(root)).topic(topic);
      return {
        ok: true,
        words: `topic ${topic} has ${leaders.size} ${leaders.size === 1 ? 'partition' : 'partitions'}`,
      };
    } catch (error) {
      const { message, hint } = asDataflowError(error, { place: this.#place(), topic });
      return { ok: false, words: message, hint };
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // A client that never came up is closed.
    await (await client?.catch(() => undefined))?.close();
  }

  #place(): string {
    return this.#connection.options.brokers.join(',');
  }

  #open(root: string): Promise<KafkaClient> {
    this.#client ??= openClient(this.#connection.options, root);
    return this.#client;
  }

  async #parts(root: string): Promise<PullParts> {
    return {
      client: await this.#open(root),
      options: this.#options,
      reader: this.#reader,
      retry: { patience_ms: this.#connection.options.patience_ms, place: this.#place(), topic: this.#options.topic },
    };
  }
}

function readerOf(options: KafkaOptions, connection: Connection<KafkaConnectionOptions>): ValueReader {
  const { format, fields = ['value'], delimiter } = options;
  switch (format) {
    case 'json':
      return jsonValues();
    case 'ndjson':
      return ndjsonValues();
    case 'csv':
      return csvValues({ fields, delimiter });
    case 'text':
      return textValues(fields[0] ?? 'value');
    case 'raw':
      return rawValues(fields[0] ?? 'value');
    case 'avro':
      return avroValues(registryOf(connection));
  }
}

function registryOf({ name, options }: Connection<KafkaConnectionOptions>): SchemaRegistry {
  if (options.registry === undefined)
    throw new DataflowError('E_CONFIG_INVALID', `format: avro needs \`registry:\` in the connection ${name}`);
  return new SchemaRegistry({
    url: options.registry,
    user: options.registry_user,
    password: options.registry_password,
    token: options.registry_token,
  });
}
