import type { ColumnChunk, FileMetaData, SchemaElement } from 'hyparquet';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { Column, FileStats } from '../../../core/model/table.ts';
import type { ComputePlaces, WrittenFile } from '../../../core/ports/engine-component.ts';
import { fileStats, type RawStats } from '../../../core/types/file-stats.ts';
import { AdaptivePool } from '../../../kit/adaptive-pool.ts';

/** Rows, bounds and null counts of a file, as its writer put them into its footer. */
export interface FooterFacts {
  readonly rows: number;
  readonly stats: FileStats;
}

export type FooterPlaces = Pick<ComputePlaces, 'filesBelow' | 'readRange'>;

/** Most footers are shorter. */
const FIRST_READ_BYTES = 64 * 1024;
const AT_ONCE_MAX = 16;
const MICROS = 1_000_000n;
/** From here on a double does not tell neighbouring whole numbers apart. */
const WHOLE_MAX = 1e15;

/** Types that have an order which Delta keeps bounds of. */
const BOUNDED = /^(tinyint|smallint|integer|bigint|float|double|decimal|date|timestamp|timestamptz|varchar)\b/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Instants as microseconds and dates as days, not the milliseconds of a Date. */
const PARSERS = {
  timestampFromMicroseconds: (micros: bigint) => micros,
  dateFromDays: (days: number) => days,
  stringFromBytes: (bytes: Uint8Array) => {
    try {
      return utf8.decode(bytes);
    } catch {
      return undefined; // no bound is better than one of other bytes
    }
  },
};

/** What the footers of these files say, in their order: some kilobytes of each are read, and none of its rows. @throws DataflowError E_ENGINE, E_FAR_*, E_LAKE_IO */
export async function footersOf(
  places: FooterPlaces,
  folder: string,
  files: readonly WrittenFile[],
  columns: readonly Column[],
): Promise<readonly FooterFacts[]> {
  const { parquetMetadataAsync } = await import('hyparquet');
  const facts: FooterFacts[] = [];
  const pool = new AdaptivePool({ at_once_max: AT_ONCE_MAX, weight_max: AT_ONCE_MAX });
  await pool.run(files.entries(), async ([at, { path, size_bytes }]) => {
    const slice = async (from: number, to = size_bytes): Promise<ArrayBuffer> => {
      // What comes may be a part of a larger buffer.
      return new Uint8Array(await places.readRange(`${folder}/${path}`, from, to)).buffer;
    };
    const options = { initialFetchSize: FIRST_READ_BYTES, parsers: PARSERS as never };
    try {
      facts[at] = factsOf(await parquetMetadataAsync({ byteLength: size_bytes, slice }, options), columns);
    } catch (error) {
      if (error instanceof DataflowError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new DataflowError('E_ENGINE', `the footer of a file that Spark wrote cannot be read: ${path}: ${why}`);
    }
  });
  return facts;
}

function factsOf({ num_rows, schema, row_groups }: FileMetaData, columns: readonly Column[]): FooterFacts {
  const rows = Number(num_rows);
  const leaves = new Map(schema.map((leaf) => [leaf.name.toLowerCase(), leaf]));
  const raw = new Map<string, RawStats>();
  for (const column of columns) {
    const key = column.name.toLowerCase();
    const chunks = row_groups.map((group) => group.columns.find((chunk) => isOf(chunk, key)));
    const leaf = leaves.get(key);
    if (leaf !== undefined) raw.set(column.name, columnStats(chunks, leaf, BOUNDED.test(column.type)));
  }
  return { rows, stats: fileStats(rows, columns, raw) };
}

function isOf(chunk: ColumnChunk, key: string): boolean {
  const path = chunk.meta_data?.path_in_schema ?? [];
  return path.length === 1 && path[0]?.toLowerCase() === key;
}

/** Of all row groups together; what one of them does not say is not known of the file. */
function columnStats(chunks: readonly (ColumnChunk | undefined)[], leaf: SchemaElement, bounded: boolean): RawStats {
  const told = new Map<string, string>();
  const groups = chunks.map((chunk) => {
    const stats = chunk?.meta_data?.statistics;
    return { values: Number(chunk?.meta_data?.num_values ?? 0), nulls: stats?.null_count, stats };
  });
  if (groups.some(({ nulls }) => nulls === undefined)) return told;
  told.set('null_count', String(groups.reduce((sum, { nulls }) => sum + Number(nulls), 0)));
  const filled = groups.filter(({ values, nulls }) => values > Number(nulls));
  if (!bounded || filled.length === 0) return told;
  const lows = filled.map(({ stats }) => stats?.min_value as unknown);
  const highs = filled.map(({ stats }) => stats?.max_value as unknown);
  const [low, high] = [outermost(lows, -1), outermost(highs, 1)].map((value) => boundText(value, leaf));
  if (low !== undefined && high !== undefined) told.set('min', low).set('max', high);
  return told;
}

function outermost(values: readonly unknown[], side: -1 | 1): unknown {
  if (values.some((value) => value === undefined || Number.isNaN(value))) return undefined;
  return values.reduce((one, other) => (compare(other, one) * side > 0 ? other : one));
}

/** Texts by their bytes, as Parquet orders them. */
function compare(one: unknown, other: unknown): number {
  if (typeof one === 'string' && typeof other === 'string') return Buffer.compare(Buffer.from(one), Buffer.from(other));
  const [left, right] = [one as number | bigint, other as number | bigint];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** As the embedded engine writes the value. */
function boundText(value: unknown, { converted_type, scale }: SchemaElement): string | undefined {
  if (value === undefined) return undefined;
  if (converted_type === 'DATE') return dayText(Number(value));
  if (converted_type === 'TIMESTAMP_MICROS') return instantText(value as bigint);
  if (converted_type === 'DECIMAL')
    return Math.abs(Number(value)) < WHOLE_MAX ? Number(value).toFixed(scale ?? 0) : undefined;
  return String(value);
}

function dayText(days: number): string | undefined {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(0, -14);
}

function instantText(micros: bigint): string | undefined {
  const fraction = ((micros % MICROS) + MICROS) % MICROS;
  const date = new Date(Number((micros - fraction) / 1000n));
  if (Number.isNaN(date.getTime())) return undefined;
  return `${date.toISOString().slice(0, 19)}.${String(fraction).padStart(6, '0')}`;
}
