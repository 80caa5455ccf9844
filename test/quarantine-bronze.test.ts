import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** Rejected records and refused files of sources on the built binary: read again, corrected, put away. */
const config = (t = 'bigint'): string => `sources:
  a: { type: files, path: "in/a*.{csv,csv.gz}", settle_seconds: 0, on_rewrite: replace, columns: { id: bigint, t: ${t}, v: varchar } }
  j: { type: files, path: in/j*.ndjson, settle_seconds: 0, columns: { id: bigint, v: varchar } }
silver:
  a: { from: a, rules: [ { expr: "v <> 'bad'", name: not_bad } ], key: id, dedupe: { keep: last } }
gold:
  n: { sql: "select count(*) as n from silver.a" }
`;

const FILES = {
  // Line 3 and 7 do not parse; id 1 comes again on line 5, after the rejected line 3; line 4 is rejected by silver.
  'in/a1.csv': 'id,t,v\n1,1,first\n1,x,"rejec,ted"\n2,1,bad\n1,2,second\n3,1,c,extra\n4,y,d\n5,1,e\n',
  'in/j1.ndjson': '{"id":1,"v":"x"}\n{"id":"no","v":"y"}\nnot json\n',
};
const LATER = { 'in/a2.csv': 'id,t,v\n4,9,newer\n' };

const places: Place[] = [];
afterAll(() => {
  for (const one of places) one.remove();
});
function loaded(): Place {
  const place = newPlace(config());
  places.push(place);
  place.put(FILES);
  expectDone(place.dataflow(['run']));
  place.put(LATER);
  expectDone(place.dataflow(['run']));
  return place;
}
const groups = (place: Place, state = 'open'): readonly string[] =>
  (
    JSON.parse(place.dataflow(['quarantine', '--state', state, '--format', 'json']).stdout) as readonly {
      table: string;
      rule: string;
      rows: number;
    }[]
  )
    .map((one) => `${one.table} ${one.rule} ${one.rows}`)
    .sort();
const silver = (place: Place) => place.query('select id, v from silver.a order by id');
const bronze = (place: Place) =>
  place.query('select id, t, v from bronze.a').map((row) => Object.values(row).join(' '));

