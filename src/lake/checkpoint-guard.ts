import type { ColumnMetaData, CompressionCodec, Compressors, FileMetaData, PageHeader, SchemaTree } from 'hyparquet';
import { walkRuns } from './rle-runs.ts';

/** An action takes about 100 bytes, and one at least; more rows or values than this is damage. */
const ROWS_PER_BYTE = 8;
const VALUES_PER_BYTE = 16;
/** A page may be compressed this well, or be this large whatever its compression. */
const PAGE_RATIO_MAX = 1000;
const PAGE_BYTES_FREE = 16 * 1024 * 1024;

/**
 * The Parquet reader believes every number that a file says: one flipped bit lets it fill memory, or count to a billion. So each count, size and
 * run length of the columns to read is held against the file first; then its work is bounded by the size of the file.
 * @throws TypeError naming the first number that cannot be true.
 */
export async function refuseFalseCounts(
  file: ArrayBuffer,
  metadata: FileMetaData,
  columns: ReadonlySet<string>,
  compressors: Compressors,
): Promise<void> {
  const parquet = await readers();
  const tree = parquet.parquetSchema(metadata);
  const guard: Guard = { ...parquet, file, compressors };
  let rows = 0;
  for (const group of metadata.row_groups) {
    const group_rows = within('rows', group.num_rows, ROWS_PER_BYTE * file.byteLength);
    rows += group_rows;
    for (const { meta_data } of group.columns) {
      if (meta_data === undefined) throw new TypeError('a column without metadata');
      const [first = ''] = meta_data.path_in_schema;
      if (columns.has(first))
        checkColumn(guard, meta_data, parquet.getTreePath(tree, meta_data.path_in_schema), group_rows);
    }
  }
  if (rows !== Number(metadata.num_rows)) throw new TypeError(`${metadata.num_rows} rows, but its groups have ${rows}`);
}

type Guard = Awaited<ReturnType<typeof readers>> & { readonly file: ArrayBuffer; readonly compressors: Compressors };

/** The reader's own parts for headers, pages and schema: what they find is what it will find. */
async function readers() {
  const [{ parquetSchema }, { parquetHeader }, { decompressPage }, schema] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
    import('hyparquet/src/datapage.js'),
    import('hyparquet/src/schema.js'),
  ]);
  const { getTreePath, getMaxDefinitionLevel, getMaxRepetitionLevel } = schema;
  return { parquetSchema, parquetHeader, decompressPage, getTreePath, getMaxDefinitionLevel, getMaxRepetitionLevel };
}

function within(what: string, found: number | bigint | undefined, most: number): number {
  const number = Number(found);
  if (Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new TypeError(`${String(found)} ${what}, where at most ${most} can be`);
}

interface Column {
  readonly codec: CompressionCodec;
  readonly is_boolean: boolean;
  readonly definition_level: number;
  readonly repetition_level: number;
}

function checkColumn(guard: Guard, meta: ColumnMetaData, path: SchemaTree[], rows: number): void {
  const { file, parquetHeader } = guard;
  const column: Column = {
    codec: meta.codec,
    is_boolean: meta.type === 'BOOLEAN',
    definition_level: guard.getMaxDefinitionLevel(path),
    repetition_level: guard.getMaxRepetitionLevel(path),
  };
  const start = within('as offset', meta.dictionary_page_offset || meta.data_page_offset, file.byteLength);
  const size = within('bytes of a column', meta.total_compressed_size, file.byteLength - start);
  const values = within('values', meta.num_values, VALUES_PER_BYTE * file.byteLength);
  if (values < rows || (column.repetition_level === 0 && values !== rows))
    throw new TypeError(`${values} values in ${rows} rows`);
  const reader = { view: new DataView(file, start, size), offset: 0 };
  let left = values;
  while (reader.offset < size - 1) {
    const header = parquetHeader(reader);
    const bytes = within('bytes of a page', header.compressed_page_size, size - reader.offset);
    within('bytes of a page', header.uncompressed_page_size, Math.max(PAGE_BYTES_FREE, PAGE_RATIO_MAX * bytes));
    left -= checkPage(guard, column, header, new Uint8Array(file, start + reader.offset, bytes), left);
    reader.offset += bytes;
  }
  if (left !== 0) throw new TypeError(`${values} values, but its pages have ${values - left}`);
}

/** Returns how many values the page holds. */
function checkPage(guard: Guard, column: Column, header: PageHeader, bytes: Uint8Array, left: number): number {
  const { data_page_header, data_page_header_v2, dictionary_page_header, uncompressed_page_size } = header;
  if (header.type === 'DICTIONARY_PAGE') {
    within('values of a dictionary', dictionary_page_header?.num_values, uncompressed_page_size);
    return 0;
  }
  if (header.type === 'DATA_PAGE_V2' && data_page_header_v2 !== undefined)
    return checkPageV2(guard, column, header, data_page_header_v2, bytes, left);
  if (header.type !== 'DATA_PAGE' || data_page_header === undefined)
    throw new TypeError(`a page of the type ${header.type}`);
  const n = within('values of a page', data_page_header.num_values, left);
  const page = guard.decompressPage(bytes, uncompressed_page_size, column.codec, guard.compressors);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let at = 0;
  let present = n;
  for (const level of [column.repetition_level, column.definition_level]) {
    if (level === 0) continue;
    const length = view.getUint32(at, true);
    const found = walkRuns(view, at + 4, bitWidth(level), n, level);
    if (level === column.definition_level) present = found;
    at += 4 + length;
  }
  checkValues(column, data_page_header.encoding, view, at, present, false);
  return n;
}

type HeaderV2 = NonNullable<PageHeader['data_page_header_v2']>;

function checkPageV2(
  guard: Guard,
  column: Column,
  { uncompressed_page_size }: PageHeader,
  header: HeaderV2,
  bytes: Uint8Array,
  left: number,
): number {
  const n = within('values of a page', header.num_values, left);
  within('rows of a page', header.num_rows, n);
  const nulls = within('nulls of a page', header.num_nulls, n);
  const repetition = within('bytes of levels', header.repetition_levels_byte_length, bytes.byteLength);
  const levels =
    within('bytes of levels', header.definition_levels_byte_length, bytes.byteLength - repetition) + repetition;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (column.repetition_level > 0) walkRuns(view, 0, bitWidth(column.repetition_level), n, 0);
  if (column.definition_level > 0) walkRuns(view, repetition, bitWidth(column.definition_level), n, 0);
  const body = bytes.subarray(levels);
  const page =
    header.is_compressed === false
      ? body
      : guard.decompressPage(body, uncompressed_page_size - levels, column.codec, guard.compressors);
  checkValues(column, header.encoding, new DataView(page.buffer, page.byteOffset, page.byteLength), 0, n - nulls, true);
  return n;
}

/** Only runs say how often; all other encodings need bytes for each value. Pages of the older kind have no runs of width 0. */
function checkValues(column: Column, encoding: string, view: DataView, at: number, present: number, v2: boolean): void {
  if (present === 0) return;
  const dictionary = encoding.endsWith('_DICTIONARY');
  if (column.is_boolean ? dictionary : encoding === 'RLE')
    throw new TypeError(`values in ${encoding} that no writer writes so`);
  if (encoding === 'RLE') walkRuns(view, at + 4, 1, present, 0);
  if (!dictionary) return;
  const width = view.getUint8(at);
  if (width > 0 || v2) walkRuns(view, at + 1, width, present, 0);
}

function bitWidth(level: number): number {
  return 32 - Math.clz32(level);
}
