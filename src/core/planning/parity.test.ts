import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComparedRows, ParityRecord } from '../model/parity.ts';
import type { Column } from '../model/table.ts';
import { comparePlan, isEqual, resultOf, rowsWords } from './parity.ts';
import { isSampled, SAMPLE_OF, sampledSql, sampleFrom, sampleOf } from './parity-sample.ts';
import { parityStanding, standingsToTell, standingWords } from './parity-standing.ts';

const columns = (...list: readonly string[]): readonly Column[] =>
  list.map((one) => {
    const [name = '', type = ''] = one.split(':');
    return { name, type, nullable: true };
  });
const ROWS: ComparedRows = { here: 5, there: 5, only_here: 0, only_there: 0, changed: 0, nearly: 0 };

describe('what is compared', () => {
  it('columns of the same name and type, matched by the key', () => {
    const plan = comparePlan(columns('Id:bigint', 'a:double'), columns('id:bigint', 'A:double'), ['ID']);
    expect(plan).toMatchObject({ match: ['Id'], by_key: true, differing: [] });
    expect(plan.columns.map(({ name }) => name)).toEqual(['Id', 'a']);
  });

  it('without a key, by every column that has no doubles in it', () => {
    const types = ['a:bigint', 'b:double', 'c:double[]', 'd:struct("x" float)', 'e:map(varchar, integer)', 'f:date'];
    expect(comparePlan(columns(...types), columns(...types), [])).toMatchObject({
      match: ['a', 'e', 'f'],
      by_key: false,
    });
  });

  it('a column that is missing, added, of another type or in another place differs', () => {
    const plan = comparePlan(
      columns('a:bigint', 'b:varchar', 'c:date', 'd:date'),
      columns('b:varchar', 'a:decimal(38,0)', 'e:date', 'd:date'),
      ['a'],
    );
    expect(plan.differing).toEqual([
      { column: 'a', here: 'bigint', there: 'decimal(38,0)' },
      { column: 'c', here: 'date', there: null },
      { column: 'e', here: null, there: 'date' },
      { column: 'a', here: 'place 1', there: 'place 2' },
      { column: 'b', here: 'place 2', there: 'place 1' },
    ]);
    // The key cannot be matched by, so that everything else is.
    expect(plan).toMatchObject({ by_key: false, match: ['b', 'd'] });
    expect(isEqual({ columns: plan.differing, rows: ROWS })).toBe(false);
  });

  it('one set of rows that differs is enough', () => {
    const same = { columns: [], rows: ROWS };
    expect([resultOf(same, null), resultOf(same, { columns: [], rows: { ...ROWS, only_there: 1 } })]).toEqual([
      'equal',
      'different',
    ]);
    expect(resultOf({ columns: [], rows: { ...ROWS, nearly: 5 } })).toBe('equal');
  });

  it('is said in words', () => {
    expect(rowsWords({ ...ROWS, here: 1, there: 1 }, 'spark')).toBe('1 row');
    expect(rowsWords({ ...ROWS, nearly: 2 }, 'spark')).toContain('2 of them with doubles');
    expect(rowsWords({ ...ROWS, here: 6, only_here: 2, only_there: 1, changed: 3 }, 'spark')).toBe(
      '2 only here, 1 only on spark, 3 in both but different (6 rows here, 5 on spark)',
    );
  });
});

describe('samples', () => {
  it('are percentages with up to two decimals', () => {
    expect(['100', '5', '0.01', '12.5%'].map(sampleFrom)).toEqual([10_000, 500, 1, 1250]);
    for (const wrong of ['0', '-1', '101', '0.001', 'a', '', '1e2'])
      expect(() => sampleFrom(wrong)).toThrow(/--sample/);
  });

  it('take exactly their part of every so many rows, spread over them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SAMPLE_OF }), fc.nat(1_000_000), (sample, start) => {
        const taken = Array.from({ length: SAMPLE_OF }, (_, at) => at + start).filter((at) => isSampled(at, sample));
        expect(taken).toHaveLength(sample);
      }),
      { numRuns: 30 },
    );
    expect(sampledSql('_pos', '_part', 100)).toBe('(_pos * 7919 + _part * 4099) % 10000 < 100');
  });

  it('are whole files where there are many, all of a small table, else rows', () => {
    const files = Array.from({ length: 1000 }, (_, at) => at);
    expect(sampleOf({ rows: 10_000, files }, 1)).toBe('all');
    expect(sampleOf({ rows: 10_001, files: [1] }, SAMPLE_OF)).toBe('all');
    expect(sampleOf({ rows: 10_001, files: [1] }, 5000)).toBe('rows');
    expect(sampleOf({ rows: 1e9, files }, 100)).toBe('rows');
    const chosen = sampleOf({ rows: 1e9, files }, 1000);
    expect(chosen.length).toBeGreaterThan(80);
    expect(chosen.length).toBeLessThan(120);
  });
});

describe('where a table stands', () => {
  const record: ParityRecord = {
    table: 'gold.a',
    engine: 'spark',
    result: 'equal',
    code_fingerprint: 'f1',
    inputs: {},
    checked_at: '2026-01-02T03:04:05.678Z',
  };
  const standing = (fingerprint: string, one: ParityRecord = record) =>
    parityStanding('gold.a', 'spark', fingerprint, [one]);

  it('its last result holds as long as its definition stays', () => {
    expect(standing('f1').state).toBe('equal');
    expect(standing('f2').state).toBe('changed');
    expect(standing('f1', { ...record, engine: 'other' }).state).toBe('never');
    expect(standingWords(standing('f1', { ...record, sample_percent: 5 }))).toBe(
      'the same rows on spark (5 % of the rows, 2026-01-02 03:04 UTC)',
    );
  });

  it('is told when it does not hold', () => {
    expect(standingsToTell([standing('f1')])).toEqual([]);
    expect(standingsToTell([standing('f2'), standing('f1', { ...record, result: 'different' })])).toEqual([
      'gold.a: changed since spark was seen to give the same rows (dataflow parity --select gold.a)',
      'gold.a: gave other rows on spark (dataflow parity --select gold.a)',
    ]);
    const many = Array.from({ length: 7 }, (_, at) => parityStanding(`gold.t${at}`, 'spark', 'f', []));
    expect(standingsToTell(many)).toEqual([
      'gold.t0, gold.t1, gold.t2, gold.t3, gold.t4 and 2 more: never compared with spark (dataflow parity)',
    ]);
  });
});