describe('rejected records', () => {
  let place: Place;
  beforeAll(() => {
    place = loaded();
  });

  it('are exported with their cells where they can be taken apart', () => {
    expect(groups(place)).toEqual([
      'bronze.a unreadable_record 3',
      'bronze.j unreadable_record 2',
      'silver.a not_bad 1',
    ]);
    expectDone(place.dataflow(['quarantine', 'export', 'bronze.a', '--to', 'a.ndjson']));
    expect(place.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('stand where they would have stood had they been right at once', () => {
    const done = place.dataflow([
      'quarantine',
      'fix',
      'bronze.a',
      '--set',
      "t = case t when 'x' then '7' else '8' end",
    ]);
    expect(done.stdout, done.stderr).toContain('2 of 2 rows fixed');
    expect(done.status).toBe(0);
    expect(bronze(place)).toEqual([
      '1 1 first',
      '1 7 rejec,ted',
      '2 1 bad',
      '1 2 second',
      '4 8 d',
      '5 1 e',
      '4 9 newer',
    ]);
    // Neither corrected row is the last of its key: silver keeps what came later.
    expect(silver(place)).toEqual([
      { id: 1, v: 'second' },
      { id: 4, v: 'newer' },
      { id: 5, v: 'e' },
    ]);
    expect(place.query('select n from gold.n')).toEqual([{ n: 3 }]);
    expect(groups(place)).toEqual([
      'bronze.a unreadable_record 1',
      'bronze.j unreadable_record 2',
      'silver.a not_bad 1',
    ]);
    const [bad] = JSON.parse(place.dataflow(['quarantine', 'show', 'silver.a', '--format', 'json']).stdout) as [
      { line: number },
    ];
    expect(bad.line).toBe(4);
  });

  it('are corrected as text when they have the wrong number of cells', () => {
    const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--set', "raw = replace(raw, ',extra', '')"]);
    expect(done.stdout, done.stderr).toContain('1 of 1 row fixed');
    expect(bronze(place)).toEqual([
      '1 1 first',
      '1 7 rejec,ted',
      '2 1 bad',
      '1 2 second',
      '3 1 c',
      '4 8 d',
      '5 1 e',
      '4 9 newer',
    ]);
  });

  it('a text that holds two records, or the number of another, is not taken', () => {
    const place2 = loaded();
    const set = "raw = '9,9,z' || chr(10) || '2,9,9,zz'";
    const done = place2.dataflow(['quarantine', 'fix', 'bronze.a', '--set', set]);
    expect(done.status, done.stdout).toBe(4);
    expect(bronze(place2)).toEqual(['1 1 first', '2 1 bad', '1 2 second', '5 1 e', '4 9 newer']);
    expect(groups(place2)).toContain('bronze.a unreadable_record 3');
  });

  it('of NDJSON are corrected as cells and as text; what still does not fit stays with its new reason', () => {
    const cells = place.dataflow(['quarantine', 'fix', 'bronze.j', '--set', "id = case id when 'no' then '22' end"]);
    expect(cells.stdout, cells.stderr).toContain('1 of 1 row fixed; 1 unchanged');
    const text = place.dataflow(['quarantine', 'fix', 'bronze.j', '--set', `raw = '{"id":"q","v":"z"}'`]);
    expect(text.status).toBe(4);
    const [row] = JSON.parse(place.dataflow(['quarantine', 'show', 'bronze.j', '--format', 'json']).stdout) as [
      { reason: string; raw: string },
    ];
    expect(row).toMatchObject({ reason: 'id is no bigint: q', raw: 'not json' });
    expectDone(place.dataflow(['quarantine', 'fix', 'bronze.j', '--set', `raw = '{"id":33,"v":"z"}'`]));
    expect(place.query('select id, v from bronze.j')).toEqual([
      { id: 1, v: 'x' },
      { id: 22, v: 'y' },
      { id: 33, v: 'z' },
    ]);
  });

  it('stay corrected when all files are loaded again or one of them is rewritten, and in a rebuilt ledger', () => {
    const before = bronze(place);
    expectDone(place.dataflow(['run', '--full-refresh', '--force']));
    expect(bronze(place)).toEqual(before);
    expect(groups(place)).toEqual(['silver.a not_bad 1']);
    place.put({ 'in/a1.csv': `${FILES['in/a1.csv']}6,1,f\n` });
    expectDone(place.dataflow(['run']));
    expect(bronze(place).sort()).toEqual([...before, '6 1 f'].sort());
    expect(groups(place)).toEqual(['silver.a not_bad 1']);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(groups(place)).toEqual(['silver.a not_bad 1']);
    place.dataflow(['run']);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });
});

describe('discarded records', () => {
  it('do not come back as open when their file is loaded again, and lines stay right', () => {
    const place = loaded();
    expectDone(place.dataflow(['quarantine', 'discard', 'bronze.a', '--reason', 'essai']));
    expect(groups(place)).not.toContain('bronze.a unreadable_record 3');
    expectDone(place.dataflow(['run', '--full-refresh', '--force']));
    expect(groups(place)).toEqual(['bronze.j unreadable_record 2', 'silver.a not_bad 1']);
    const [bad] = JSON.parse(place.dataflow(['quarantine', 'show', 'silver.a', '--format', 'json']).stdout) as [
      { line: number },
    ];
    expect(bad.line).toBe(4);
    place.put({ 'in/a1.csv': FILES['in/a1.csv'].replace('1,x,', '1,z,') });
    expectDone(place.dataflow(['run']));
    expect(groups(place)).toContain('bronze.a unreadable_record 1');
  });
});

describe('types that are wider today', () => {
  it('let rejected records in when they are replayed', () => {
    const place = loaded();
    const once = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(once.status, once.stdout).toBe(4);
    expect(once.stdout).toContain('0 of 3 rows replayed');
    expect(groups(place)).toContain('bronze.a unreadable_record 3');
  });
});

describe('refused files', () => {
  it('are read again from their place, or said to be gone or refused again', () => {
    const place = newPlace(config());
    places.push(place);
    const whole = gzipSync(FILES['in/a1.csv']);
    place.put({ 'in/a9.csv.gz': whole.subarray(0, whole.length - 6), 'in/a2.csv': LATER['in/a2.csv'] });
    expect(place.dataflow(['run']).status).toBe(4);
    const [group] = groups(place);
    expect(group).toMatch(/^bronze.a \w+ 1$/);
    const dry = place.dataflow(['quarantine', 'replay', 'bronze.a', '--dry-run']);
    expect(dry.stdout).toContain('0 of 1 row would be replayed');
    expect(dry.stdout).toContain('1 refused file would be read again: only the run tells what becomes of it');
    const again = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(again.status, again.stdout + again.stderr).toBe(4);
    expect(groups(place)).toHaveLength(1);
    rmSync(join(place.folder, 'in/a9.csv.gz'));
    const gone = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(gone.status, gone.stdout + gone.stderr).toBe(4);
    expect(gone.stdout + gone.stderr).toContain('in/a9.csv.gz is gone');
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    place.put({ 'in/a9.csv.gz': whole });
    utimesSync(join(place.folder, 'in/a9.csv.gz'), 1, 1);
    expectDone(place.dataflow(['run']));
    expect(groups(place)).toEqual(['bronze.a unreadable_record 3', 'silver.a not_bad 1']);
  });

  it('count as files beside rejected rows, and a replay of both is told once', () => {
    const read = (encoding: string): string =>
      config().replace('settle_seconds: 0,', `settle_seconds: 0, encoding: ${encoding},`);
    const place = newPlace(read('utf-8'));
    places.push(place);
    place.put({
      'in/a1.csv': 'id,t,v\n1,1,a\n2,x,b\n',
      'in/a2.csv': Buffer.from('id,t,v\n8,1,d\xe9j\xe0\n', 'latin1'),
    });
    expect(place.dataflow(['run']).status).toBe(4);
    const list = place.dataflow(['quarantine', 'list']).stdout;
    expect(list).toMatch(/in\/a1\.csv +1 /);
    expect(list).toMatch(/in\/a2\.csv +1 file /);
    expect(list).toContain('1 row and 1 file in quarantine; next');
    newPlace(read('latin-1'), { folder: place.folder });
    expect(place.dataflow(['quarantine', 'replay', 'bronze.a']).stdout).toContain('1 of 2 rows replayed');
    expect(place.dataflow(['why', 'last']).stdout.match(/^ {2}bronze\.a: /gm)).toHaveLength(1);
  });
});
