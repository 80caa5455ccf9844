import { isUtf8 } from 'node:buffer';
import { MESSAGE_COLUMNS, RECORD_COLUMN } from './row-buffer.ts';
import type { ValueReader } from './values.ts';

export interface CsvValueOptions {
  /** Names of the fields, in order; messages carry no header. */
  readonly fields: readonly string[];
  readonly delimiter: string;
}

/** One or several CSV records a message. Fields stay text, an empty one without quotes is null; the table's types decide later. */
export function csvValues({ fields, delimiter }: CsvValueOptions): ValueReader {
  const names = fields.map((field) => JSON.stringify(field));
  return {
    read: (message, rows) => {
      const bytes = message.bytes.subarray(message.value_from, message.value_to);
      if (!isUtf8(bytes)) return 'it is not UTF-8';
      const records = csvRecords(bytes.toString('utf8'), delimiter);
      if (typeof records === 'string') return records;
      if (records.length === 0) return 'it is empty';
      const wrong = records.findIndex((record) => record.length !== names.length);
      if (wrong >= 0)
        return `record ${wrong + 1} has ${records[wrong]?.length ?? 0} fields, the source declares ${names.length}`;
      for (const [index, record] of records.entries()) {
        rows.begin(message, index + 1);
        for (const [at, field] of record.entries()) {
          rows.name(names[at] as string);
          rows.raw(field === null ? 'null' : JSON.stringify(field));
        }
        rows.end();
      }
      return undefined;
    },
  };
}

/** Field names that would hide columns of ours. */
export function reservedFields(fields: readonly string[]): readonly string[] {
  const reserved: readonly string[] = [...MESSAGE_COLUMNS, RECORD_COLUMN];
  return fields.filter((field) => reserved.includes(field));
}

interface Field {
  readonly value: string | null;
  readonly next: number;
}

/** Records of RFC 4180 text; blank lines do not count. @returns or why it is none. */
function csvRecords(text: string, delimiter: string): (string | null)[][] | string {
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  let at = 0;
  while (at <= text.length) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at, delimiter);
    if (field === undefined) return 'a quote is not closed';
    record.push(field.value);
    at = field.next + 1;
    const end = text[field.next];
    if (end === delimiter) continue;
    if (end !== undefined && !isBreak(end)) return 'something follows a closing quote';
    if (record.length > 1 || field.value !== null) records.push(record);
    record = [];
    if (end === '\r' && text[at] === '\n') at += 1;
  }
  return records;
}

function plainField(text: string, start: number, delimiter: string): Field {
  let at = start;
  while (at < text.length && text[at] !== delimiter && !isBreak(text[at])) at++;
  return { value: at === start ? null : text.slice(start, at), next: at };
}

function quotedField(text: string, start: number): Field | undefined {
  let value = '';
  let from = start + 1;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) return undefined;
    value += text.slice(from, end);
    if (text[end + 1] !== '"') return { value, next: end + 1 };
    value += '"';
    from = end + 2;
  }
}

function isBreak(character: string | undefined): boolean {
  return character === '\n' || character === '\r';
}
