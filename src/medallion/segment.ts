import type { Window, WindowKind } from '../core/planning/windows.ts';
import type { DataFile } from '../core/ports/lake.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';

/** The rows of a table whose value of one column lies in a window. */
export interface Segment extends Window {
  readonly column: string;
  readonly kind: WindowKind;
}

/** SQL condition: the row belongs to the segment. Never NULL. */
export function segmentSql({ column, kind, from, to }: Segment): string {
  const limit = (text: string): string => (kind === 'number' ? text : `cast(${quoteText(text)} as ${kind})`);
  const name = quoteIdent(column);
  return `coalesce(${name} >= ${limit(from)} and ${name} < ${limit(to)}, false)`;
}

/** False only when statistics or partition values prove that the file holds no row of the segment. */
export function mayHoldSegment(file: DataFile, segment: Segment): boolean {
  const partition = own(file.partition_values, segment.column);
  if (partition !== undefined) return partition !== null && inside(segment, partition, partition);
  const low = own(file.stats?.min_values ?? {}, segment.column);
  const high = own(file.stats?.max_values ?? {}, segment.column);
  if (low === undefined || low === null || high === undefined || high === null) return true;
  return inside(segment, low, high);
}

function inside({ kind, from, to }: Segment, low: unknown, high: unknown): boolean {
  if (kind === 'number') return Number(high) >= Number(from) && Number(low) < Number(to);
  const [least, most] = [comparable(low), comparable(high)];
  // Statistics may be cut to milliseconds or days: compared as far as both texts go, and equal counts as inside.
  return most >= comparable(from).slice(0, most.length) && least <= comparable(to).slice(0, least.length);
}

/** `2025-03-01T00:00:00.000Z` and `2025-03-01 00:00:00+00` compare as their common leading part. */
function comparable(value: unknown): string {
  return String(value).slice(0, 19).replace('T', ' ');
}

function own<V>(values: Readonly<Record<string, V>>, column: string): V | undefined {
  const name = Object.keys(values).find((key) => key.toLowerCase() === column.toLowerCase());
  return name === undefined ? undefined : values[name];
}
