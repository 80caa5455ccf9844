import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Position, Span } from '../../core/ports/pulled-source.ts';
import type { TopicFacts } from './client.ts';

/** A position as it lies in the lake: the next offset of each partition. */
export interface KafkaPosition {
  readonly topic: string;
  readonly topic_id?: string;
  readonly offsets: Readonly<Record<string, number>>;
}

/** Streams are partitions: `weather/0`. */
export function streamOf(topic: string, partition: number | ''): string {
  return `${topic}/${partition}`;
}

/** Offsets that the topic does not hold any more. */
export interface LostOffsets {
  readonly partition: number;
  readonly from: number;
  /** One behind the last. */
  readonly to: number;
}

/** Where each partition is read on. */
export interface StartPlan {
  readonly starts: ReadonlyMap<number, number>;
  readonly lost: readonly LostOffsets[];
}

/** What a pull has to decide about: all by partition. */
export interface StartRequest {
  readonly topic: string;
  readonly facts: TopicFacts;
  readonly position: Position | undefined;
  readonly expected: ReadonlyMap<string, number>;
  /** First offset that is kept, and one behind the last. */
  readonly log_start: ReadonlyMap<number, number>;
  readonly log_end: ReadonlyMap<number, number>;
  readonly first_start: 'earliest' | 'latest';
}

/**
 * Where to read on: at the numbers that the lake expects; a partition that it has not seen, from its beginning.
 * @throws DataflowError E_SOURCE_LOST when the topic was made anew, or lacks what is in the lake
 */
export function planStart(request: StartRequest): StartPlan {
  const { topic, facts, expected, log_start, log_end } = request;
  const position = positionOf(request.position);
  if (position?.topic_id !== undefined && facts.id !== undefined && position.topic_id !== facts.id)
    throw new DataflowError(
      'E_SOURCE_LOST',
      `topic ${topic} was deleted and made again: its offsets no longer mean the messages that are in the lake`,
      {
        hint: 'Read it as a new source, or replace the table by what the new topic holds: dataflow run --full-refresh --force --select.',
      },
    );
  refuseMissing(request, position);
  const first = position === undefined && expected.size === 0;
  const starts = new Map<number, number>();
  const lost: LostOffsets[] = [];
  for (const partition of facts.leaders.keys()) {
    const begin = log_start.get(partition) ?? 0;
    const end = log_end.get(partition) ?? begin;
    const next = expected.get(streamOf(topic, partition)) ?? position?.offsets[String(partition)];
    if (next === undefined) starts.set(partition, first && request.first_start === 'latest' ? end : begin);
    else {
      if (next < begin) lost.push({ partition, from: next, to: begin });
      if (next > end) throw behind(topic, partition, next, end);
      starts.set(partition, next);
    }
  }
  return { starts, lost };
}

const LOST_HINT =
  'Restore the topic, or replace the table by what the topic holds: dataflow run --full-refresh --force --select.';

/** A topic that ends before the lake does; after a restart a broker may say so for a moment, hence an error of its own. */
export class EndsEarlier extends DataflowError {}

/** Partitions of which the lake has messages must be there. */
function refuseMissing({ topic, facts, expected }: StartRequest, position: KafkaPosition | undefined): void {
  const numbers = new Map(
    Object.entries(position?.offsets ?? {}).map(([partition, next]) => [Number(partition), next]),
  );
  const prefix = streamOf(topic, '');
  for (const [stream, next] of expected)
    if (stream.startsWith(prefix)) numbers.set(Number(stream.slice(prefix.length)), next);
  const missing = [...numbers].filter(([partition, next]) => next > 0 && !facts.leaders.has(partition));
  if (missing.length === 0) return;
  const shown = missing.map(([partition]) => partition).sort((a, b) => a - b);
  throw new EndsEarlier(
    'E_SOURCE_LOST',
    `topic ${topic} has no partition ${shown.join(' and ')} any more, but messages of it are in the lake: it was made again with fewer partitions`,
    { hint: LOST_HINT },
  );
}

function behind(topic: string, partition: number, next: number, end: number): DataflowError {
  return new EndsEarlier(
    'E_SOURCE_LOST',
    `${streamOf(topic, partition)} ends at offset ${end}, but everything before ${next} is in the lake: the topic was cut off or made again`,
    { hint: LOST_HINT },
  );
}

export function lostError(topic: string, lost: readonly LostOffsets[]): DataflowError {
  const ranges = lost.map(({ partition, from, to }) => `${streamOf(topic, partition)} offsets ${from}..${to - 1}`);
  const more = ranges.length > 3 ? ` and ${ranges.length - 3} more` : '';
  return new DataflowError(
    'E_SOURCE_LOST',
    `${ranges.slice(0, 3).join(', ')}${more} are gone: the topic holds them no longer`,
    {
      kept: 'what is in the lake stays as it is',
      hint: `Go on behind them with \`on_lost_offsets: skip\`, which records the hole, or restore them.`,
    },
  );
}

export function positionOf(position: Position | undefined): KafkaPosition | undefined {
  if (position === undefined) return undefined;
  const { topic, topic_id, offsets } = position as Partial<KafkaPosition>;
  if (typeof topic !== 'string' || typeof offsets !== 'object') return undefined;
  return { topic, offsets, ...(topic_id === undefined ? {} : { topic_id }) };
}

/** Progress in one partition within a unit. */
export class PartitionSpan {
  readonly partition: number;
  readonly from: number;
  next: number;
  records = 0;
  rows = 0;
  reason: string | undefined;
  constructor(partition: number, from: number) {
    this.partition = partition;
    this.from = from;
    this.next = from;
  }

  span(topic: string): Span {
    const { from, next, records, rows, reason } = this;
    const stream = streamOf(topic, this.partition);
    return {
      stream,
      from,
      next,
      records,
      holes: next - from - records,
      ...(rows === records ? {} : { rows }),
      ...(reason === undefined ? {} : { reason }),
    };
  }
}
