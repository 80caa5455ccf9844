import { crc32 } from 'node:zlib';
import type { ColumnChunk, FileMetaData } from 'hyparquet';
import { UnitFault } from '../stream/unit-fault.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import { leavesOf } from './schema.ts';

/** A header with statistics of long texts stays far below this. */
const HEADER_BYTES_MAX = 1024 * 1024;
const HEADER_BYTES_USUAL = 512;
const CHUNK_BYTES = 1024 * 1024;

/** Reads so many bytes at a place of the file, fewer at its end. */
export type ReadAt = (position: number, length: number) => Buffer;

/** What the pages of a file came to. */
export interface PageFacts {
  /** Size of all pages after decompression, as their headers say. */
  readonly expanded_bytes: number;
  readonly pages: number;
  /** Pages whose checksum was there and right. */
  readonly checked_pages: number;
}

/**
 * Goes from page to page of every column chunk: their headers must be sound, lie one behind the other inside the chunk, and hold as many
 * values as the footer says. Holds each page against its checksum, where the writer left one: the engine does not look at them, and a
 * flipped bit in a page without any mostly reads as another value. A writer gives checksums to all pages or to none. Nothing is decompressed.
 * @throws UnitFault `damaged_parquet`
 */
export function checkPages(metadata: FileMetaData, read: ReadAt): PageFacts {
  const total = { expanded_bytes: 0, pages: 0, checked_pages: 0 };
  let lacking: { readonly where: string; readonly at: number } | undefined;
  const leaves = leavesOf(metadata.schema);
  for (const [group, { columns, num_rows }] of metadata.row_groups.entries()) {
    for (const [index, chunk] of columns.entries()) {
      const where = `${chunk.meta_data?.path_in_schema.join('.') ?? 'a column'} in row group ${group}`;
      const found = checkChunk(chunk, { where, rows: Number(num_rows), value_bytes: leaves[index]?.value_bytes }, read);
      total.expanded_bytes += found.expanded_bytes;
      total.pages += found.pages;
      total.checked_pages += found.checked_pages;
      if (found.lacking_at !== undefined) lacking ??= { where, at: found.lacking_at };
    }
  }
  if (total.checked_pages > 0 && lacking !== undefined)
    throw damaged(`a page of ${lacking.where} lacks the checksum that others have`, lacking.at);
  return total;
}

/** A page without checksum, if any, begins at `lacking_at`. */
function checkChunk(
  { meta_data: meta, file_path }: ColumnChunk,
  {
    where,
    rows,
    value_bytes,
  }: { readonly where: string; readonly rows: number; readonly value_bytes: number | undefined },
  read: ReadAt,
): PageFacts & { readonly lacking_at?: number } {
  const facts = { expanded_bytes: 0, pages: 0, checked_pages: 0 };
  if (meta === undefined || file_path !== undefined) return facts;
  const promised = Number(meta.num_values);
  // Some writers state 0 for "no dictionary".
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  const start = dictionary > 0 ? dictionary : Number(meta.data_page_offset);
  const end = start + Number(meta.total_compressed_size);
  // A repeated column has as many values as rows, or more: an empty list counts as one.
  if (promised < rows) throw damaged(`${where} has ${promised} values for ${rows} rows`, start);
  let lacking_at: number | undefined;
  let values = 0;
  for (let at = start; values < promised; ) {
    const header = at < end ? headerAt(at, end, read) : undefined;
    if (header === undefined) throw damaged(`a page of ${where} has no sound header`, at);
    const body = at + header.header_bytes;
    if (header.crc === undefined) lacking_at ??= at;
    else if (checksum(body, header.compressed_bytes, read) !== header.crc)
      throw damaged(`the checksum of a page of ${where} does not match its content`, body);
    else facts.checked_pages += 1;
    if (isOtherLength(header, value_bytes))
      throw damaged(`a page of ${where} is not as long as its ${header.values} values`, at);
    facts.pages += 1;
    facts.expanded_bytes += header.expanded_bytes;
    values += header.values;
    at = body + header.compressed_bytes;
  }
  if (values !== promised) throw damaged(`${where} has ${values} values, its footer says ${promised}`, start);
  return lacking_at === undefined ? facts : { ...facts, lacking_at };
}

/** A data page of plain values, of one size each and one in every row, holds nothing else. */
function isOtherLength({ encoding, values, expanded_bytes }: PageHeader, value_bytes: number | undefined): boolean {
  return value_bytes !== undefined && encoding === 0 && values > 0 && expanded_bytes !== values * value_bytes;
}

function checksum(start: number, length: number, read: ReadAt): number {
  let crc = 0;
  for (let done = 0; done < length; done += CHUNK_BYTES)
    crc = crc32(read(start + done, Math.min(CHUNK_BYTES, length - done)), crc);
  return crc;
}

function headerAt(at: number, end: number, read: ReadAt): ReturnType<typeof readPageHeader> {
  for (const limit of [HEADER_BYTES_USUAL, HEADER_BYTES_MAX]) {
    const header = readPageHeader(read(at, Math.min(limit, end - at)));
    if (header !== undefined) return at + header.header_bytes + header.compressed_bytes <= end ? header : undefined;
  }
  return undefined;
}

function damaged(reason: string, byte_offset: number): UnitFault {
  return new UnitFault('damaged_parquet', reason, { byte_offset });
}
