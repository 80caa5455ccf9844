import type { FileStats, StatValue } from '../core/model/table.ts';

/**
 * `add.stats`: JSON text as the protocol wants it ("Per-file Statistics"). Left out is what would mislead a reader: unknown values,
 * NaN and infinities, and whole numbers that a double does not hold.
 */
export function statsText(stats: FileStats): string {
  return JSON.stringify({
    numRecords: stats.num_records,
    minValues: known(stats.min_values),
    maxValues: known(stats.max_values),
    nullCount: stats.null_count,
  });
}

/** Undefined when a writer left no statistics or unreadable ones: they are a help, never a must. */
export function parseStats(text: string | null | undefined): FileStats | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  try {
    const raw: unknown = JSON.parse(text);
    if (!isRecord(raw) || !Number.isSafeInteger(raw['numRecords'])) return undefined;
    const counts = Object.entries(isRecord(raw['nullCount']) ? raw['nullCount'] : {}).filter(([, count]) =>
      Number.isSafeInteger(count),
    );
    return {
      num_records: Number(raw['numRecords']),
      min_values: known(isRecord(raw['minValues']) ? raw['minValues'] : {}),
      max_values: known(isRecord(raw['maxValues']) ? raw['maxValues'] : {}),
      null_count: Object.fromEntries(counts) as Readonly<Record<string, number>>,
    };
  } catch {
    return undefined;
  }
}

function known(values: Readonly<Record<string, unknown>>): Readonly<Record<string, StatValue>> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, StatValue] => isKnown(entry[1])));
}

function isKnown(value: unknown): boolean {
  if (typeof value === 'number')
    return Number.isFinite(value) && (Number.isSafeInteger(value) || Math.abs(value) < Number.MAX_SAFE_INTEGER);
  return typeof value === 'string' || typeof value === 'boolean';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
