import { isUtf8 } from 'node:buffer';
import type { CsvDialect } from '../../core/ports/engine.ts';
import type { FormatInspector, InspectOptions, InspectRequest } from '../../core/ports/format.ts';
import { verbatimCopy } from '../stream/copy.ts';
import { headerNames } from '../stream/header-names.ts';
import { inspectText, type TextOutcome } from '../stream/inspect-text.ts';
import type { TextFacts } from '../stream/text.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { CellLook } from './cell-look.ts';
import { lineEndCopy } from './line-ends.ts';
import { CR, type CsvMachine, csvMachine, type FirstRecord, LF, readRecord } from './machine.ts';
import { CsvScan } from './scan.ts';
import { sniffDelimiter } from './sniff.ts';

/** The delimiter is judged by the beginning of the file. */
const SNIFF_BYTES = 64 * 1024;

/** Delimited text: dialect, header, and a quote-aware record count that agrees with the engine's. */
export const inspector: FormatInspector = {
  inspect: (request, signal) =>
    inspectText(request, signal, verbatimCopy('csv'), (text, facts) => readCsv(text, facts, request)),
};

async function readCsv(text: AsyncGenerator<Buffer>, facts: TextFacts, request: InspectRequest): Promise<TextOutcome> {
  const { value: head } = await text.next();
  if (head === undefined) throw emptyFile();
  const begin = findBegin(head, request.options);
  const dialect = chooseDialect(
    head.subarray(begin.offset, begin.offset + SNIFF_BYTES),
    begin,
    request,
    head.length - begin.offset > SNIFF_BYTES,
  );
  const machine = csvMachine(dialect);
  const first = readRecord(head, begin.offset, machine, dialect);
  const header = request.options.has_header
    ? checkHeader(first, head.subarray(begin.offset, begin.offset + first.bytes), begin.line)
    : undefined;
  const columns = header?.length ?? first.fields.length;
  const scan = new CsvScan(machine, dialect, {
    line_bytes_max: request.options.max_line_bytes,
    first_line: begin.line,
    header: header !== undefined,
  });
  facts.line_now = () => scan.line;
  const tail = new Tail();
  const look = lookAt(request, machine, dialect, header);
  const push = (chunk: Buffer, header_bytes = 0): void => {
    scan.push(chunk);
    look?.push(header_bytes === 0 ? chunk : chunk.subarray(header_bytes));
    tail.push(chunk);
  };
  push(head.subarray(begin.offset), header === undefined ? 0 : first.bytes);
  for await (const chunk of text) push(chunk);
  scan.end();
  const inner = scan.inner_lines - (header === undefined ? 0 : first.lines - 1);
  const headerRecords = header === undefined ? 0 : 1;
  const kinds = lineEndKinds(scan, head.subarray(0, begin.offset));
  return {
    records: scan.records - headerRecords + (columns === 1 ? scan.blank_lines : 0),
    first_record_line: begin.line + (header === undefined ? 0 : first.lines),
    ...recordLines(inner > 0 || (columns > 1 && scan.blank_lines > 0), columns === 1 && scan.blank_lines > 0, scan),
    dialect,
    ...(header === undefined ? {} : { header }),
    ...(look === undefined ? {} : { doubtful: look.end() }),
    ...(kinds.length > 1 ? { copy: lineEndCopy(machine, begin.offset) } : {}),
    notes: notesOf(scan, kinds, dialect, request, tail),
  };
}

/** Where the only column is blank, a blank line is a record, so that their numbers are others than the scan's. */
function recordLines(
  multiline_records: boolean,
  blank_records: boolean,
  scan: CsvScan,
): Pick<TextOutcome, 'multiline_records' | 'record_lines'> {
  const record_lines = multiline_records && !blank_records ? scan.begins.text() : undefined;
  return { multiline_records, ...(record_lines === undefined ? {} : { record_lines }) };
}

/** Undefined when nothing says which types the cells will be read as. */
function lookAt(
  { columns }: InspectRequest,
  machine: CsvMachine,
  dialect: CsvDialect,
  header: readonly string[] | undefined,
): CellLook | undefined {
  if (columns === undefined) return undefined;
  return new CellLook({ machine, dialect, columns, header: header ?? columns.map((column) => column.name) });
}

