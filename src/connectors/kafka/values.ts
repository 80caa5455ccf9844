import type { UnitFacts } from '../../core/ports/pulled-source.ts';
import { JsonMembers } from '../../kit/json-members.ts';
import { JsonObjectCheck } from '../../kit/json-object.ts';
import type { RecordBatch, RecordCursor } from './record-batch.ts';
import { MESSAGE_COLUMNS, RECORD_COLUMN, type RowBuffer } from './row-buffer.ts';

/** Turns the value of a message into rows. */
export interface ValueReader {
  /** Fetches what the values of this batch need (schemas) before they are read; absent: nothing ever. */
  prepare?(batch: RecordBatch): Promise<void>;
  /**
   * Appends the rows of a value that is not null. @returns undefined, or why it cannot be read; then nothing was appended.
   */
  read(message: RecordCursor, rows: RowBuffer): string | undefined;
  /**
   * What it knows of the rows that it appended since it was asked last, the message's own columns left out; absent: it does not look at all of them.
   */
  facts?(): Pick<UnitFacts, 'fields' | 'forms' | 'doubtful_records'>;
}

const LF = 0x0a;

/** One JSON object a message; its bytes are never read and written again. */
export function jsonValues(): ValueReader {
  const members = new JsonMembers();
  const checker = new JsonObjectCheck(MESSAGE_COLUMNS, members);
  return {
    read: (message, rows) => {
      if (!checker.check(message.bytes, message.value_from, message.value_to)) return checker.reason;
      appendObject(checker, message, rows);
      members.take();
      return undefined;
    },
    facts: () => factsOf(members),
  };
}

/** Several JSON objects a message, one a line. A message with one wrong line is not taken apart. */
export function ndjsonValues(): ValueReader {
  const members = new JsonMembers();
  const checker = new JsonObjectCheck([...MESSAGE_COLUMNS, RECORD_COLUMN], members);
  return {
    read: (message, rows) => {
      const lines = [...textLines(message)];
      for (const [index, line] of lines.entries())
        if (!checker.check(message.bytes, line.from, line.to)) return `line ${index + 1}: ${checker.reason}`;
      if (lines.length === 0) return 'it is empty';
      for (const [index, line] of lines.entries()) {
        checker.check(message.bytes, line.from, line.to);
        appendObject(checker, message, rows, index + 1);
        members.take();
      }
      return undefined;
    },
    facts: () => factsOf(members),
  };
}

/** The whole value as text in one column. */
export function textValues(column: string): ValueReader {
  const name = JSON.stringify(column);
  return {
    read: (message, rows) => {
      rows.begin(message);
      rows.name(name);
      rows.text(message.bytes, message.value_from, message.value_to);
      rows.end();
      return undefined;
    },
  };
}

/** The value's bytes as base64 in one column. */
export function rawValues(column: string): ValueReader {
  const name = JSON.stringify(column);
  return {
    read: (message, rows) => {
      rows.begin(message);
      rows.name(name);
      rows.string(message.bytes.toString('base64', message.value_from, message.value_to));
      rows.end();
      return undefined;
    },
  };
}

function factsOf(members: JsonMembers): ReturnType<NonNullable<ValueReader['facts']>> {
  const { twice } = members;
  const told = members.tell();
  const doubtful = twice ? { doubtful_records: true } : {};
  if (told === undefined) return doubtful;
  const forms = Object.fromEntries(told.flatMap(({ name, form }) => (form === undefined ? [] : [[name, form]])));
  return { fields: told.map(({ name, records }) => ({ name, records })), forms, ...doubtful };
}

function appendObject(checker: JsonObjectCheck, message: RecordCursor, rows: RowBuffer, record?: number): void {
  rows.begin(message, record);
  if (checker.empty) rows.end();
  else rows.members(message.bytes, checker.from, checker.to, checker.has_newline);
}

/** Lines that hold something. */
function* textLines({ bytes, value_from, value_to }: RecordCursor): Generator<{ from: number; to: number }> {
  let from = value_from;
  while (from < value_to) {
    const found = bytes.indexOf(LF, from);
    const to = found < 0 || found > value_to ? value_to : found;
    if (holdsText(bytes, from, to)) yield { from, to };
    from = to + 1;
  }
}

function holdsText(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 0x20) return true;
  return false;
}
