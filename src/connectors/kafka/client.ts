/**
 * What the Kafka connector asks of a client library: a port of our own, so that the library behind it can be changed (ADR 0039). Partitions and
 * offsets are explicit throughout; no consumer group decides what is read.
 */
export interface KafkaClient {
  /** Partitions and identity of a topic, asked anew. */
  topic(name: string): Promise<TopicFacts>;
  /**
   * `start`: first offset that is kept. `end`: one behind the last that a reader of committed transactions may see. `written`: one behind the last,
   * what lies behind an open transaction included.
   */
  offsets(
    topic: string,
    partitions: readonly number[],
    which: 'start' | 'end' | 'written',
  ): Promise<ReadonlyMap<number, number>>;
  /** Asks the leader of these partitions for records; one request, one answer. */
  fetch(request: FetchRequest): Promise<FetchAnswer>;
  /** Forgets who leads, after an answer that says so or a lost connection. */
  refresh(): Promise<void>;
  /** Notes offsets under a consumer group, for whoever watches it; nothing here ever reads them. */
  commitGroup(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void>;
  hasTopic(name: string): Promise<boolean>;
  /** Makes a topic with what the brokers have as default, when it is not there. */
  ensureTopic(name: string, options: { readonly compacted: boolean }): Promise<void>;
  producer(transactional_id: string): Promise<KafkaProducer>;
  close(): Promise<void>;
}

export interface TopicFacts {
  /** Changes when a topic is deleted and made again; undefined where the broker does not tell (before 2.8). */
  readonly id: string | undefined;
  /** Node that leads each partition; -1: nobody at this moment. */
  readonly leaders: ReadonlyMap<number, number>;
}

export interface FetchRequest {
  readonly topic: string;
  readonly leader: number;
  /** Where to read on, by partition. */
  readonly offsets: ReadonlyMap<number, number>;
  /** How long the broker may wait for the first byte. */
  readonly wait_ms: number;
  readonly bytes_max: number;
  readonly partition_bytes_max: number;
}

export interface FetchAnswer {
  readonly partitions: readonly FetchedPartition[];
}

/** A transaction that was aborted: records of this producer from this offset on, up to its marker, never happened. */
export interface AbortedTransaction {
  readonly producer_id: bigint;
  readonly first_offset: number;
}

export interface FetchedPartition {
  readonly partition: number;
  /** Error code of the protocol; 0: none. */
  readonly error_code: number;
  /** One behind the last offset of committed transactions. */
  readonly stable_end: number;
  readonly log_start: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches as they came; the last one may be cut off. */
  readonly batches: Buffer;
}

/** A message to be written. */
export interface ProducedMessage {
  readonly partition?: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes in transactions: all of a transaction's messages, in all topics, become visible together or not at all. */
export interface KafkaProducer {
  /** Shuts out whoever else has the same id, and ends what they left open. */
  fence(): Promise<void>;
  /** @returns once the broker has all of it durably. */
  transaction(
    batches: readonly { readonly topic: string; readonly messages: readonly ProducedMessage[] }[],
  ): Promise<void>;
  close(): Promise<void>;
}
