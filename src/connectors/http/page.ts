import { isUtf8 } from 'node:buffer';
import type { UnitLayout, UnreadableRecord } from '../../core/ports/pulled-source.ts';
import { cutJson, endOfJson, type JsonFind, type JsonWanted } from '../../kit/json-cut.ts';
import { JsonFault } from '../../kit/json-fault.ts';
import { type JsonPath, parseJsonPath } from '../../kit/json-path.ts';
import { filled, type Item, itemValue } from './ask.ts';
import { csvRecords } from './csv-page.ts';
import { badBody } from './errors.ts';
import type { Answer } from './exchange.ts';
import type { HttpOptions } from './options.ts';

/** A response taken apart: where its records are in its bytes, and what it says about other pages. */
export interface Page {
  readonly layout: UnitLayout;
  readonly bytes: Buffer;
  /** Starts and ends of the records by turns. */
  readonly records: readonly number[];
  /** JSON text of the members to add to each record, as `"a":1,"b":"x"`; empty for none. */
  readonly addition: string;
  readonly unreadable: readonly Omit<UnreadableRecord, 'where'>[];
  readonly next: string | undefined;
  readonly has_more: boolean | undefined;
  readonly total: number | undefined;
  /** Set when the response lies in a file: then `bytes`, `records` and `unreadable` are empty, and what is in it comes part by part. */
  readonly large?: LargeRecords;
}

/** The records of a response that is not held in memory. */
export interface LargeRecords {
  readonly records: number;
  /** What stands among them and is no record. */
  readonly strays: number;
  /** Its parts in order, once; the bytes of one are good until the next is asked for. The file goes with the last. */
  parts(): AsyncIterable<Page>;
}

/** How many records there are. */
export function recordsOf({ large, records }: Page): number {
  return large?.records ?? records.length / 2;
}

/** How many entries are no records. */
export function straysOf({ large, unreadable }: Page): number {
  return large?.strays ?? unreadable.length;
}

export const NDJSON: UnitLayout = { format: 'ndjson' };
export const NOTHING = {
  addition: '',
  unreadable: [],
  next: undefined,
  has_more: undefined,
  total: undefined,
} as const;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const OBJECT = 0x7b;
const ARRAY = 0x5b;

/**
 * Takes an answer apart without changing it.
 * @throws AttemptFailed when the body is not what it should be: cut off, a page of HTML, no records where they are said to be.
 */
export function readPage(options: HttpOptions, item: Item, answer: Pick<Answer, 'status' | 'headers' | 'body'>): Page {
  const { body } = answer;
  if (answer.status === 204) return { layout: NDJSON, bytes: body, records: [], ...NOTHING };
  refuseHtml(answer, options.format);
  if (!isUtf8(body)) throw badBody('its bytes are not UTF-8');
  try {
    if (options.format === 'csv') return { ...csvRecords(body, options.delimiter), ...NOTHING };
    if (options.format === 'ndjson') return { ...NOTHING, ...lines(options, item, body) };
    return documentPage(options, item, body);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw badBody(`its JSON is damaged: ${error.message} (byte ${error.offset} of ${body.length})`, error);
  }
}

/** @throws AttemptFailed when a page of HTML came instead, as gateways send it. */
export function refuseHtml({ headers, body }: Pick<Answer, 'headers' | 'body'>, format: string): void {
  const start = body.subarray(0, 256).toString('latin1').trimStart().toLowerCase();
  if (start.startsWith('<!doctype') || start.startsWith('<html'))
    throw badBody(
      `it answers with a page of HTML instead of ${format} (content type ${JSON.stringify(headers['content-type'] ?? 'none')})`,
    );
}

/** Parsed once per set of options. */
const wishes = new WeakMap<HttpOptions, readonly { readonly path: JsonPath; readonly wanted: JsonWanted }[]>();

function wishesOf(options: HttpOptions): readonly { readonly path: JsonPath; readonly wanted: JsonWanted }[] {
  let known = wishes.get(options);
  if (known === undefined) {
    const { next, has_more, total } = options.pages ?? {};
    const wish = (text: string | undefined, wanted: JsonWanted = 'value') => ({
      path: parseJsonPath(text ?? '$') ?? { text: '$', steps: [] },
      wanted,
    });
    const additions = Object.values(options.add).filter((text) => text.startsWith('$'));
    known = [
      wish(options.records, options.columnar ? 'columns' : 'elements'),
      wish(next),
      wish(has_more),
      wish(total),
      ...additions.map((text) => wish(text)),
    ];
    wishes.set(options, known);
  }
  return known;
}

/** The paths that a document is searched for: that of the records first. */
export function pathsOf(options: HttpOptions): readonly JsonPath[] {
  return wishesOf(options).map(({ path }) => path);
}

function documentPage(options: HttpOptions, item: Item, body: Buffer): Page {
  const [at_records, next, has_more, total, ...additions] = cutJson(body, wishesOf(options));
  const { pages } = options;
  const text = (find: JsonFind | undefined): string | undefined =>
    find?.value === undefined ? undefined : body.toString('utf8', find.value.start, find.value.end);
  const more = pages?.has_more === undefined ? undefined : text(has_more);
  const count = pages?.total === undefined ? Number.NaN : Number(scalar(text(total)));
  const found = at_records ?? { value: undefined, elements: [], members: [] };
  const cut = options.columnar ? columnRows(options, body, found) : elements(options, body, found);
  return {
    layout: NDJSON,
    ...cut,
    addition: additionOf(options, item, additions.map(text)),
    next: pages?.next === undefined ? undefined : scalar(text(next)),
    has_more: more === undefined ? undefined : more === 'true' || more === '1',
    total: Number.isFinite(count) ? count : undefined,
  };
}

