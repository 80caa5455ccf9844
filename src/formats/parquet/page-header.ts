import { CompactReader } from '../../kit/compact-protocol.ts';
import { hasTypes, PAGE_HEADER } from './thrift-types.ts';

/** What stands before a page, as far as it matters here. */
export interface PageHeader {
  /** Bytes of the header itself. */
  readonly header_bytes: number;
  readonly compressed_bytes: number;
  /** Size after decompression, as the writer states it. */
  readonly expanded_bytes: number;
  /** Values of a data page, nulls included; 0 for a dictionary or an index. */
  readonly values: number;
  /** How the values of a data page are encoded; 0 = one after the other as they are. */
  readonly encoding: number | undefined;
  /** CRC-32 of the page as it is stored; few writers give one. */
  readonly crc: number | undefined;
}

const PAGE_TYPE_FIELD = 1;
const EXPANDED_SIZE_FIELD = 2;
const COMPRESSED_SIZE_FIELD = 3;
const CRC_FIELD = 4;
/** Number of values inside the header of a data page, of the first and second version: field 1 of fields 5 and 8. */
const VALUES_FIELDS: Readonly<Record<number, number>> = { 0: 501, 3: 801 };
/** Their encoding: fields 2 and 4 there. */
const ENCODING_FIELDS: Readonly<Record<number, number>> = { 0: 502, 3: 804 };
/** Data, index, dictionary, data of the second version. */
const PAGE_TYPE_MAX = 3;

/** Reads a page header (`PageHeader` of parquet.thrift); undefined when the bytes are none, or end before it does. */
export function readPageHeader(bytes: Buffer): PageHeader | undefined {
  const reader = new CompactReader(bytes);
  const found = new Map<number, number>();
  try {
    reader.struct((id, value) => found.set(id, value));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  if (!hasTypes(bytes.subarray(0, reader.at), PAGE_HEADER)) return undefined;
  const compressed_bytes = found.get(COMPRESSED_SIZE_FIELD);
  const expanded_bytes = found.get(EXPANDED_SIZE_FIELD);
  const type = found.get(PAGE_TYPE_FIELD) ?? -1;
  const values = type in VALUES_FIELDS ? found.get(VALUES_FIELDS[type] ?? 0) : 0;
  if (compressed_bytes === undefined || expanded_bytes === undefined || values === undefined) return undefined;
  if (compressed_bytes < 0 || expanded_bytes < 0 || values < 0 || type < 0 || type > PAGE_TYPE_MAX) return undefined;
  const crc = found.get(CRC_FIELD);
  return {
    header_bytes: reader.at,
    compressed_bytes,
    expanded_bytes,
    values,
    encoding: found.get(ENCODING_FIELDS[type] ?? -1),
    crc: crc === undefined ? undefined : crc >>> 0,
  };
}
