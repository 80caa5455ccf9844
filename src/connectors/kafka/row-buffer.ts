import { headersText, textOf } from './message-text.ts';
import type { RecordCursor } from './record-batch.ts';

/** Columns that every row gets, in this order; no value may have members of these names. */
export const MESSAGE_COLUMNS = [
  '_topic',
  '_partition',
  '_offset',
  '_timestamp',
  '_key',
  '_headers',
  '_tombstone',
] as const;
/** Which record of its message a row is, for formats with several. */
export const RECORD_COLUMN = '_record';

const START_BYTES = 1024 * 1024;
/** `2026-01-31T12:00:00.` */
const TIME_CHARS = 20;
/** From this size on a copy is left to the platform. */
const LARGE_BYTES = 2048;
const NULL = Buffer.from('null');
const HEX = Buffer.from('0123456789ABCDEF');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
/** Bytes that stand for themselves inside a JSON string. */
const PLAIN = new Uint8Array(256).map((_, byte) =>
  byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c ? 1 : 0,
);
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/** Rows as NDJSON, put together from bytes in two growing buffers that are used in turn: one is written while the other is filled. */
export class RowBuffer {
  /** Rows since the last {@link take}. */
  rows = 0;
  /** Rows since the last {@link columns}, those among them that have a number within their message. */
  #told_rows = 0;
  #numbered_rows = 0;
  #bytes = Buffer.allocUnsafe(START_BYTES);
  /** What was taken last. */
  #other: Buffer<ArrayBuffer> | undefined;
  #view = viewOf(this.#bytes);
  /** The bytes that were copied from last, and a view of them. */
  #viewed: Uint8Array | undefined;
  #source: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  /** What stands before the value of each column that rows get; the first one opens the row. */
  readonly #leads: ReadonlyMap<string, Buffer>;
  /** The row up to its offset. */
  #prefix: Buffer = Buffer.alloc(0);
  readonly #has_offset: boolean;
  readonly #has_time: boolean;
  readonly #key_lead: Buffer | undefined;
  readonly #headers_lead: Buffer | undefined;
  readonly #tombstone_lead: Buffer | undefined;
  /** What stands behind the key of a message that has a value and no headers: nearly all of them. */
  readonly #usual_end: Buffer;
  /** What tells the time of a message up to its milliseconds. */
  readonly #time_lead: Buffer;
  /** The row has no member yet. */
  #bare = false;
  #second = Number.NaN;

  /** @param columns which of the message's columns rows get; all of them, if not said */
  constructor(columns?: ReadonlySet<string>) {
    const wanted = [...MESSAGE_COLUMNS, RECORD_COLUMN].filter((name) => columns?.has(name) !== false);
    this.#leads = new Map(wanted.map((name, index) => [name, Buffer.from(`${index === 0 ? '{' : ','}"${name}":`)]));
    this.#has_offset = this.#leads.has('_offset');
    this.#has_time = this.#leads.has('_timestamp');
    this.#key_lead = this.#leads.get('_key');
    this.#headers_lead = this.#leads.get('_headers');
    this.#tombstone_lead = this.#leads.get('_tombstone');
    this.#usual_end = Buffer.concat([
      ...(this.#headers_lead === undefined ? [] : [this.#headers_lead, NULL]),
      ...(this.#tombstone_lead === undefined ? [] : [this.#tombstone_lead, FALSE]),
    ]);
    const time_lead = this.#leads.get('_timestamp') ?? Buffer.alloc(0);
    this.#time_lead = Buffer.concat([time_lead, Buffer.from('"0000-00-00T00:00:00.')]);
  }

  get size_bytes(): number {
    return this.#at;
  }

