import type { Landing, UnitFacts, UnitWriter } from '../../core/ports/pulled-source.ts';
import { SEEN_FORMS, SEEN_TYPES } from './message-columns.ts';
import { textOf } from './message-text.ts';
import { type KafkaPosition, PartitionSpan, streamOf } from './position.ts';
import type { RecordCursor } from './record-batch.ts';
import { RowBuffer } from './row-buffer.ts';
import type { ValueReader } from './values.ts';

/** Rows are handed over in pieces of at least this size. */
const PIECE_BYTES = 1024 * 1024;
/** A unit is sealed beyond this: the next crash then loses less, and the engine begins with it while more is fetched. */
const UNIT_BYTES = 64 * 1024 * 1024;

export interface UnitSettings {
  readonly topic: string;
  readonly topic_id: string | undefined;
  readonly reader: ValueReader;
  readonly message_bytes_max: number;
  /** Columns of the table, where they are known: only these are written of what messages have beside their value. */
  readonly columns: ReadonlySet<string> | undefined;
  /** Partitions that the lake has no number of: the first unit says where each begins, also when nothing comes of it. */
  readonly unnumbered: readonly number[];
}

/** Takes messages of all partitions in the order of their offsets, and seals units of a bounded size. */
export class UnitSequence {
  /** Messages taken, and their bytes as rows. */
  records = 0;
  size_bytes = 0;
  /** Messages that could not be read. */
  poison = 0;
  /** Which one was the last of them, and why. */
  last_poison = '';
  readonly #landing: Landing;
  readonly #settings: UnitSettings;
  readonly #rows: RowBuffer;
  /** Next offset of every partition, as far as it was taken. */
  readonly #offsets: Map<number, number>;
  #spans = new Map<number, PartitionSpan>();
  #unnumbered: readonly number[];
  #unreadable: { readonly problem: string; readonly where: string; readonly raw: string }[] = [];
  #unit: UnitWriter | undefined;
  #unit_rows = 0;
  /** The rows that were handed over last, and the unit that was closed last: both wait for the disk while messages are taken. */
  #writing: Promise<void> = Promise.resolve();
  #sealing: Promise<void> = Promise.resolve();

  constructor(landing: Landing, settings: UnitSettings, starts: ReadonlyMap<number, number>) {
    this.#landing = landing;
    this.#settings = settings;
    this.#unnumbered = settings.unnumbered;
    this.#offsets = new Map(starts);
    this.#rows = new RowBuffer(settings.columns);
    // What an earlier pull had read and did not seal.
    settings.reader.facts?.();
  }

  /** Where everything that is sealed, or about to be, ends. */
  get position(): KafkaPosition {
    return this.#positionAt(this.#offsets);
  }

  /** The same, holes behind it included: no message lies in between. */
  get reached(): KafkaPosition {
    return this.#positionAt(new Map([...this.#offsets.keys()].map((partition) => [partition, this.nextOf(partition)])));
  }

