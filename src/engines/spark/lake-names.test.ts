import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withViews } from './lake-names.ts';

const KEYS = ['silver.achats', 'gold.kpi'];

describe('tables of the lake in a statement for Spark', () => {
  it.each([
    ['select * from silver.achats', 'select * from `silver.achats`'],
    ['select SILVER.achats.n from Silver.achats', 'select `silver.achats`.n from `silver.achats`'],
    ['select \'gold.kpi\', "gold.kpi", `gold.kpi`', 'select \'gold.kpi\', "gold.kpi", `gold.kpi`'],
    ["select 'it\\'s gold.kpi' from gold.kpi", "select 'it\\'s gold.kpi' from `gold.kpi`"],
    ['-- gold.kpi\n/* gold.kpi */ select 1', '-- gold.kpi\n/* gold.kpi */ select 1'],
    ['select a.gold.kpi, gold.kpi2, gold.kpi(1), xgold.kpi', 'select a.gold.kpi, gold.kpi2, gold.kpi(1), xgold.kpi'],
    ['from gold.other', 'from gold.other'],
  ])('%s', (sql, renamed) => {
    expect(withViews(sql, KEYS).sql).toBe(renamed);
  });

  it('leave every other place where it was', () => {
    const part = fc.constantFrom('silver.achats', 'gold.kpi', 'x', "'gold.kpi'", ' ', '\n', ', ');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(part, { maxLength: 4 }), (before, behind) => {
        const sql = `${before.join(' ')} nope ${behind.join(' ')}`;
        const { sql: renamed, back } = withViews(sql, KEYS);
        const placeIn = (text: string): { readonly file: string; readonly line: number; readonly column: number } => {
          const lines = text.slice(0, text.indexOf('nope')).split('\n');
          return { file: '', line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
        };
        expect(back(placeIn(renamed))).toEqual(placeIn(sql));
      }),
    );
  });
});
