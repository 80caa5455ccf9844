import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Landing, PullContext, PullResult } from '../../core/ports/pulled-source.ts';
import type { KafkaClient, TopicFacts } from './client.ts';
import { Fetcher, type Piece } from './fetcher.ts';
import type { KafkaOptions } from './options.ts';
import { EndsEarlier, type LostOffsets, lostError, planStart, type StartPlan, streamOf } from './position.ts';
import { type BatchHead, type RecordBatch, RecordCursor, readBatch } from './record-batch.ts';
import { persist, type RetryOptions } from './retry.ts';
import { AbortedFilter } from './transactions.ts';
import { UnitSequence } from './unit.ts';
import type { ValueReader } from './values.ts';

/** A broker that has just come up may for a moment know less than it has. */
const SETTLE_MS = 10_000;
/** A batch whose checksum is wrong is fetched again: perhaps it was damaged on its way. */
const DAMAGE_ATTEMPTS = 3;

export interface PullParts {
  readonly client: KafkaClient;
  readonly options: KafkaOptions;
  readonly reader: ValueReader;
  readonly retry: Omit<RetryOptions, 'signal' | 'note'>;
}

/** Takes what a topic has now, up to the ends that it has at this moment, or for as long as the limits allow. */
export async function pullTopic(parts: PullParts, landing: Landing, context: PullContext): Promise<PullResult> {
  const pull = new TopicPull(parts, landing, context);
  try {
    return await pull.run();
  } catch (error) {
    await pull.abandon();
    throw error;
  }
}

/** Where the partitions of a topic begin, end, and are read on; nothing is taken. */
export async function askTopic(parts: PullParts, context: PullContext): Promise<TopicPlan> {
  const { client, options } = parts;
  const retry: RetryOptions = { ...parts.retry, signal: context.signal, note: context.note };
  const give_up_at = performance.now() + SETTLE_MS;
  for (;;) {
    const asked = await persist(retry, async () => {
      const facts = await client.topic(options.topic);
      const partitions = [...facts.leaders.keys()];
      const log_start = await client.offsets(options.topic, partitions, 'start');
      const log_end = await client.offsets(options.topic, partitions, 'end');
      return { facts, log_start, log_end };
    });
    try {
      const plan = planStart({
        topic: options.topic,
        position: context.position,
        expected: context.expected,
        first_start: options.start,
        ...asked,
      });
      return { ...plan, facts: asked.facts, ends: asked.log_end };
    } catch (error) {
      if (!(error instanceof EndsEarlier) || performance.now() > give_up_at) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
      context.signal.throwIfAborted();
    }
  }
}

/** How a topic lies beside the lake. */
export interface TopicPlan extends StartPlan {
  readonly facts: TopicFacts;
  /** One behind the last message that may be read, by partition. */
  readonly ends: ReadonlyMap<number, number>;
}

function namesOf({ columns }: PullContext): ReadonlySet<string> | undefined {
  return columns === undefined ? undefined : new Set(columns.map((column) => column.name));
}

class TopicPull {
  readonly #parts: PullParts;
  readonly #landing: Landing;
  readonly #context: PullContext;
  readonly #retry: RetryOptions;
  readonly #began = performance.now();
  /** Damaged batches in a row. */
  #damage = 0;
  #units: UnitSequence | undefined;

  constructor(parts: PullParts, landing: Landing, context: PullContext) {
    this.#parts = parts;
    this.#landing = landing;
    this.#context = context;
    this.#retry = { ...parts.retry, signal: context.signal, note: context.note };
  }

