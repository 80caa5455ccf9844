import { BROKER_ERRORS, OFFSET_OUT_OF_RANGE } from './broker-errors.ts';
import type { FetchedPartition, KafkaClient } from './client.ts';
import { type BatchHead, batchHeads } from './record-batch.ts';
import { BrokerError, pause, persist, type RetryOptions } from './retry.ts';

/** How long a broker may hold an answer back for want of messages. */
const WAIT_MS = 500;
/** The share of a partition in an answer does not get smaller than this, however many there are. */
const PARTITION_BYTES = 256 * 1024;

/** An answer without anything where there should be something is asked for again so often at least. */
const EMPTY_ANSWERS = 5;
const EMPTY_PAUSE_MS = 100;

/** What one answer brought of one partition. */
export interface Piece {
  readonly partition: number;
  /** Where it was asked to begin. */
  readonly from: number;
  readonly fetched: FetchedPartition;
  readonly heads: readonly BatchHead[];
  /**
   * Set when the broker gave nothing up to this offset in all the time that it was asked, although the topic does not end before it. What compaction
   * and transactions leave out is told by the batches that follow; a broker that has to get them from elsewhere first may answer without any.
   */
  readonly withheld_to?: number;
  /** The topic does not have `from`. */
  readonly out_of_range?: boolean;
}

export interface FetcherOptions {
  readonly topic: string;
  readonly bytes_max: number;
  readonly retry: RetryOptions;
}

/** Asks the leaders of partitions for what comes next; always knows where each one is to be read on. */
export class Fetcher {
  readonly #client: KafkaClient;
  readonly #options: FetcherOptions;
  #leaders: ReadonlyMap<number, number>;
  readonly #next: Map<number, number>;
  /** A partition that brought nothing although it should have: asked by itself the next time. */
  #alone: number | undefined;
  /** Answers without anything by partition, and since when. */
  readonly #empty = new Map<number, { readonly began: number; answers: number }>();

  constructor(
    client: KafkaClient,
    options: FetcherOptions,
    leaders: ReadonlyMap<number, number>,
    starts: ReadonlyMap<number, number>,
  ) {
    this.#client = client;
    this.#options = options;
    this.#leaders = leaders;
    this.#next = new Map(starts);
  }

  nextOf(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  /** Answers that are under way for this partition no longer count. */
  seek(partition: number, offset: number): void {
    this.#next.set(partition, offset);
  }

  /** One question to each leader of these partitions. */
  async round(partitions: readonly number[], wait_ms: number): Promise<readonly Piece[]> {
    const { retry } = this.#options;
    const alone = this.#alone !== undefined && partitions.includes(this.#alone) ? this.#alone : undefined;
    this.#alone = undefined;
    const asked = new Map((alone === undefined ? partitions : [alone]).map((one) => [one, this.nextOf(one)]));
    const answers = await persist(
      retry,
      () => Promise.all(this.#byLeader(asked).map(([leader, offsets]) => this.#ask(leader, offsets, wait_ms))),
      async () => {
        await this.#client.refresh();
        this.#leaders = (await this.#client.topic(this.#options.topic)).leaders;
      },
    );
    const pieces = answers.flat().flatMap((fetched) => this.#piece(fetched, asked, alone !== undefined));
    if (alone !== undefined && pieces.length === 0) await pause(EMPTY_PAUSE_MS, retry.signal);
    return pieces;
  }

  #byLeader(asked: ReadonlyMap<number, number>): readonly (readonly [number, Map<number, number>])[] {
    const groups = new Map<number, Map<number, number>>();
    for (const [partition, offset] of asked) {
      const leader = this.#leaders.get(partition) ?? -1;
      const group = groups.get(leader) ?? new Map<number, number>();
      groups.set(leader, group.set(partition, offset));
    }
    return [...groups];
  }

  async #ask(
    leader: number,
    offsets: ReadonlyMap<number, number>,
    wait_ms: number,
  ): Promise<readonly FetchedPartition[]> {
    const { topic, bytes_max } = this.#options;
    if (leader < 0) throw new BrokerError('LEADER_NOT_AVAILABLE', `${topic}/${[...offsets.keys()][0]} has no leader`);
    const answer = await this.#client.fetch({
      topic,
      leader,
      offsets,
      wait_ms: Math.min(WAIT_MS, wait_ms),
      bytes_max,
      partition_bytes_max: Math.min(bytes_max, Math.max(PARTITION_BYTES, Math.ceil(bytes_max / offsets.size))),
    });
    for (const { partition, error_code } of answer.partitions) {
      if (error_code === 0 || error_code === OFFSET_OUT_OF_RANGE) continue;
      const type = BROKER_ERRORS[error_code] ?? `ERROR_${error_code}`;
      throw new BrokerError(type, `${topic}/${partition}: ${type.toLowerCase().replaceAll('_', ' ')}`);
    }
    return answer.partitions;
  }

  #piece(fetched: FetchedPartition, asked: ReadonlyMap<number, number>, alone: boolean): readonly Piece[] {
    const { partition } = fetched;
    const from = asked.get(partition);
    // Somebody has decided otherwise meanwhile.
    if (from === undefined || from !== this.nextOf(partition)) return [];
    if (fetched.error_code === OFFSET_OUT_OF_RANGE)
      return [{ partition, from, fetched, heads: [], out_of_range: true }];
    const heads = batchHeads(fetched.batches).filter((head) => head.last_offset >= from);
    const last = heads.at(-1);
    if (last !== undefined) {
      this.#next.set(partition, last.last_offset + 1);
      this.#empty.delete(partition);
      return [{ partition, from, fetched, heads }];
    }
    if (fetched.stable_end <= from) return [];
    // Perhaps the answer was full: asked alone, there is room for it. In between all are asked, so that the others go on.
    if (alone && this.#isWithheld(partition))
      return [{ partition, from, fetched, heads, withheld_to: fetched.stable_end }];
    if (!alone) this.#alone = partition;
    return [];
  }

  #isWithheld(partition: number): boolean {
    const { patience_ms, place, topic, note } = this.#options.retry;
    const empty = this.#empty.get(partition) ?? { began: performance.now(), answers: 0 };
    this.#empty.set(partition, empty);
    empty.answers += 1;
    if (empty.answers === EMPTY_ANSWERS)
      note(`${place} gives nothing of ${topic}/${partition} although there is more; trying again`);
    return empty.answers >= EMPTY_ANSWERS && performance.now() - empty.began >= patience_ms;
  }
}
