import type { CsvDialect } from '../../core/ports/engine.ts';

/** Where in a CSV text a reader stands. Line starts are the states up to `AFTER_CR`, so that one comparison finds them. */
export const STATE = {
  LINE_START: 0,
  /** Just after a CR that ended a record; an LF here belongs to it. */
  AFTER_CR: 1,
  FIELD_START: 2,
  /** One space into a field: a quote may still open here. */
  SPACE: 3,
  PLAIN: 4,
  QUOTED: 5,
  ESCAPED: 6,
  /** Just after a closing quote. */
  AFTER_QUOTE: 7,
  /** Spaces after a closing quote: a further quote opens it again. */
  AFTER_SPACE: 8,
} as const;

export const LF = 10;
export const CR = 13;
const SPACE = 32;

/** `table[state << 8 | byte]` is the next state. */
export type CsvMachine = Uint8Array;

/**
 * The state machine by which the embedded engine reads CSV in strict mode with an explicit dialect (found by probing it, and held
 * against it by a property test): a quote opens a field only at its start or after one space; text after a closing quote is an
 * error that the engine reports for the record, after which reading goes on as in a plain field.
 */
export function csvMachine(dialect: Pick<CsvDialect, 'delimiter' | 'quote' | 'escape'>): CsvMachine {
  const key = `${dialect.delimiter}\n${dialect.quote}\n${dialect.escape}`;
  const known = machines.get(key) ?? buildMachine(dialect);
  if (machines.size < MACHINES_MAX) machines.set(key, known);
  return known;
}

/** A project has few dialects and may have a hundred thousand files. */
const MACHINES_MAX = 100;
const machines = new Map<string, CsvMachine>();

function buildMachine(dialect: Pick<CsvDialect, 'delimiter' | 'quote' | 'escape'>): CsvMachine {
  const table = new Uint8Array(9 << 8);
  const quote_byte = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
  const escape_byte = dialect.escape === '' ? quote_byte : dialect.escape.charCodeAt(0);
  const special: Special = { quote_byte, escape_byte, delimiter_byte: dialect.delimiter.charCodeAt(0) };
  for (let state = 0; state < 9; state++) {
    for (let byte = 0; byte < 256; byte++) table[(state << 8) | byte] = next(state, byte, special);
  }
  return table;
}

interface Special {
  readonly quote_byte: number;
  readonly escape_byte: number;
  readonly delimiter_byte: number;
}

function next(state: number, byte: number, special: Special): number {
  const { quote_byte, escape_byte, delimiter_byte } = special;
  if (state === STATE.ESCAPED) return STATE.QUOTED;
  if (state === STATE.QUOTED) {
    if (byte === quote_byte) return STATE.AFTER_QUOTE;
    return byte === escape_byte ? STATE.ESCAPED : STATE.QUOTED;
  }
  if (byte === delimiter_byte) return STATE.FIELD_START;
  if (byte === LF) return STATE.LINE_START;
  if (byte === CR) return STATE.AFTER_CR;
  if (state === STATE.AFTER_QUOTE || state === STATE.AFTER_SPACE) return afterQuote(byte, special);
  if (state === STATE.PLAIN) return STATE.PLAIN;
  if (byte === quote_byte) return STATE.QUOTED;
  return byte === SPACE && state !== STATE.SPACE ? STATE.SPACE : STATE.PLAIN;
}

function afterQuote(byte: number, { quote_byte, escape_byte }: Special): number {
  // Two quotes are one literal quote, also with spaces between them; with another escape they are an error.
  if (byte === quote_byte && escape_byte === quote_byte) return STATE.QUOTED;
  return byte === SPACE ? STATE.AFTER_SPACE : STATE.PLAIN;
}

/** A record as text fields, for headers and sniffing: quotes and escapes resolved. */
export interface FirstRecord {
  readonly fields: readonly string[];
  /** Bytes up to and including the line end. */
  readonly bytes: number;
  /** Lines it spans. */
  readonly lines: number;
  /** False when the text ends inside it. */
  readonly complete: boolean;
}

/** The record that begins at `from`. */
export function readRecord(
  text: Buffer,
  from: number,
  machine: CsvMachine,
  dialect: Pick<CsvDialect, 'quote' | 'escape'>,
): FirstRecord {
  const fields: string[] = [];
  let state: number = STATE.LINE_START;
  let start = from;
  let newlines = 0;
  for (let at = from; at < text.length; at++) {
    const byte = text[at] ?? 0;
    state = machine[(state << 8) | byte] ?? 0;
    if (state === STATE.QUOTED) newlines += byte === LF ? 1 : 0;
    if (state !== STATE.FIELD_START && state > STATE.AFTER_CR) continue;
    fields.push(fieldText(text.subarray(start, at), dialect));
    start = at + 1;
    if (state === STATE.FIELD_START) continue;
    const pair = state === STATE.AFTER_CR && text[at + 1] === LF ? 1 : 0;
    return { fields, bytes: at + 1 + pair - from, lines: newlines + 1, complete: true };
  }
  fields.push(fieldText(text.subarray(start), dialect));
  return {
    fields,
    bytes: text.length - from,
    lines: newlines + 1,
    complete: state !== STATE.QUOTED && state !== STATE.ESCAPED,
  };
}

/** How long the record that begins at `from` is and how many fields it has, without making texts of them. */
export function measureRecord(
  text: Buffer,
  from: number,
  machine: CsvMachine,
): { readonly fields: number; readonly bytes: number; readonly blank: boolean } {
  let state: number = STATE.LINE_START;
  let fields = 1;
  for (let at = from; at < text.length; at++) {
    state = machine[(state << 8) | (text[at] ?? 0)] ?? 0;
    if (state === STATE.FIELD_START) fields += 1;
    if (state > STATE.AFTER_CR) continue;
    const pair = state === STATE.AFTER_CR && text[at + 1] === LF ? 1 : 0;
    return { fields, bytes: at + 1 + pair - from, blank: at === from };
  }
  return { fields, bytes: text.length - from, blank: false };
}

function fieldText(bytes: Buffer, dialect: Pick<CsvDialect, 'quote' | 'escape'>): string {
  const { quote } = dialect;
  const text = bytes.toString('utf8');
  if (quote === '') return text;
  const trimmed = text.trim();
  if (!trimmed.startsWith(quote) || !trimmed.endsWith(quote) || trimmed.length < 2) return text;
  const inner = trimmed.slice(1, -1);
  const by = dialect.escape === '' ? quote : dialect.escape;
  const doubled = inner.replaceAll(by + quote, quote);
  return by === quote ? doubled : doubled.replaceAll(by + by, by);
}
