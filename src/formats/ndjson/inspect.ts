import { RecordLines } from '../../core/model/record-lines.ts';
import type { FormatInspector, InspectRequest } from '../../core/ports/format.ts';
import { lineEndCopy } from '../csv/line-ends.ts';
import { CR, csvMachine, LF } from '../csv/machine.ts';
import { MemberScan, memberFacts } from '../json/member-scan.ts';
import { verbatimCopy } from '../stream/copy.ts';
import { inspectText, type TextOutcome } from '../stream/inspect-text.ts';
import type { TextFacts } from '../stream/text.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { markedCopy } from './wrong-bytes.ts';

/** A whole file of one line is worth a look at that line, if it is no longer than this. */
const SINGLE_LINE_BYTES_MAX = 16 * 1024 * 1024;
/** Lines have no quotes of their own here: JSON writes a newline inside a string as `\n`. */
const LINES = csvMachine({ delimiter: '\0', quote: '', escape: '' });

/** JSON, one document a line. Blank lines do not count; whether a line is JSON is the engine's to say, line by line. */
export const inspector: FormatInspector = {
  inspect: (request, signal) =>
    inspectText(request, signal, verbatimCopy('ndjson'), (text, facts) => readLines(text, facts, request)),
};

async function readLines(
  text: AsyncGenerator<Buffer>,
  facts: TextFacts,
  request: InspectRequest,
): Promise<TextOutcome> {
  const scan = new LineScan(request.options.max_line_bytes);
  facts.line_now = () => scan.lines + 1;
  const members = new MemberScan('ndjson');
  let kept: Buffer[] | undefined = [];
  for await (const chunk of text) {
    scan.push(chunk);
    members.push(chunk);
    // A copy: the chunk's memory is used again.
    if (scan.records > 1 || scan.offset > SINGLE_LINE_BYTES_MAX) kept = undefined;
    else kept?.push(Buffer.from(chunk));
  }
  scan.end();
  if (scan.records === 0)
    throw new UnitFault('empty_file', scan.offset === 0 ? 'it is empty' : 'it holds nothing but blanks', {
      line: 1,
      byte_offset: 0,
    });
  if (kept !== undefined && scan.records === 1 && request.options.complete !== true)
    judgeSingle(Buffer.concat(kept), scan.first_line);
  const mixed = scan.kinds > 1;
  const plain = mixed ? lineEndCopy(LINES, 0, 'ndjson') : verbatimCopy('ndjson');
  // The engine refuses a whole file for one wrong byte.
  const wrong = facts.encoding === 'utf-8' && facts.utf8.invalid_lines > 0;
  return {
    records: scan.records,
    first_record_line: scan.first_line,
    multiline_records: scan.blank_lines > 0,
    ...recordLines(scan),
    ...(mixed || wrong ? { copy: wrong ? markedCopy(plain) : plain } : {}),
    ...memberFacts(members),
    notes: [
      ...(mixed ? ['mixed line ends'] : []),
      ...(scan.blank_lines > 0 ? [`${scan.blank_lines} blank lines`] : []),
      ...(scan.open_line ? ['no final newline'] : []),
    ],
  };
}

function recordLines({ blank_lines, begins }: LineScan): Pick<TextOutcome, 'record_lines'> {
  const record_lines = blank_lines > 0 ? begins.text() : undefined;
  return record_lines === undefined ? {} : { record_lines };
}

/** A file that is one broken line was cut off or is something else; as a single rejected record it would look like a small mishap. */
function judgeSingle(text: Buffer, line: number): void {
  try {
    JSON.parse(text.toString('utf8'));
  } catch {
    throw new UnitFault('damaged_json', 'its only line is not complete JSON', { line, byte_offset: 0 });
  }
}

/** Counts lines that hold something. */
class LineScan {
  records = 0;
  blank_lines = 0;
  /** Lines that have ended. */
  lines = 0;
  offset = 0;
  /** Line of the first record. */
  first_line = 1;
  readonly begins = new RecordLines();
  readonly #line_bytes_max: number;
  #line_start = 0;
  #has_content = false;
  #after_cr = false;
  #kinds = { lf: 0, crlf: 0, cr: 0 };

  constructor(line_bytes_max: number) {
    this.#line_bytes_max = line_bytes_max;
  }

  get kinds(): number {
    return Object.values(this.#kinds).filter((count) => count > 0).length;
  }

  get open_line(): boolean {
    return this.#line_start < this.offset;
  }

  /** @throws UnitFault `record_too_long` */
  push(chunk: Buffer): void {
    const hasCr = chunk.includes(CR) || this.#after_cr;
    let at = 0;
    while (at < chunk.length) {
      const end = hasCr ? lineEnd(chunk, at) : chunk.indexOf(LF, at);
      const stop = end < 0 ? chunk.length : end;
      if (!this.#has_content) this.#has_content = holdsText(chunk, at, stop);
      this.#checkLength(this.offset + stop);
      if (end < 0) break;
      this.#lineEnded(chunk[end] as number, end === at, this.offset + end + 1);
      at = end + 1;
    }
    this.offset += chunk.length;
  }

  end(): void {
    if (this.open_line) this.#close();
  }

  #lineEnded(byte: number, empty: boolean, next: number): void {
    const pair = byte === LF && this.#after_cr && empty;
    this.#after_cr = byte === CR;
    this.#line_start = next;
    if (pair) {
      this.#kinds.cr -= 1;
      this.#kinds.crlf += 1;
      return;
    }
    if (byte === LF) this.#kinds.lf += 1;
    else this.#kinds.cr += 1;
    this.#close();
  }

  #close(): void {
    this.lines += 1;
    if (this.#has_content) {
      if (this.records === 0) this.first_line = this.lines;
      this.records += 1;
      this.begins.add(this.lines, 1);
    } else this.blank_lines += 1;
    this.#has_content = false;
  }

  #checkLength(end: number): void {
    if (end - this.#line_start <= this.#line_bytes_max) return;
    const reason = `line ${this.lines + 1} is longer than ${this.#line_bytes_max} bytes (max_line_bytes)`;
    throw new UnitFault('record_too_long', reason, { line: this.lines + 1, byte_offset: this.#line_start });
  }
}

function lineEnd(chunk: Buffer, from: number): number {
  for (let at = from; at < chunk.length; at++) if (chunk[at] === LF || chunk[at] === CR) return at;
  return -1;
}

function holdsText(chunk: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = chunk[at] as number;
    if (byte !== 0x20 && byte !== 0x09) return true;
  }
  return false;
}
