import { crc32 } from 'node:zlib';
import type { ColumnMetaData, DecodedArray, PageHeader, SchemaTree } from 'hyparquet';
import { type CheckedColumn, checkedColumn, checkPage, within } from './guard.ts';
import type { ParquetParts } from './parquet-parts.ts';

export interface Page {
  readonly header: PageHeader;
  readonly bytes: Uint8Array;
  readonly values: number;
  /** Number of its first row in the row group, and how many rows it has. */
  readonly first_row: number;
  readonly rows: number;
}

/** One column of one row group: its pages as they lie in the file, none of them decoded. */
export interface Chunk {
  readonly name: string;
  readonly parts: ParquetParts;
  readonly column: CheckedColumn;
  readonly path: SchemaTree[];
  readonly pages: readonly Page[];
  /** Bytes, or numbers, by their place in the dictionary. */
  readonly dictionary: DecodedArray | undefined;
  /** The same as texts, once somebody wanted them. */
  texts?: readonly string[] | undefined;
}

/** A page's values, and where they belong. */
interface DecodedPage {
  /** Undefined where every value is there. */
  readonly definition: readonly number[] | undefined;
  /** Undefined where each value is a row. */
  readonly repetition: readonly number[] | undefined;
  /** Values that are there, or their places in the dictionary. */
  readonly values: DecodedArray;
  readonly indexes: boolean;
  readonly count: number;
}

/** Where a chunk lies in its file. @throws TypeError when that cannot be. */
export function chunkRange(
  meta: ColumnMetaData,
  file_bytes: number,
): { readonly start: number; readonly size: number } {
  const start = within('as offset', meta.dictionary_page_offset || meta.data_page_offset, file_bytes);
  return { start, size: within('bytes of a column', meta.total_compressed_size, file_bytes - start) };
}

/**
 * Takes a column apart into pages. What their checksums vouch for is decoded when it is asked for; a page without one is decoded here, once,
 * so that damage is found while there is another way to read the table.
 * @throws TypeError, RangeError for what cannot be true.
 */
export function openChunk(
  parts: ParquetParts,
  meta: ColumnMetaData,
  path: SchemaTree[],
  bytes: Uint8Array,
  { rows, file_bytes }: { readonly rows: number; readonly file_bytes: number },
): Chunk {
  const column = checkedColumn(meta, path);
  const total = valuesOf(meta, column, rows, file_bytes);
  const pages: Page[] = [];
  const chunk = { name: meta.path_in_schema.join('.'), parts, column, path, pages };
  let dictionary: DecodedArray | undefined;
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  let [left, first_row] = [total, 0];
  while (reader.offset < bytes.byteLength - 1) {
    const header = parts.parquetHeader(reader);
    const length = within('bytes of a page', header.compressed_page_size, bytes.byteLength - reader.offset);
    const body = bytes.subarray(reader.offset, reader.offset + length);
    reader.offset += length;
    if (header.crc !== undefined && header.crc !== null && crc32(body) !== header.crc >>> 0)
      throw new TypeError('a page with another checksum');
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = dictionaryOf(chunk, header, body, meta);
      continue;
    }
    const page = { header, bytes: body, values: valuesIn(header, left), first_row, rows: 0 };
    const known = header.crc === undefined || header.crc === null ? undefined : rowsIn(page, column);
    const found = known ?? rowsOf(decodePage({ ...chunk, dictionary }, page));
    pages.push({ ...page, rows: found });
    left -= page.values;
    first_row += found;
  }
  if (left !== 0) throw new TypeError(`${total} values, but its pages have ${total - left}`);
  if (first_row !== rows) throw new TypeError(`${rows} rows, but the pages of a column have ${first_row}`);
  return { ...chunk, dictionary };
}

const VALUES_PER_BYTE = 16;

function valuesOf(meta: ColumnMetaData, column: CheckedColumn, rows: number, file_bytes: number): number {
  const values = within('values', meta.num_values, VALUES_PER_BYTE * file_bytes);
  if (values < rows || (column.repetition_level === 0 && values !== rows))
    throw new TypeError(`${values} values in ${rows} rows`);
  return values;
}

function valuesIn({ type, data_page_header, data_page_header_v2 }: PageHeader, left: number): number {
  const header = type === 'DATA_PAGE_V2' ? data_page_header_v2 : type === 'DATA_PAGE' ? data_page_header : undefined;
  if (header === undefined) throw new TypeError(`a page of the type ${type}`);
  return within('values of a page', header.num_values, left);
}

/** As far as the header tells. */
function rowsIn({ header, values }: Page, column: CheckedColumn): number | undefined {
  if (column.repetition_level === 0) return values;
  return header.data_page_header_v2 && within('rows of a page', header.data_page_header_v2.num_rows, values);
}

function rowsOf({ count, repetition }: DecodedPage): number {
  return repetition === undefined ? count : repetition.reduce((sum, level) => sum + Number(level === 0), 0);
}

function dictionaryOf(
  { parts, column, path }: Pick<Chunk, 'parts' | 'column' | 'path'>,
  header: PageHeader,
  bytes: Uint8Array,
  { type }: ColumnMetaData,
): DecodedArray {
  const { values, body } = checkPage(parts, column, header, bytes, 0);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return parts.readPlain({ view, offset: 0 }, type, values, path.at(-1)?.element.type_length);
}

