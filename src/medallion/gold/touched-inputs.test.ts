import { describe, expect, it } from 'vitest';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { filesToLookAt } from './touched-inputs.ts';

/** A table with one file of each partition. */
function tableOf(type: string, values: readonly (string | null)[]): Snapshot {
  const files = values.map(
    (value, at): DataFile => ({
      ...{ path: `${at}`, uri: `${at}`, rows: 1, size_bytes: 1 },
      partition_values: { Jour: value },
    }),
  );
  return {
    ...{ table: { layer: 'gold', name: 't' }, version: 0, committed_at_ms: 0, rows: 0, size_bytes: 0, txns: new Map() },
    ...{ columns: [{ name: 'Jour', type, nullable: true }], partition_by: ['Jour'], files, file_count: files.length },
    filesIn: (fits) => files.filter((file) => fits(file.partition_values)),
  };
}

const look = (table: Snapshot, values: readonly string[], has_null = false): readonly string[] =>
  filesToLookAt(table, 'jour', { values, has_null, mayHold: () => true }).map(({ path }) => path);

describe('of a table that is partitioned by the column, a refresh looks at', () => {
  const days = tableOf('date', ['2025-01-01', '2025-01-02', null, '2025-01-03']);

  it('the partitions of the touched values, and that without one when NULL was touched', () => {
    expect(look(days, ['2025-01-02'])).toEqual(['1']);
    expect(look(days, ['2025-01-02', '2031-01-01'], true)).toEqual(['1', '2']);
    expect(look(days, [])).toEqual([]);
  });

  it('the partition without a value when an empty text was touched: it is kept there', () => {
    expect(look(tableOf('varchar', ['a', null, 'b']), ['', 'b'])).toEqual(['1', '2']);
  });

  it('all of them where the engine may show a value otherwise than the log does', () => {
    expect(
      look(tableOf('timestamptz', ['2025-01-01T00:00:00Z', '2025-01-02T00:00:00Z']), ['2025-01-01 00:00:00+00']),
    ).toEqual(['0', '1']);
    expect(look(tableOf('decimal(5,2)', ['1', '2']), ['1.00'])).toEqual(['0', '1']);
  });
});