/** Only for the note about a missing final newline. */
class Tail {
  last: number | undefined;
  push(chunk: Buffer): void {
    if (chunk.length > 0) this.last = chunk[chunk.length - 1];
  }
}

function emptyFile(reason = 'it is empty'): UnitFault {
  return new UnitFault('empty_file', reason, { line: 1, byte_offset: 0 });
}

interface Begin {
  /** Offset of the first record (the header, if there is one). */
  readonly offset: number;
  /** Its line. */
  readonly line: number;
}

/** Goes past the declared preamble and past blank lines, which the engine would take for a header. */
function findBegin(head: Buffer, options: InspectOptions): Begin {
  if (head.toString('latin1').trim() === '') throw emptyFile('it holds nothing but blanks');
  let offset = 0;
  let line = 1;
  while (offset < head.length) {
    const lineEnd = endOfLine(head, offset);
    const blank = head[offset] === LF || head[offset] === CR;
    if (line > options.skip_lines && !blank) return { offset, line };
    offset = lineEnd;
    line += 1;
  }
  throw emptyFile(`nothing follows the first ${options.skip_lines} lines (skip_lines)`);
}

function endOfLine(text: Buffer, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === LF) return at + 1;
    if (text[at] === CR) return text[at + 1] === LF ? at + 2 : at + 1;
  }
  return text.length;
}

/** What the user declared, else what was pinned as long as it fits, else what the file looks like. */
function chooseDialect(
  head: Buffer,
  begin: Begin,
  { unit, options, pinned }: InspectRequest,
  cut: boolean,
): CsvDialect {
  const escaping = options.escape ?? options.quote;
  const usual = pinned?.delimiter ?? (/\.tsv(\.\w+)?$/i.test(unit.path) ? '\t' : ',');
  return {
    delimiter: options.delimiter ?? sniffDelimiter(head, { quote: options.quote, escape: escaping }, usual, cut),
    quote: options.quote,
    escape: escaping,
    has_header: options.has_header,
    skip_lines: begin.line - 1,
    ...(options.null_values === undefined || options.null_values.length === 0
      ? {}
      : { null_values: options.null_values }),
  };
}

function checkHeader(record: FirstRecord, bytes: Buffer, line: number): readonly string[] {
  if (!record.complete) throw new UnitFault('unclosed_quote', 'a quote in the header is never closed', { line });
  if (!isUtf8(bytes))
    throw new UnitFault(
      'invalid_encoding',
      'the header is not UTF-8; say which encoding it is: `encoding: windows-1252` (or latin-1, utf-16)',
      { line },
    );
  return headerNames(record.fields, line);
}

/** Kinds of line ends in use; the preamble counts, because the engine stumbles over a mix there too. */
function lineEndKinds(scan: CsvScan, preamble: Buffer): readonly string[] {
  const kinds = new Set<string>();
  if (scan.lf > 0) kinds.add('LF');
  if (scan.crlf > 0) kinds.add('CR LF');
  if (scan.cr > 0) kinds.add('CR');
  for (const [end] of preamble.toString('latin1').matchAll(/\r\n|\r|\n/g))
    kinds.add(end === '\n' ? 'LF' : end === '\r' ? 'CR' : 'CR LF');
  return [...kinds];
}

function notesOf(
  scan: CsvScan,
  kinds: readonly string[],
  dialect: CsvDialect,
  { pinned }: InspectRequest,
  tail: Tail,
): readonly string[] {
  const notes: string[] = [];
  if (kinds.length > 1) notes.push(`mixed line ends (${kinds.join(', ')})`);
  if (scan.blank_lines > 0) notes.push(`${scan.blank_lines} blank lines`);
  if (tail.last !== LF && tail.last !== CR) notes.push('no final newline');
  for (const part of ['delimiter', 'quote', 'escape', 'has_header'] as const) {
    if (pinned !== undefined && pinned[part] !== dialect[part]) {
      notes.push(
        `dialect changed: ${part} is ${JSON.stringify(dialect[part])} here, ${JSON.stringify(pinned[part])} before`,
      );
    }
  }
  return notes;
}
