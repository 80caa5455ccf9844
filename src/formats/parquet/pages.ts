import { crc32 } from 'node:zlib';
import type { ColumnChunk, FileMetaData } from 'hyparquet';
import { UnitFault } from '../stream/unit-fault.ts';
import { readPageHeader } from './page-header.ts';

/** A header with statistics of long texts stays far below this. */
const HEADER_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_USUAL = 512;

/** Reads so many bytes at a place of the file, fewer at its end. */
export type ReadAt = (position: number, length: number) => Buffer;

/**
 * Holds each page against its checksum, where the writer left one: the engine does not look at them, and a flipped bit in a page
 * without any mostly reads as another value. A writer gives checksums to all pages or to none; pages of a file without any are the
 * engine's to judge.
 * @throws UnitFault `damaged_parquet`
 */
export function checkPages(metadata: FileMetaData, read: ReadAt): void {
  let checked = 0;
  let lacking: { readonly where: string; readonly at: number } | undefined;
  for (const [group, { columns }] of metadata.row_groups.entries()) {
    for (const chunk of columns) {
      const where = `${chunk.meta_data?.path_in_schema.join('.') ?? 'a column'} in row group ${group}`;
      const found = checkChunk(chunk, where, read);
      checked += found.checked;
      if (found.stopped_at !== undefined) lacking ??= { where, at: found.stopped_at };
    }
  }
  if (checked > 0 && lacking !== undefined)
    throw damaged(`a page of ${lacking.where} has no sound header, or lacks the checksum that others have`, lacking.at);
}

interface ChunkLook {
  /** Pages whose checksum was right. */
  readonly checked: number;
  /** Where a page begins that has no checksum or no sound header. */
  readonly stopped_at?: number;
}

function checkChunk({ meta_data: meta }: ColumnChunk, where: string, read: ReadAt): ChunkLook {
  if (meta === undefined) return { checked: 0 };
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  let at = dictionary > 0 ? dictionary : Number(meta.data_page_offset);
  const end = at + Number(meta.total_compressed_size);
  let checked = 0;
  while (at < end) {
    const header = headerAt(at, end, read);
    if (header?.crc === undefined) return { checked, stopped_at: at };
    const body = at + header.header_bytes;
    if (crc32(read(body, header.compressed_bytes)) !== header.crc)
      throw damaged(`the checksum of a page of ${where} does not match its content`, body);
    checked += 1;
    at = body + header.compressed_bytes;
  }
  return { checked };
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
