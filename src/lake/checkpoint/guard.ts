import type { ColumnMetaData, CompressionCodec, FileMetaData, PageHeader, SchemaTree } from 'hyparquet';
import type { ParquetParts } from './parquet-parts.ts';
import { walkRuns } from './rle-runs.ts';

/** An action takes about 100 bytes, and one at least; more rows than this is damage. */
const ROWS_PER_BYTE = 8;
/** A page may be compressed this well, or be this large whatever its compression. */
const PAGE_RATIO_MAX = 1000;
const PAGE_BYTES_FREE = 16 * 1024 * 1024;

/**
 * The Parquet reader believes every number that a file says: one flipped bit lets it fill memory, or count to a billion. So each count, size and
 * run length of the columns to read is held against the file first; then its work is bounded by the size of the file.
 * @throws TypeError naming the first number that cannot be true.
 */
export function groupRows(metadata: FileMetaData, file_bytes: number): readonly number[] {
  const groups = metadata.row_groups.map(({ num_rows }) => within('rows', num_rows, ROWS_PER_BYTE * file_bytes));
  const rows = groups.reduce((sum, one) => sum + one, 0);
  within('rows', rows, ROWS_PER_BYTE * file_bytes);
  if (rows !== Number(metadata.num_rows)) throw new TypeError(`${metadata.num_rows} rows, but its groups have ${rows}`);
  return groups;
}

/** @throws TypeError when the number cannot be true. */
export function within(what: string, found: number | bigint | undefined, most: number): number {
  const number = Number(found);
  if (Number.isInteger(number) && number >= 0 && number <= most) return number;
  throw new TypeError(`${String(found)} ${what}, where at most ${most} can be`);
}

/** What the pages of a column are held against. */
export interface CheckedColumn {
  readonly codec: CompressionCodec;
  readonly is_boolean: boolean;
  readonly definition_level: number;
  readonly repetition_level: number;
}

export function checkedColumn({ codec, type }: ColumnMetaData, path: readonly SchemaTree[]): CheckedColumn {
  const below = path.slice(1).map(({ element }) => element.repetition_type);
  return {
    codec,
    is_boolean: type === 'BOOLEAN',
    definition_level: below.filter((one) => one !== 'REQUIRED').length,
    repetition_level: below.filter((one) => one === 'REPEATED').length,
  };
}

/** A page that can be decoded. */
export interface CheckedPage {
  readonly values: number;
  /** Decompressed; without the levels in the newer kind. */
  readonly body: Uint8Array;
}

/** Holds a page against itself. @throws TypeError, RangeError when it cannot be decoded. */
export function checkPage(
  parts: ParquetParts,
  column: CheckedColumn,
  header: PageHeader,
  bytes: Uint8Array,
  left: number,
): CheckedPage {
  const { data_page_header, data_page_header_v2, dictionary_page_header, uncompressed_page_size } = header;
  within('bytes of a page', uncompressed_page_size, Math.max(PAGE_BYTES_FREE, PAGE_RATIO_MAX * bytes.byteLength));
  if (header.type === 'DICTIONARY_PAGE') {
    const values = within('values of a dictionary', dictionary_page_header?.num_values, uncompressed_page_size);
    return { values, body: parts.decompressPage(bytes, uncompressed_page_size, column.codec, parts.compressors) };
  }
  if (header.type === 'DATA_PAGE_V2' && data_page_header_v2 !== undefined)
    return checkPageV2(parts, column, header, data_page_header_v2, bytes, left);
  if (header.type !== 'DATA_PAGE' || data_page_header === undefined)
    throw new TypeError(`a page of the type ${header.type}`);
  const n = within('values of a page', data_page_header.num_values, left);
  const page = parts.decompressPage(bytes, uncompressed_page_size, column.codec, parts.compressors);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  let at = 0;
  let present = n;
  for (const level of [column.repetition_level, column.definition_level]) {
    if (level === 0) continue;
    const length = view.getUint32(at, true);
    const counted = level === column.definition_level;
    const found = walkRuns(view, at + 4, bitWidth(level), n, counted ? level : undefined);
    if (counted) present = found;
    at += 4 + length;
  }
  checkValues(column, data_page_header.encoding, view, at, present, false);
  return { values: n, body: page };
}

type HeaderV2 = NonNullable<PageHeader['data_page_header_v2']>;

function checkPageV2(
  parts: ParquetParts,
  column: CheckedColumn,
  { uncompressed_page_size }: PageHeader,
  header: HeaderV2,
  bytes: Uint8Array,
  left: number,
): CheckedPage {
  const n = within('values of a page', header.num_values, left);
  within('rows of a page', header.num_rows, n);
  const nulls = within('nulls of a page', header.num_nulls, n);
  const repetition = within('bytes of levels', header.repetition_levels_byte_length, bytes.byteLength);
  const levels =
    within('bytes of levels', header.definition_levels_byte_length, bytes.byteLength - repetition) + repetition;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (column.repetition_level > 0) walkRuns(view, 0, bitWidth(column.repetition_level), n);
  if (column.definition_level > 0) walkRuns(view, repetition, bitWidth(column.definition_level), n);
  const body = bytes.subarray(levels);
  const page =
    header.is_compressed === false
      ? body
      : parts.decompressPage(body, uncompressed_page_size - levels, column.codec, parts.compressors);
  checkValues(column, header.encoding, new DataView(page.buffer, page.byteOffset, page.byteLength), 0, n - nulls, true);
  return { values: n, body: page };
}

/** Only runs say how often; all other encodings need bytes for each value. Pages of the older kind have no runs of width 0. */
function checkValues(
  column: CheckedColumn,
  encoding: string,
  view: DataView,
  at: number,
  present: number,
  v2: boolean,
): void {
  if (present === 0) return;
  const dictionary = encoding.endsWith('_DICTIONARY');
  if (column.is_boolean ? dictionary : encoding === 'RLE')
    throw new TypeError(`values in ${encoding} that no writer writes so`);
  if (encoding === 'RLE') walkRuns(view, at + 4, 1, present);
  if (!dictionary) return;
  const width = view.getUint8(at);
  if (width > 0 || v2) walkRuns(view, at + 1, width, present);
}

function bitWidth(level: number): number {
  return 32 - Math.clz32(level);
}