  /** What was put together; the rows that follow go elsewhere. It is overwritten after the next call. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    [this.#bytes, this.#other] = [this.#other ?? Buffer.allocUnsafe(START_BYTES), this.#bytes];
    this.#view = viewOf(this.#bytes);
    this.#told_rows += this.rows;
    this.#at = 0;
    this.rows = 0;
    return taken;
  }

  /** The message's columns in the rows that were taken since this was asked last, with the number of rows that have them. */
  columns(): readonly { readonly name: string; readonly records: number }[] {
    const [rows, numbered] = [this.#told_rows, this.#numbered_rows];
    [this.#told_rows, this.#numbered_rows] = [0, 0];
    const all = [...this.#leads.keys()].map((name) => ({ name, records: name === RECORD_COLUMN ? numbered : rows }));
    return all.filter(({ records }) => records > 0);
  }

  /** Rows that follow come from this partition. */
  partition(topic: string, partition: number): void {
    const parts = [
      this.#leads.get('_topic')?.toString().concat(JSON.stringify(topic)),
      this.#leads.get('_partition')?.toString().concat(String(partition)),
      this.#leads.get('_offset')?.toString(),
    ];
    this.#prefix = Buffer.from(parts.join(''));
  }

  /** Begins a row with the columns of its message. @param record number of the row within its message, where there may be several. */
  begin(message: RecordCursor, record?: number): void {
    this.#room(this.#prefix.length + 200);
    this.#put(this.#prefix);
    if (this.#has_offset) this.#number(message.offset);
    if (this.#has_time) this.#time(message.timestamp);
    if (this.#key_lead !== undefined) {
      this.#put(this.#key_lead);
      if (message.key_from < 0) this.#put(NULL);
      else this.text(message.bytes, message.key_from, message.key_to);
      this.#room(200);
    }
    if (message.header_count === 0 && message.value_from >= 0) this.#put(this.#usual_end);
    else this.#headersAndTombstone(message);
    if (record !== undefined) this.#recordNumber(record);
    this.#bare =
      this.#leads.size === 0 || (record === undefined && this.#leads.size === 1 && this.#leads.has(RECORD_COLUMN));
  }

  #headersAndTombstone(message: RecordCursor): void {
    if (this.#headers_lead !== undefined) {
      this.#put(this.#headers_lead);
      if (message.header_count === 0) this.#put(NULL);
      else this.string(headersText(message));
      this.#room(100);
    }
    if (this.#tombstone_lead === undefined) return;
    this.#put(this.#tombstone_lead);
    this.#put(message.value_from < 0 ? TRUE : FALSE);
  }

  #recordNumber(record: number): void {
    const lead = this.#leads.get(RECORD_COLUMN);
    if (lead === undefined) return;
    this.#put(lead);
    this.#number(record);
    this.#numbered_rows += 1;
  }

  /** What stands before the next member. */
  #separator(): number {
    const byte = this.#bare ? OBJECT : COMMA;
    this.#bare = false;
    return byte;
  }

  /** Ends the row with the members of an object, as they are. @param from its opening brace @param to behind its closing one */
  members(bytes: Uint8Array, from: number, to: number, has_newline: boolean): void {
    this.#room(to - from + 2);
    this.#bytes[this.#at++] = this.#separator();
    const start = this.#at;
    this.#copy(bytes, from + 1, to);
    if (has_newline) this.#unbreak(start);
    this.#bytes[this.#at++] = LF;
    this.rows += 1;
  }

  /** Line breaks between tokens become blanks: inside strings JSON has none. */
  #unbreak(start: number): void {
    for (let at = start; at < this.#at; at++)
      if (this.#bytes[at] === LF || this.#bytes[at] === CR) this.#bytes[at] = SPACE;
  }

  /** Ends the row. */
  end(): void {
    this.#room(3);
    if (this.#bare) this.#bytes[this.#at++] = OBJECT;
    this.#bytes[this.#at++] = OBJECT_END;
    this.#bytes[this.#at++] = LF;
    this.rows += 1;
  }

  /** A member's name, with what separates it from the one before. @param name as JSON */
  name(name: string): void {
    this.raw(`${String.fromCharCode(this.#separator())}${name}:`);
  }

  /** A whole member, `"name":value`. */
  member(member: string): void {
    this.raw(`${String.fromCharCode(this.#separator())}${member}`);
  }

  /** JSON as it is. */
  raw(json: string): void {
    this.#room(json.length * 3);
    this.#at += this.#bytes.write(json, this.#at, 'utf8');
  }

  string(text: string): void {
    this.raw(JSON.stringify(text));
  }

  /** Bytes as a JSON string: text as it is, what is no text as `base64:…`. */
  text(bytes: Buffer, from: number, to: number): void {
    this.#room(to - from + 2);
    let at = from;
    while (at < to && PLAIN[bytes[at] as number] === 1) at++;
    if (at < to) {
      this.string(textOf(bytes.subarray(from, to)));
      return;
    }
    this.#bytes[this.#at++] = QUOTE;
    this.#copy(bytes, from, to);
    this.#bytes[this.#at++] = QUOTE;
  }

  /** Word by word: for a message of usual size a view of its own costs more than the copy. */
  #copy(bytes: Uint8Array, from: number, to: number): void {
    if (to - from > LARGE_BYTES) {
      this.#bytes.set(bytes.subarray(from, to), this.#at);
      this.#at += to - from;
      return;
    }
    if (this.#viewed !== bytes)
      [this.#viewed, this.#source] = [bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)];
    const source = this.#source;
    const view = this.#view;
    let at = this.#at;
    let next = from;
    for (; next + 4 <= to; next += 4, at += 4) view.setInt32(at, source.getInt32(next, true), true);
    for (; next < to; next++, at++) view.setUint8(at, source.getUint8(next));
    this.#at = at;
  }

  #put(bytes: Buffer): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }

  #number(value: number): void {
    if (value < 0 || value > 0x7fff_ffff) {
      this.#at += this.#bytes.write(String(value), this.#at, 'latin1');
      return;
    }
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits += 1;
    let rest = value;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const next = (rest / 10) | 0;
      this.#bytes[at] = HEX[rest - next * 10] as number;
      rest = next;
    }
    this.#at += digits;
  }

  /** ISO 8601 in UTC with milliseconds. Messages of one second share most of it. */
  #time(ms: number): void {
    const second = Math.floor(ms / 1000);
    const lead_bytes = this.#time_lead.length - TIME_CHARS;
    if (!(ms >= 0 && ms < 253_402_300_800_000)) {
      this.#put(this.#time_lead.subarray(0, lead_bytes - 1));
      this.#put(NULL);
      return;
    }
    if (second !== this.#second) {
      this.#second = second;
      this.#time_lead.write(new Date(second * 1000).toISOString().slice(0, TIME_CHARS), lead_bytes, 'latin1');
    }
    const rest = ms - second * 1000;
    this.#put(this.#time_lead);
    this.#bytes[this.#at++] = 0x30 + ((rest / 100) | 0);
    this.#bytes[this.#at++] = 0x30 + (((rest / 10) | 0) % 10);
    this.#bytes[this.#at++] = 0x30 + (rest % 10);
    this.#bytes[this.#at++] = 0x5a;
    this.#bytes[this.#at++] = QUOTE;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
