import { describe, expect, it } from 'vitest';
import type { Origin } from './origins.ts';
import { dependentsOf, type TableLineage, tablesFrom } from './project-lineage.ts';

function table(
  name: string,
  inputs: readonly string[],
  columns: Readonly<Record<string, readonly Origin[]>>,
  more: Partial<TableLineage> = {},
): TableLineage {
  const list = Object.entries(columns).map(([column, origins]) => ({ name: column, origins }));
  return { table: name, inputs, references: [], columns: list, types: {}, rows: [], unresolved: [], ...more };
}
const from = (place: string, way: Origin['way'] = 'identity'): Origin => {
  const dot = place.lastIndexOf('.');
  return { table: place.slice(0, dot), column: place.slice(dot + 1), way };
};

const TABLES: readonly TableLineage[] = [
  table('gold.best', ['gold.sums'], { name: [from('gold.sums.g')] }, { rows: [from('gold.sums.total', 'sort')] }),
  table('bronze.a', [], { g: [], x: [], y: [] }),
  table('silver.a', ['bronze.a'], {
    g: [from('bronze.a.g')],
    x: [from('bronze.a.x', 'transformation')],
    y: [from('bronze.a.y')],
  }),
  table('gold.sums', ['silver.a'], { g: [from('silver.a.g')], total: [from('silver.a.x', 'aggregation')] }),
  table('gold.odd', ['silver.a'], { z: [] }, { unresolved: ['column z'] }),
];

describe('what depends on a column', () => {
  it('is found through values and influences, in any order of tables', () => {
    const found = dependentsOf(TABLES, 'bronze.a', 'X');
    expect(found.columns.map((one) => `${one.table}.${one.column} ${one.ways.join('+')}`)).toEqual([
      'silver.a.x transformation',
      'gold.sums.total aggregation',
      'gold.best.name sort',
      'gold.odd.z ',
    ]);
    expect(found.tables).toEqual(['silver.a', 'gold.sums', 'gold.best', 'gold.odd']);
  });

  it('counts a table with unresolved parts, and leaves out what is not concerned', () => {
    expect(dependentsOf(TABLES, 'bronze.a', 'y').tables).toEqual(['silver.a', 'gold.odd']);
    expect(dependentsOf(TABLES, 'gold.sums').tables).toEqual(['gold.best']);
  });

  it('tables are followed both ways, nearest first', () => {
    expect(tablesFrom(TABLES, new Set(['silver.a']), 'downstream')).toEqual(['gold.sums', 'gold.odd', 'gold.best']);
    expect(tablesFrom(TABLES, new Set(['gold.best']), 'upstream')).toEqual(['gold.sums', 'silver.a', 'bronze.a']);
  });
});
