import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ColumnChunk, FileMetaData } from 'hyparquet';
import type { FormatInspector, InspectOptions } from '../../core/ports/format.ts';
import type { InputUnit, Inspection, UnitProblem } from '../../core/ports/source.ts';
import { RATIO_FLOOR_BYTES } from '../stream/expand.ts';
import { RawReader } from '../stream/raw.ts';
import { UnitFault } from '../stream/unit-fault.ts';
import { fieldsOf } from './fields.ts';
import { checkPages, type PageFacts } from './pages.ts';
import { groupProblem, leavesOf, schemaProblem } from './schema.ts';
import { FOOTER, hasTypes } from './thrift-types.ts';

/** A footer is a few kilobytes; a damaged length must not claim memory. */
const FOOTER_BYTES_MAX = 64 * 1024 * 1024;
/** `PAR1` twice and the footer's length. */
const FRAME_BYTES = 12;
/** The footer's length and `PAR1` behind it. */
const FRAME_END_BYTES = 8;

/** Parquet: magic at both ends, a sound footer, pages that lie as it says, their checksums where there are any. No page is decoded here. */
export const inspector: FormatInspector = {
  async inspect({ unit, options, ends_only }, signal) {
    if (ends_only === true) return inspectEnds(unit, options);
    const raw = new RawReader(unit.uri, signal);
    try {
      const sha256 = raw.finish();
      const base = {
        sha256,
        size_bytes: raw.read_bytes,
        expanded_bytes: raw.read_bytes,
        first_record_line: 1,
        multiline_records: false,
        encoding: 'binary',
        notes: [],
      };
      if (unit.compression !== 'none') return withProblem(base, compressed().problem);
      try {
        const metadata = await readMetadata(unit.uri);
        const pages = pagesOf(unit.uri, metadata);
        refuseBomb(pages.expanded_bytes, raw.size_bytes, options);
        const unchecked = pages.checked_pages < pages.pages;
        return {
          ...base,
          expanded_bytes: Math.max(base.expanded_bytes, pages.expanded_bytes),
          records: Number(metadata.num_rows),
          fields: fieldsOf(metadata.schema),
          notes: unchecked ? ['pages without checksum: only their structure was verified'] : [],
        };
      } catch (error) {
        return withProblem(base, problemOf(error, raw.size_bytes));
      }
    } finally {
      raw.close();
    }
  },
};

/** By its footer alone: the pages, and the identity of the file, are left to whoever has its bytes. */
async function inspectEnds(unit: InputUnit, options: InspectOptions): Promise<Inspection> {
  const base = {
    ...{ sha256: '', size_bytes: unit.size_bytes, expanded_bytes: unit.size_bytes, first_record_line: 1 },
    ...{ multiline_records: false, encoding: 'binary', notes: [] },
  };
  try {
    if (unit.compression !== 'none') throw compressed();
    const metadata = await readMetadata(unit.uri);
    const expanded_bytes = metadata.row_groups
      .flatMap(({ columns }) => columns)
      .reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0), 0);
    refuseBomb(expanded_bytes, unit.size_bytes, options);
    const more = { records: Number(metadata.num_rows), fields: fieldsOf(metadata.schema) };
    return { ...base, ...more, expanded_bytes: Math.max(unit.size_bytes, expanded_bytes) };
  } catch (error) {
    return withProblem(base, problemOf(error, unit.size_bytes));
  }
}

/** What the footer lacks may be missed in more places than are looked at: that is the file's fault, too. @throws what is not */
function problemOf(error: unknown, size_bytes: number): UnitProblem {
  if (error instanceof UnitFault) return error.problem;
  if (error instanceof TypeError || error instanceof RangeError)
    return damaged(`its footer makes no sense (${error.message})`, size_bytes).problem;
  throw error;
}

function compressed(): UnitFault {
  return new UnitFault(
    'wrong_compression',
    'a Parquet file is compressed inside; it cannot be read through another compression',
  );
}

function withProblem(base: Omit<Inspection, 'records' | 'problem'>, problem: UnitProblem): Inspection {
  return { ...base, records: 0, problem };
}

/** Sound metadata only. */
async function readMetadata(path: string): Promise<FileMetaData> {
  const { footer, size_bytes } = readFooter(path);
  const { parquetMetadata } = await import('hyparquet');
  let metadata: FileMetaData;
  try {
    const bytes = new Uint8Array(footer);
    metadata = parquetMetadata(bytes.buffer);
  } catch (error) {
    throw damaged(
      `its footer cannot be read (${error instanceof Error ? error.message : String(error)})`,
      size_bytes - footer.length,
    );
  }
  if (!hasTypes(footer.subarray(0, -FRAME_END_BYTES), FOOTER))
    throw damaged('its footer holds fields of other types than Parquet has', size_bytes - footer.length);
  checkGroups(metadata, size_bytes, footer.length);
  return metadata;
}

