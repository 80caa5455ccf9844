import { RecordLines } from '../../core/model/record-lines.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { CR, type CsvMachine, LF, STATE } from './machine.ts';
import { countNewlines } from './newlines.ts';

/** The careful reader looks at every byte; a piece without quotes is left to the fast one. */
const PIECE_BYTES = 64 * 1024;

/** Reads CSV text piece by piece and counts its records the way the engine does. */
export class CsvScan {
  /** Records seen, blank lines not among them. */
  records = 0;
  blank_lines = 0;
  /** Line ends outside quotes, by kind. */
  lf = 0;
  crlf = 0;
  cr = 0;
  /** Line ends inside quotes. */
  inner_lines = 0;
  /** Where the records begin. */
  readonly begins: RecordLines;
  readonly #machine: CsvMachine;
  readonly #quote: number;
  readonly #delimiter: number;
  readonly #line_bytes_max: number;
  #state: number = STATE.LINE_START;
  /** Offset of the next byte, and of the first byte of the current record. */
  #offset = 0;
  #record_start = 0;
  #opened_line = 0;
  #opened_offset = 0;
  #line: number;
  /** Line on which the current record begins. */
  #record_line: number;

  /** `first_line` = number of the line with which the text begins; `header`: its first record is none. */
  constructor(
    machine: CsvMachine,
    dialect: { readonly quote: string; readonly delimiter: string },
    limits: { readonly line_bytes_max: number; readonly first_line: number; readonly header?: boolean },
  ) {
    this.#machine = machine;
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#line_bytes_max = limits.line_bytes_max;
    this.#line = limits.first_line;
    this.#record_line = limits.first_line;
    this.begins = new RecordLines(limits.header === true ? 1 : 0);
  }

  /** @throws UnitFault `record_too_long` */
  push(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; from += PIECE_BYTES) {
      const piece = chunk.subarray(from, from + PIECE_BYTES);
      if (!this.#fast(piece)) this.#careful(piece);
      this.#offset += piece.length;
      if (this.#offset - this.#record_start > this.#line_bytes_max) throw this.#tooLong();
    }
  }

  /** @throws UnitFault `unclosed_quote` */
  end(): void {
    if (this.#state === STATE.QUOTED || this.#state === STATE.ESCAPED) {
      throw new UnitFault('unclosed_quote', `a quote opened on line ${this.#opened_line} is never closed`, {
        line: this.#opened_line,
        byte_offset: this.#opened_offset,
      });
    }
    if (this.#state <= STATE.AFTER_CR) return;
    this.records += 1;
    this.begins.add(this.#record_line, 1, this.#line + 1);
  }

  /** Number of the line that is being read. */
  get line(): number {
    return this.#line;
  }

  /** True when the text ended in the middle of a line. */
  get open_line(): boolean {
    return this.#state > STATE.AFTER_CR;
  }

  /** A piece without quotes, outside a quoted field, needs only its line ends counted. False when it is not that simple. */
  #fast(piece: Buffer): boolean {
    const state = this.#state;
    if (state === STATE.QUOTED || state === STATE.ESCAPED || state === STATE.AFTER_CR || state > STATE.ESCAPED)
      return false;
    if (this.#quote >= 0 && piece.includes(this.#quote)) return false;
    const last = piece[piece.length - 1];
    const lastLf = piece.lastIndexOf(LF);
    if (last === CR || last === SPACE || this.#line_bytes_max < PIECE_BYTES) return false;
    const counts = countNewlines(piece, state === STATE.LINE_START);
    // Between which records the blank lines lie is for the careful reader to see.
    if (counts === undefined || counts.blank > 0) return false;
    const firstLf = piece.indexOf(LF);
    const firstEnd = firstLf < 0 ? piece.length : firstLf;
    if (this.#offset + firstEnd - this.#record_start > this.#line_bytes_max) throw this.#tooLong();
    this.lf += counts.lf;
    this.crlf += counts.crlf;
    const records = counts.lf + counts.crlf;
    this.records += records;
    if (records > 0) this.begins.add(this.#record_line, 1, this.#line + 1);
    if (records > 1) this.begins.add(this.#line + 1, records - 1);
    this.#line += records;
    if (records > 0) this.#record_line = this.#line;
    if (lastLf >= 0) this.#record_start = this.#offset + lastLf + 1;
    this.#state = last === LF ? STATE.LINE_START : last === this.#delimiter ? STATE.FIELD_START : STATE.PLAIN;
    return true;
  }

  #careful(piece: Buffer): void {
    const machine = this.#machine;
    let state = this.#state;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] as number;
      const before = state;
      state = machine[(before << 8) | byte] as number;
      if (byte === LF || byte === CR) this.#lineEnd(byte, before, state, at);
      else if (state === STATE.QUOTED && before < STATE.QUOTED) {
        this.#opened_line = this.#line;
        this.#opened_offset = this.#offset + at;
      }
    }
    this.#state = state;
  }

  #lineEnd(byte: number, before: number, state: number, at: number): void {
    if (state === STATE.QUOTED) {
      if (byte === CR) return;
      this.inner_lines += 1;
      this.#line += 1;
      return;
    }
    if (state > STATE.AFTER_CR) return; // the delimiter itself, or an escaped byte
    const start = this.#offset + at + 1;
    if (byte === LF && before === STATE.AFTER_CR) {
      this.cr -= 1;
      this.crlf += 1;
      this.#record_start = start;
      return;
    }
    if (byte === LF) this.lf += 1;
    else this.cr += 1;
    if (before <= STATE.AFTER_CR) this.blank_lines += 1;
    else {
      this.records += 1;
      this.begins.add(this.#record_line, 1, this.#line + 1);
    }
    this.#line += 1;
    this.#record_line = this.#line;
    if (start - this.#record_start > this.#line_bytes_max + 2) throw this.#tooLong();
    this.#record_start = start;
  }

  #tooLong(): UnitFault {
    const reason = `the record that begins at byte ${this.#record_start} is longer than ${this.#line_bytes_max} bytes (max_line_bytes)`;
    return new UnitFault('record_too_long', reason, { line: this.#line, byte_offset: this.#record_start });
  }
}

const SPACE = 32;
