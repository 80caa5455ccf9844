import type { Admin } from 'kafkajs';
import type ClusterType from 'kafkajs/src/cluster/index.js';
import type { Protocol } from 'kafkajs/src/cluster/index.js';
import type { FetchAnswer, FetchRequest, KafkaClient, KafkaProducer, TopicFacts } from './client.ts';
import { decodeFetch, encodeFetch, FETCH } from './fetch-protocol.ts';
import { type ClientSettings, kafkajsOptions } from './kafkajs-options.ts';
import { patchIdlePolling } from './kafkajs-patch.ts';
import { kafkajsProducer } from './kafkajs-producer.ts';
import { makeTopic } from './make-topic.ts';
import { decodeTopicId, encodeTopicId, METADATA } from './topic-id.ts';

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const CLOSE_MS = 2_000;
/** A client over kafkajs 2.2.4: its connections, sign-in and metadata; the reading of records is ours. */
export async function openKafkajs(settings: ClientSettings): Promise<KafkaClient> {
  await patchIdlePolling();
  const [{ default: Cluster }, { default: loggers }, { default: sockets }] = await Promise.all([
    import('kafkajs/src/cluster/index.js'),
    import('kafkajs/src/loggers/index.js'),
    import('kafkajs/src/network/socketFactory.js'),
  ]);
  const cluster = new Cluster({
    ...kafkajsOptions(settings),
    // What it has to say comes back as errors, too.
    logger: loggers.createLogger({ level: 0, logCreator: () => () => undefined }),
    socketFactory: quietSockets(sockets()),
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
  });
  return new KafkajsClient(cluster, settings);
}

/** While a broker is away the library lets go of the same dead socket again and again, of which Node would warn. */
function quietSockets<T extends { setMaxListeners(count: number): unknown }>(make: (options: unknown) => T) {
  return (options: unknown): T => {
    const socket = make(options);
    socket.setMaxListeners(0);
    return socket;
  };
}

class KafkajsClient implements KafkaClient {
  readonly #cluster: ClusterType;
  readonly #settings: ClientSettings;
  readonly #topics = new Set<string>();
  constructor(cluster: ClusterType, settings: ClientSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  async topic(name: string): Promise<TopicFacts> {
    await this.#cluster.connect();
    if (this.#topics.has(name)) await this.#cluster.refreshMetadata();
    else await this.#cluster.addTargetTopic(name);
    this.#topics.add(name);
    const leaders = new Map(
      this.#cluster
        .findTopicPartitionMetadata(name)
        .map(({ partitionId, leader }): [number, number] => [partitionId, leader])
        .sort(([a], [b]) => a - b),
    );
    return { id: await this.#topicId(name, leaders), leaders };
  }

  async #topicId(name: string, leaders: ReadonlyMap<number, number>): Promise<string | undefined> {
    const leader = [...leaders.values()].find((node) => node >= 0);
    if (leader === undefined) return undefined;
    const broker = await this.#cluster.findBroker({ nodeId: leader });
    if ((broker.versions[METADATA.key]?.maxVersion ?? 0) < METADATA.version) return undefined;
    const answer = await broker.connectionPool.send(
      protocol('Metadata', METADATA, encodeTopicId(name), (payload) => ({ id: decodeTopicId(payload) })),
    );
    return answer.id;
  }

  async offsets(topic: string, partitions: readonly number[], which: 'start' | 'end' | 'written') {
    const found = new Map<number, number>();
    const timestamp = which === 'start' ? EARLIEST : LATEST;
    for (const [leader, own] of await this.#byLeader(topic, partitions)) {
      const broker = await this.#cluster.findBroker({ nodeId: leader });
      const { responses } = await broker.listOffsets({
        isolationLevel: which === 'written' ? READ_UNCOMMITTED : READ_COMMITTED,
        topics: [{ topic, partitions: own.map((partition) => ({ partition, timestamp })) }],
      });
      for (const one of responses)
        for (const { partition, offset } of one.partitions) found.set(partition, Number(offset));
    }
    return found;
  }

  async #byLeader(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, number[]>> {
    const groups = new Map<number, number[]>();
    for (const { partitionId, leader } of this.#cluster.findTopicPartitionMetadata(topic)) {
      if (!partitions.includes(partitionId)) continue;
      const group = groups.get(leader);
      if (group === undefined) groups.set(leader, [partitionId]);
      else group.push(partitionId);
    }
    return groups;
  }

  async fetch(request: FetchRequest): Promise<FetchAnswer> {
    const broker = await this.#cluster.findBroker({ nodeId: request.leader });
    return await broker.connectionPool.send({
      ...protocol('Fetch', FETCH, encodeFetch(request), (payload) => {
        const answer = decodeFetch(payload);
        return { ...answer, clientSideThrottleTime: answer.throttle_ms };
      }),
      requestTimeout: request.wait_ms + this.#settings.request_timeout_ms,
    });
  }

  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata();
  }

  async commitGroup(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const coordinator = await this.#cluster.findGroupCoordinator({ groupId: group });
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    await coordinator.offsetCommit({
      groupId: group,
      groupGenerationId: -1,
      memberId: '',
      topics: [{ topic, partitions }],
    });
  }

  async hasTopic(name: string): Promise<boolean> {
    return (await this.#asAdmin((admin) => admin.listTopics())).includes(name);
  }

  async ensureTopic(topic: string, { compacted }: { readonly compacted: boolean }): Promise<void> {
    const configEntries = compacted ? [{ name: 'cleanup.policy', value: 'compact' }] : [];
    const one = { topic, configEntries, ...(compacted ? { numPartitions: 1 } : {}) };
    await this.#asAdmin(async (admin) => {
      if (!(await admin.listTopics()).includes(topic)) await makeTopic(admin, one);
    });
  }

  async #asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const { default: kafkajs } = await import('kafkajs');
    const options = { ...kafkajsOptions(this.#settings), logLevel: kafkajs.logLevel.NOTHING };
    const admin = new kafkajs.Kafka(options).admin();
    try {
      await admin.connect();
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  producer(transactional_id: string): Promise<KafkaProducer> {
    return kafkajsProducer(this.#settings, transactional_id);
  }

  async close(): Promise<void> {
    // The library waits for what is under way, which a dead broker never answers.
    const enough = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
    await Promise.race([this.#cluster.disconnect(), enough]);
  }
}

function protocol<T>(
  name: string,
  api: { readonly key: number; readonly version: number },
  body: Buffer,
  decode: (payload: Buffer) => T,
): Protocol<T> {
  return {
    request: {
      apiKey: api.key,
      apiVersion: api.version,
      apiName: name,
      // What the library takes for one of its encoders.
      encode: async () => ({ buf: body, buffer: body }),
    },
    response: { decode: async (payload) => decode(payload), parse: async (decoded) => decoded },
    logResponseError: false,
  };
}