function pagesOf(path: string, metadata: FileMetaData): PageFacts {
  const fd = openSync(path, 'r');
  try {
    return checkPages(metadata, (position, length) => readAt(fd, position, length));
  } finally {
    closeSync(fd);
  }
}

function refuseBomb(expanded_bytes: number, size_bytes: number, options: InspectOptions): void {
  if (expanded_bytes > options.max_expanded_bytes)
    throw new UnitFault(
      'expansion_limit',
      `it expands beyond ${options.max_expanded_bytes} bytes (max_expanded_bytes)`,
    );
  if (expanded_bytes > Math.max(RATIO_FLOOR_BYTES, size_bytes * options.max_ratio))
    throw new UnitFault('expansion_limit', `it expands to more than ${options.max_ratio} times its size (max_ratio)`);
}

function damaged(reason: string, byte_offset: number): UnitFault {
  return new UnitFault('damaged_parquet', reason, { byte_offset });
}

/** The footer with its length and magic, as the file's last bytes. */
function readFooter(path: string): { footer: Buffer; size_bytes: number } {
  const fd = openSync(path, 'r');
  try {
    const size = fstatSync(fd).size;
    if (size === 0) throw new UnitFault('empty_file', 'it is empty', { byte_offset: 0 });
    const head = readAt(fd, 0, Math.min(4, size));
    if (head.equals(Buffer.from('PARE')))
      throw new UnitFault('encrypted_parquet', 'its footer is encrypted', { byte_offset: 0 });
    if (!head.equals(MAGIC))
      throw new UnitFault('wrong_format', 'it is named as Parquet but does not begin like Parquet', { byte_offset: 0 });
    if (size < FRAME_BYTES) throw damaged('the file was cut off', size);
    const tail = readAt(fd, size - 8, 8);
    if (!tail.subarray(4).equals(MAGIC))
      throw damaged('it does not end like Parquet; it was cut off or something follows it', size - 4);
    const length = tail.readUInt32LE(0);
    if (length === 0 || length > size - FRAME_BYTES || length > FOOTER_BYTES_MAX)
      throw damaged(`its footer cannot be ${length} bytes long`, size - 8);
    return { footer: readAt(fd, size - 8 - length, length + 8), size_bytes: size };
  } finally {
    closeSync(fd);
  }
}

const MAGIC = Buffer.from('PAR1');

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes;
}

/** Row groups must add up and lie inside the file: a damaged footer that still parses is noticed here. */
function checkGroups(metadata: FileMetaData, size_bytes: number, footer_bytes: number): void {
  const end = size_bytes - footer_bytes;
  const { num_rows: rows, schema, row_groups: groups } = metadata;
  const bad = (reason: string): UnitFault => damaged(reason, end);
  if (!isCount(rows)) throw bad('its footer states an impossible number of rows');
  if (!Array.isArray(schema) || schema.length < 2) throw bad('its footer names no columns');
  const wrong = schemaProblem(schema);
  if (wrong !== undefined) throw bad(`its footer is damaged: ${wrong}`);
  if (!Array.isArray(groups)) throw bad('its footer lists no row groups');
  const leaves = leavesOf(schema);
  let sum = 0n;
  for (const [index, group] of groups.entries()) {
    if (!isCount(group.num_rows) || !Array.isArray(group.columns))
      throw bad(`row group ${index} in its footer is not sound`);
    sum += group.num_rows;
    const other = groupProblem(leaves, group.columns);
    if (other !== undefined) throw bad(`row group ${index} in its footer ${other}`);
    if (!group.columns.every((column) => isInside(column, end)))
      throw bad(`row group ${index} in its footer lies outside the file`);
  }
  if (sum !== rows) throw bad(`its row groups hold ${sum} rows, its footer says ${rows}`);
}

function isCount(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** Whether a column's pages lie between the file's first magic and its footer. */
function isInside({ meta_data: meta }: ColumnChunk, end: number): boolean {
  if (meta === undefined) return true;
  const length = Number(meta.total_compressed_size);
  // Some writers state 0 for "no dictionary".
  const dictionary = Number(meta.dictionary_page_offset ?? 0n);
  const start = dictionary > 0 ? dictionary : Number(meta.data_page_offset);
  return start >= 4 && length >= 0 && start + length <= end;
}