export type Cut = Pick<Page, 'bytes' | 'records' | 'unreadable'>;

function elements(options: HttpOptions, bytes: Buffer, { value, elements: found }: JsonFind): Cut {
  if (value === undefined) throw badBody(`there is nothing at ${options.records}`);
  if (bytes[value.start] === OBJECT) return { bytes, records: [value.start, value.end], unreadable: [] };
  if (bytes[value.start] !== ARRAY) {
    if (bytes.toString('latin1', value.start, value.end) === 'null') return { bytes, records: [], unreadable: [] };
    throw badBody(`${options.records} is neither an array nor an object`);
  }
  return objectsOnly(bytes, found);
}

/** Records are objects; what else stands among them is put aside. */
export function objectsOnly(bytes: Buffer, found: readonly number[]): Cut {
  let strays = 0;
  for (let at = 0; at < found.length; at += 2) if (bytes[found[at] as number] !== OBJECT) strays += 1;
  if (strays === 0) return { bytes, records: found, unreadable: [] };
  const records: number[] = [];
  const unreadable: Omit<UnreadableRecord, 'where'>[] = [];
  for (let at = 0; at < found.length; at += 2) {
    const [start, end] = [found[at] as number, found[at + 1] as number];
    if (bytes[start] === OBJECT) records.push(start, end);
    else
      unreadable.push({
        rule: 'not_a_record',
        reason: 'it is not an object, so it is no record',
        raw: bytes.toString('utf8', start, end),
      });
  }
  return { bytes, records, unreadable };
}

/** `{"a":[1,2],"b":[3,4]}` becomes `{"a":1,"b":3}` and `{"a":2,"b":4}`: each value as it was written. */
function columnRows(options: HttpOptions, bytes: Buffer, { value, members }: JsonFind): Cut {
  if (value === undefined || bytes[value.start] !== OBJECT)
    throw badBody(`there is no object of arrays at ${options.records}`);
  const columns = members.map(({ name, elements: list }) => {
    if (list === undefined) throw badBody(`${JSON.stringify(name)} at ${options.records} is no array`);
    return { name, list };
  });
  const rows = (columns[0]?.list.length ?? 0) / 2;
  const odd = columns.find(({ list }) => list.length !== 2 * rows);
  if (odd !== undefined)
    throw badBody(`the arrays at ${options.records} differ in length: ${rows} and ${odd.list.length / 2}`);
  const parts: string[] = [];
  const text = bytes.toString('latin1');
  const records: number[] = [];
  let size = 0;
  for (let row = 0; row < rows; row++) {
    const cells = columns.map(({ name, list }) => `"${latin(name)}":${text.slice(list[2 * row], list[2 * row + 1])}`);
    const line = `{${cells.join(',')}}`;
    records.push(size, size + line.length);
    size += line.length + 1;
    parts.push(line);
  }
  return { bytes: Buffer.from(`${parts.join('\n')}\n`, 'latin1'), records, unreadable: [] };
}

/** UTF-8 bytes as one character each, as the rest of the text is held. */
function latin(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function lines(options: HttpOptions, item: Item, bytes: Buffer): Cut & Pick<Page, 'layout' | 'addition'> {
  return { layout: NDJSON, ...lineRecords(bytes), addition: additionOf(options, item, []) };
}

/** The records of lines of JSON. */
export function lineRecords(bytes: Buffer): Cut {
  const found: number[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(LF, start);
    const end = newline < 0 ? bytes.length : newline;
    let [from, to] = [start, end];
    while (from < to && (bytes[from] as number) <= BLANK) from += 1;
    while (to > from && (bytes[to - 1] as number) <= BLANK) to -= 1;
    if (to > from) found.push(from, to);
    start = end + 1;
  }
  // A connection that ended early leaves half a line; the others are judged one by one later.
  const last = found.at(-2);
  if (last !== undefined && bytes.at(-1) !== LF) endOfJson(bytes, last);
  return objectsOnly(bytes, found);
}

/** A string or number as text; undefined for null, false, an empty string and what is missing. */
function scalar(raw: string | undefined): string | undefined {
  if (raw === undefined || raw === 'null' || raw === 'false' || raw === '""') return undefined;
  return raw.startsWith('"') ? String(JSON.parse(raw)) : raw;
}

/** @param found raw values of the paths among the additions, in order */
export function additionOf(options: HttpOptions, item: Item, found: readonly (string | undefined)[]): string {
  let at = 0;
  const members = Object.entries(options.add).map(([name, text]) => {
    const raw = text.startsWith('$')
      ? (found[at++] ?? 'null').replaceAll(/[\r\n]/g, ' ')
      : JSON.stringify(itemValue(text, item) ?? filled(text, item, String));
    return `${JSON.stringify(name)}:${raw}`;
  });
  return members.join(',');
}

/** Line ends between tokens become blanks, so that a record is one line. Strings hold none: that was checked. */
export function flatten({ bytes, records, layout }: Page): void {
  if (layout.format !== 'ndjson' || records.length === 0) return;
  const [from, to] = [records[0] as number, records.at(-1) as number];
  for (const byte of [LF, CR]) {
    for (let at = bytes.indexOf(byte, from); at >= 0 && at < to; at = bytes.indexOf(byte, at + 1)) bytes[at] = BLANK;
  }
}