  #positionAt(next: ReadonlyMap<number, number>): KafkaPosition {
    const { topic, topic_id } = this.#settings;
    const offsets = Object.fromEntries([...next].sort(([a], [b]) => a - b));
    return { topic, ...(topic_id === undefined ? {} : { topic_id }), offsets };
  }

  /** Where the next message of a partition is awaited. */
  nextOf(partition: number): number {
    return this.#spans.get(partition)?.next ?? this.#offsets.get(partition) ?? 0;
  }

  /** Says which partition the messages that follow are from. */
  partition(partition: number): void {
    this.#rows.partition(this.#settings.topic, partition);
  }

  /** Takes one message; nothing is waited for. */
  take(partition: number, message: RecordCursor): void {
    const span = this.#span(partition);
    span.records += 1;
    span.next = message.offset + 1;
    this.records += 1;
    const before = this.#rows.rows;
    this.#read(partition, message);
    // What cannot be read counts as one.
    span.rows += Math.max(1, this.#rows.rows - before);
  }

  #read(partition: number, message: RecordCursor): void {
    if (message.value_from < 0) {
      this.#rows.begin(message);
      this.#rows.end();
      return;
    }
    const length = message.value_to - message.value_from;
    const problem =
      length > this.#settings.message_bytes_max
        ? `it has ${length} bytes, message_bytes_max allows ${this.#settings.message_bytes_max}`
        : this.#settings.reader.read(message, this.#rows);
    if (problem !== undefined) this.#poison(partition, message, problem);
  }

  #poison(partition: number, message: RecordCursor, problem: string): void {
    this.poison += 1;
    const where = `${streamOf(this.#settings.topic, partition)} offset ${message.offset}`;
    const raw = textOf(message.bytes.subarray(message.value_from, message.value_to));
    this.last_poison = `${where}: ${problem}`;
    this.#unreadable.push({ problem, where, raw });
  }

  /** Goes on behind offsets that no message has. @param reason set when they were lost, not just left out by the broker */
  skipTo(partition: number, next: number, reason?: string): void {
    const span = this.#span(partition);
    if (next > span.next) span.next = next;
    if (reason !== undefined) span.reason = span.reason === undefined ? reason : `${span.reason}; ${reason}`;
  }

  #span(partition: number): PartitionSpan {
    let span = this.#spans.get(partition);
    if (span === undefined) {
      span = new PartitionSpan(partition, this.#offsets.get(partition) ?? 0);
      this.#spans.set(partition, span);
    }
    return span;
  }

  /** Hands over what was taken, once it is enough; seals the unit, once that is large enough. */
  async flush(all = false): Promise<void> {
    if (all || this.#rows.size_bytes >= PIECE_BYTES || this.#unreadable.length > 0) await this.#write();
    if (all || (this.#unit?.size_bytes ?? 0) >= UNIT_BYTES) await this.#seal();
    if (all) await this.#sealing;
  }

  async #write(): Promise<void> {
    if (this.#rows.rows === 0 && this.#unreadable.length === 0) return;
    const unit = await this.#opened();
    if (this.#rows.rows > 0) {
      this.#unit_rows += this.#rows.rows;
      this.size_bytes += this.#rows.size_bytes;
      await this.#writing;
      this.#writing = met(unit.write(this.#rows.take()));
    }
    for (const { problem, where, raw } of this.#unreadable)
      unit.unreadable({
        rule: 'poison_message',
        reason: raw.startsWith('base64:') ? `${problem} (kept as base64)` : problem,
        where,
        raw,
      });
    this.#unreadable = [];
  }

  async #opened(): Promise<UnitWriter> {
    if (this.#unit === undefined) {
      this.#unit = await this.#landing.open(this.#name(), { format: 'ndjson' });
      this.#unit_rows = 0;
    }
    return this.#unit;
  }

  /** After the first partition that moved: its offsets never come again. */
  #name(): string {
    const [first] = [...this.#spans.values()].filter((span) => span.next > span.from);
    return `${this.#settings.topic}-${first?.partition ?? 0}-${String(first?.from ?? 0).padStart(12, '0')}`;
  }

  /** Seals what there is. Holes at the end stay unsaid until a message follows them, unless something was lost there. */
  async #seal(): Promise<void> {
    const moved = [...this.#spans.values()].filter((span) => span.next > span.from);
    if (this.#unit === undefined && !moved.some((span) => span.reason !== undefined)) return;
    const unit = await this.#opened();
    const { topic } = this.#settings;
    const begun = this.#unnumbered
      .filter((partition) => !moved.some((span) => span.partition === partition))
      .map((partition) => new PartitionSpan(partition, this.#offsets.get(partition) ?? 0));
    for (const { partition, next } of moved) this.#offsets.set(partition, next);
    const facts = this.#facts();
    // One at a time: what a crash may cost stays bounded.
    await this.#sealing;
    await this.#writing;
    this.#sealing = met(
      unit.close({
        records: this.#unit_rows,
        position: { ...this.position },
        spans: [...moved, ...begun].map((span) => span.span(topic)),
        ...(facts === undefined ? {} : { facts }),
      }),
    );
    this.#unit = undefined;
    this.#unnumbered = [];
    this.#spans = new Map();
  }

  /** Every row was put together here: its own columns, and what the reader saw of the value. */
  #facts(): UnitFacts | undefined {
    const columns = this.#rows.columns();
    const seen = this.#settings.reader.facts?.();
    if (seen === undefined) return undefined;
    const { fields, forms, ...rest } = seen;
    return {
      ...rest,
      types: SEEN_TYPES,
      ...(fields === undefined ? {} : { fields: [...columns, ...fields] }),
      ...(forms === undefined ? {} : { forms: { ...SEEN_FORMS, ...forms } }),
    };
  }

  /** Removes what is not sealed. */
  async abandon(): Promise<void> {
    const unit = this.#unit;
    this.#unit = undefined;
    await unit?.abandon();
    await this.#sealing.catch(() => undefined);
  }
}

/** Its failure is met when its turn comes. */
function met<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
