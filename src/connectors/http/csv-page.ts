import type { UnitLayout } from '../../core/ports/pulled-source.ts';
import { badBody } from './errors.ts';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** The records of a CSV body behind its header line; quoted fields may hold line ends. */
export function csvRecords(body: Buffer, delimiter: string) {
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  const bounds: number[] = [];
  for (let at = start; at < body.length; ) {
    const end = endOfRecord(body, at);
    if (end > at) bounds.push(at, end);
    at = end;
    if (body[at] === CR) at += 1;
    if (body[at] === LF) at += 1;
  }
  const [from, to] = bounds;
  const header = from === undefined ? [] : fieldsOf(body.toString('utf8', from, to), delimiter);
  const layout: UnitLayout = {
    format: 'csv',
    dialect: { delimiter, quote: '"', escape: '"', has_header: false, skip_lines: 0 },
    header,
  };
  return { layout, bytes: body, records: bounds.slice(2) };
}

function endOfRecord(body: Buffer, start: number): number {
  let at = start;
  let quoted = false;
  for (; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) quoted = !quoted;
    else if ((byte === LF || byte === CR) && !quoted) return at;
  }
  if (quoted) throw badBody('its CSV ends inside a quoted field; it was cut off');
  return at;
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