/** @throws TypeError, RangeError for what cannot be true. */
export function decodePage(chunk: Omit<Chunk, 'texts'>, page: Page): DecodedPage {
  const { parts, column, path } = chunk;
  const { header, bytes } = page;
  const { body } = checkPage(parts, column, header, bytes, page.values);
  const element = path.at(-1)?.element;
  if (element?.type === undefined) throw new TypeError('a column without a type');
  const decoder: Parameters<ParquetParts['readDataPage']>[2] = {
    ...{ type: element.type, element, schemaPath: path, codec: column.codec, pathInSchema: [], parsers: parts.parsers },
    // The guard has decompressed it already.
    compressors: { [column.codec]: () => body },
  };
  const data = header.type === 'DATA_PAGE_V2' ? header.data_page_header_v2 : header.data_page_header;
  if (data === undefined) throw new TypeError(`a page of the type ${header.type}`);
  const { definitionLevels, repetitionLevels, dataPage } =
    header.data_page_header !== undefined && header.type === 'DATA_PAGE'
      ? parts.readDataPage(body, header.data_page_header, decoder)
      : parts.readDataPageV2(bytes, header, decoder);
  return {
    definition: definitionLevels === undefined || definitionLevels.length === 0 ? undefined : definitionLevels,
    repetition: column.repetition_level === 0 ? undefined : repetitionLevels,
    values: dataPage,
    indexes: data.encoding.endsWith('_DICTIONARY'),
    count: page.values,
  };
}

/** What a visitor is told of each place of a column: its row in the group, how much of its path is there, and its value. */
export type Visit<T> = (row: number, definition: number, value: T | undefined) => void;

/** Walks through the values of a column, as they come out of the file: bytes, numbers, big numbers. */
export function visitValues(chunk: Chunk, visit: Visit<unknown>): void {
  for (const page of chunk.pages) visitValuesOf(chunk, page, visit);
}

/** Walks through the values of one page; rows are counted from the start of the group. */
export function visitValuesOf(chunk: Chunk, page: Page, visit: Visit<unknown>): void {
  visitPage(chunk, page, visit, chunk.dictionary);
}

/** Where a text lies. */
export type VisitBytes = (row: number, bytes: Uint8Array, from: number, to: number) => void;

/** Walks through the texts that are there without making anything of them: for columns with a million of them. */
export function visitBytes(chunk: Chunk, visit: VisitBytes): void {
  for (const page of chunk.pages) {
    const plain = plainBytes(chunk, page);
    if (plain !== undefined) {
      visitPlain(plain, page, visit);
      continue;
    }
    visitValuesOf(chunk, page, (row, _, value) => {
      if (value === undefined) return;
      if (!(value instanceof Uint8Array)) throw new TypeError('a value that is no text');
      visit(row, value, 0, value.length);
    });
  }
}

/** The bytes of a page in which each row has a text, one after the other. */
function plainBytes({ parts, column }: Chunk, { header, bytes, values }: Page): Uint8Array | undefined {
  const v2 = header.type === 'DATA_PAGE_V2' ? header.data_page_header_v2 : undefined;
  if (v2 === undefined || v2.encoding !== 'PLAIN' || v2.num_nulls !== 0 || column.repetition_level > 0)
    return undefined;
  return checkPage(parts, column, header, bytes, values).body;
}

function visitPlain(bytes: Uint8Array, { first_row, values }: Page, visit: VisitBytes): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let i = 0; i < values; i++) {
    const from = at + 4;
    at = from + view.getUint32(at, true);
    if (at > bytes.length) throw new RangeError('a text that ends behind its page');
    visit(first_row + i, bytes, from, at);
  }
}

/** Walks through texts. */
export function visitTexts(chunk: Chunk, visit: Visit<string>): void {
  for (const page of chunk.pages) visitTextsOf(chunk, page, visit);
}

/** Walks through the texts of one page; rows are counted from the start of the group. */
export function visitTextsOf(chunk: Chunk, page: Page, visit: Visit<string>): void {
  chunk.texts ??= chunk.dictionary === undefined ? undefined : Array.from(chunk.dictionary, textOf);
  const { texts } = chunk;
  visitPage(
    chunk,
    page,
    (row, definition, value) =>
      visit(row, definition, typeof value === 'string' || value === undefined ? value : textOf(value)),
    texts,
  );
}

function visitPage(
  chunk: Chunk,
  page: Page,
  visit: Visit<unknown>,
  dictionary: DecodedArray | readonly string[] | undefined,
): void {
  const { definition, repetition, values, indexes, count } = decodePage(chunk, page);
  const whole = chunk.column.definition_level;
  const longs =
    values instanceof BigInt64Array ? new Int32Array(values.buffer, values.byteOffset, 2 * values.length) : undefined;
  let [row, next] = [page.first_row - 1, 0];
  for (let i = 0; i < count; i++) {
    if (repetition === undefined || repetition[i] === 0) row++;
    const level = definition === undefined ? whole : (definition[i] ?? 0);
    if (level < whole) {
      visit(row, level, undefined);
      continue;
    }
    // Two halves of a number need no big number, of which each takes memory.
    const value: unknown = indexes
      ? dictionary?.[Number(values[next])]
      : longs === undefined
        ? values[next]
        : longAt(longs, next);
    next++;
    if (value === undefined) throw new TypeError('a value that is not there');
    visit(row, level, value);
  }
}

function longAt(halves: Int32Array, index: number): number {
  return (halves[2 * index + 1] ?? 0) * 2 ** 32 + ((halves[2 * index] ?? 0) >>> 0);
}

/** No value at all, as the headers of its pages say. */
export function isEmpty({ pages }: Chunk): boolean {
  return pages.every(
    ({ header, values }) => header.type === 'DATA_PAGE_V2' && header.data_page_header_v2?.num_nulls === values,
  );
}

/** @throws TypeError for bytes that are none. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  throw new TypeError('a value that is no text');
}