  async run(): Promise<PullResult> {
    const { client, options, reader } = this.#parts;
    const { topic, message_bytes_max } = options;
    const plan = await askTopic(this.#parts, this.#context);
    if (plan.lost.length > 0 && options.on_lost_offsets === 'fail') throw lostError(topic, plan.lost);
    const { expected } = this.#context;
    const unnumbered = [...plan.starts.keys()].filter((partition) => !expected.has(streamOf(topic, partition)));
    const units = new UnitSequence(
      this.#landing,
      { topic, topic_id: plan.facts.id, reader, message_bytes_max, columns: namesOf(this.#context), unnumbered },
      plan.starts,
    );
    this.#units = units;
    const fetcher = new Fetcher(
      client,
      { topic, bytes_max: options.fetch_bytes_max, retry: this.#retry },
      plan.facts.leaders,
      plan.starts,
    );
    for (const lost of plan.lost) this.#lose(lost, fetcher, units);
    await this.#drain(fetcher, units, plan.ends);
    await units.flush(true);
    const caught_up = [...plan.ends].every(([partition, end]) => units.nextOf(partition) >= end);
    return { caught_up, position: { ...units.reached } };
  }

  async abandon(): Promise<void> {
    await this.#units?.abandon();
  }

  /** While one answer is read, the next one is on its way. */
  async #drain(fetcher: Fetcher, units: UnitSequence, ends: ReadonlyMap<number, number>): Promise<void> {
    let coming = this.#ask(fetcher, units, ends);
    while (coming !== undefined) {
      const pieces = await coming;
      coming = this.#isFull(units) ? undefined : this.#ask(fetcher, units, ends);
      // A failure of the next answer is met when its turn comes.
      coming?.catch(() => undefined);
      for (const piece of pieces) await this.#take(piece, fetcher, units);
      this.#checkPoison(units);
      await units.flush();
      if (this.#isFull(units)) break;
      coming ??= this.#ask(fetcher, units, ends);
    }
  }

  #isFull(units: UnitSequence): boolean {
    const { records_max, bytes_max } = this.#context.limits;
    return units.records >= records_max || units.size_bytes >= bytes_max;
  }

  /** Undefined: nothing more is to be had now. */
  #ask(
    fetcher: Fetcher,
    units: UnitSequence,
    ends: ReadonlyMap<number, number>,
  ): Promise<readonly Piece[]> | undefined {
    const left_ms = units.records > 0 ? this.#context.limits.wait_ms - (performance.now() - this.#began) : 0;
    const all = [...ends.keys()];
    const open = left_ms > 0 ? all : all.filter((partition) => fetcher.nextOf(partition) < (ends.get(partition) ?? 0));
    return open.length === 0 ? undefined : fetcher.round(open, Math.max(left_ms, 100));
  }

  /** Takes the messages of one answer in order. */
  async #take(piece: Piece, fetcher: Fetcher, units: UnitSequence): Promise<void> {
    const { partition, from, fetched, heads } = piece;
    if (from !== units.nextOf(partition)) return;
    if (piece.out_of_range === true) return await this.#outOfRange(partition, fetcher, units);
    if (piece.withheld_to !== undefined) return this.#withheld(partition, piece.withheld_to, fetcher, units);
    units.partition(partition);
    const filter = new AbortedFilter(fetched.aborted);
    for (const head of heads) {
      const batch = await readBatch(fetched.batches, head);
      const damage = 'damage' in batch ? batch.damage : await this.#takeBatch(partition, batch, filter, units);
      if (damage !== undefined) return this.#damaged(partition, head, damage, fetcher, units);
      this.#damage = 0;
      units.skipTo(partition, head.last_offset + 1);
    }
  }

  /** @returns why the batch cannot be read to its end */
  async #takeBatch(
    partition: number,
    batch: RecordBatch,
    filter: AbortedFilter,
    units: UnitSequence,
  ): Promise<string | undefined> {
    if (!filter.counts(batch)) return undefined;
    await this.#parts.reader.prepare?.(batch);
    const cursor = new RecordCursor(batch);
    const next = units.nextOf(partition);
    try {
      while (cursor.next()) if (cursor.offset >= next) units.take(partition, cursor);
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
    // A compressed answer can be many times its size.
    await units.flush();
    return undefined;
  }

  #damaged(partition: number, head: BatchHead, damage: string, fetcher: Fetcher, units: UnitSequence): void {
    const from = units.nextOf(partition);
    this.#damage += 1;
    if (this.#damage < DAMAGE_ATTEMPTS) {
      fetcher.seek(partition, from);
      return;
    }
    this.#damage = 0;
    const stream = streamOf(this.#parts.options.topic, partition);
    if (this.#parts.options.on_lost_offsets === 'fail')
      throw new DataflowError(
        'E_SOURCE_LOST',
        `${stream} offsets ${from}..${head.last_offset} cannot be read: ${damage}`,
        {
          kept: 'what was read before is kept',
          hint: 'Have the broker look at its log, or go on behind them with `on_lost_offsets: skip`, which records the hole.',
        },
      );
    this.#lose({ partition, from, to: head.last_offset + 1 }, fetcher, units, damage);
  }

  /** Retention was faster than we. */
  async #outOfRange(partition: number, fetcher: Fetcher, units: UnitSequence): Promise<void> {
    const { client, options } = this.#parts;
    const from = units.nextOf(partition);
    const starts = await persist(this.#retry, () => client.offsets(options.topic, [partition], 'start'));
    const to = starts.get(partition) ?? 0;
    const lost = { partition, from, to };
    if (to <= from)
      throw new EndsEarlier('E_SOURCE_LOST', `${streamOf(options.topic, partition)} no longer reaches offset ${from}`);
    if (options.on_lost_offsets === 'fail') throw lostError(options.topic, [lost]);
    this.#lose(lost, fetcher, units);
  }

  /** The broker says that there is more, and gives none of it. */
  #withheld(partition: number, to: number, fetcher: Fetcher, units: UnitSequence): void {
    const { options, retry } = this.#parts;
    const from = units.nextOf(partition);
    const why = `the broker gave nothing of them for ${Math.round(retry.patience_ms / 1000)} s`;
    if (options.on_lost_offsets === 'skip') {
      this.#lose({ partition, from, to }, fetcher, units, why);
      return;
    }
    throw new DataflowError(
      'E_SOURCE_UNREACHABLE',
      `${streamOf(options.topic, partition)} offsets ${from}..${to - 1}: ${why}`,
      {
        kept: 'what was read before is kept',
        hint: 'Look at the broker, and at its remote storage if it has one, then run again; `on_lost_offsets: skip` goes on behind them and records the hole.',
      },
    );
  }

  #lose(lost: LostOffsets, fetcher: Fetcher, units: UnitSequence, why = 'the topic held them no longer'): void {
    const { partition, from, to } = lost;
    const words = `offsets ${from}..${to - 1} skipped: ${why}`;
    units.skipTo(partition, to, words);
    fetcher.seek(partition, to);
    this.#context.note(`${streamOf(this.#parts.options.topic, partition)} ${words}`);
  }

  #checkPoison(units: UnitSequence): void {
    const { poison_max, topic } = this.#parts.options;
    if (poison_max === undefined || units.poison <= poison_max) return;
    throw new DataflowError(
      'E_REJECTS_LIMIT',
      `${units.poison} messages of ${topic} cannot be read, more than poison_max: ${poison_max}; ${units.last_poison}`,
      { hint: 'Look at what the producers write, or raise `poison_max`: such messages then go to quarantine.' },
    );
  }
}
