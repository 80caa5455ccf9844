import { afterEach, describe, expect, it } from 'vitest';
import type { StatusReport, TableStatus } from '../src/app/explain/show-status.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

const CONFIG = `sources:
  a: { type: files, path: in/a*.csv, settle_seconds: 0, columns: { id: bigint, t: varchar } }
silver:
  a: { from: a, key: id }
gold:
  g: { sql: "select t, count(*) as n from silver.a group by t", key: t, refresh: { by: t } }
`;
let place: Place;
afterEach(() => place.remove());

function modelNow(): TableStatus | undefined {
  const report = JSON.parse(place.dataflow(['status', '--format', 'json']).stdout) as StatusReport;
  return report.tables.find(({ step }) => step === 'gold.g');
}

function load(file: string, rows: string): void {
  place.put({ [`in/${file}.csv`]: `id,t\n${rows}` });
  expectDone(place.dataflow(['run']));
}

describe('status of a model that was refreshed in part', () => {
  it('tells the rows of the table apart from those of the run', () => {
    place = newPlace(CONFIG);
    load('a0', '1,x\n2,y\n3,z\n');
    expect(modelNow()).toMatchObject({ mode: 'full', rows_out: 3, rows_refreshed: null });
    expect(place.dataflow(['status']).stdout).not.toContain('net growth');
    load('a1', '4,x\n');
    load('a2', '5,x\n6,v\n');
    load('a3', '7,x\n');
    expect(modelNow()).toMatchObject({ mode: 'incremental', rows_out: 0, rows_refreshed: 4 });
    expect(place.query('select count(*) as n from gold.g')).toEqual([{ n: 4 }]);
    expect(place.dataflow(['status']).stdout.replace(/\s+/g, ' ')).toMatch(
      /gold\.g: \d rows? computed last, out is net growth; the table has 4 rows/,
    );
    // Net changes of an undo count too.
    expectDone(place.dataflow(['undo', 'first']));
    load('a4', '8,y\n');
    expect(modelNow()).toMatchObject({ mode: 'incremental', rows_refreshed: 3 });
  });
});
