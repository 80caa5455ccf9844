import type { UnitLayout } from '../../core/ports/pulled-source.ts';
import { badBody } from './errors.ts';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** The records of a CSV body behind its header line; quoted fields may hold line ends. */
export function csvRecords(body: Buffer, delimiter: string) {
  const { bounds } = csvBounds(body, true, true);
  return { layout: csvLayout(body, bounds, delimiter), bytes: body, records: bounds.slice(2) };
}

/** How records below this header are written. @param bounds its record is the first of them */
export function csvLayout(bytes: Buffer, [from, to]: readonly number[], delimiter: string): UnitLayout {
  return {
    format: 'csv',
    dialect: { delimiter, quote: '"', escape: '"', has_header: false, skip_lines: 0 },
    header: from === undefined ? [] : fieldsOf(bytes.toString('utf8', from, to), delimiter),
  };
}

/** Starts and ends of the whole records by turns, and how many bytes hold them. @param first, last whether the body begins and ends here */
export function csvBounds(bytes: Buffer, first: boolean, last: boolean) {
  const bounds: number[] = [];
  let at = first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length) {
    const { end, quoted } = endOfRecord(bytes, at);
    if (quoted && last) throw badBody('its CSV ends inside a quoted field; it was cut off');
    // What stands behind it tells the end of a record: without it there may be more.
    if (!last && end + 1 >= bytes.length) break;
    if (end > at) bounds.push(at, end);
    at = end;
    if (bytes[at] === CR) at += 1;
    if (bytes[at] === LF) at += 1;
  }
  return { bounds, used: at };
}

function endOfRecord(body: Buffer, start: number): { readonly end: number; readonly quoted: boolean } {
  let quoted = false;
  for (let at = start; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) quoted = !quoted;
    else if ((byte === LF || byte === CR) && !quoted) return { end: at, quoted };
  }
  return { end: body.length, quoted };
}

/** The fields of one CSV record. */
export function fieldsOf(line: string, delimiter: string): readonly string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (quoted && char === '"' && line[at + 1] === '"') {
      field += '"';
      at += 1;
    } else if (char === '"') quoted = !quoted;
    else if (char === delimiter && !quoted) {
      fields.push(field);
      field = '';
    } else field += char;
  }
  return [...fields, field];
}
