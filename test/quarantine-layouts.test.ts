import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** Rejected rows under changed definitions, in files of other layouts, and in exports that a spreadsheet has saved. */
const places: Place[] = [];
afterAll(() => {
  for (const one of places) one.remove();
});
const head =
  'version: 1\nname: fault\nlake: { url: ./lake }\nengine: { type: duckdb, threads: 2, memory_limit: 512MB }\n';
const config = (more = '', rules = '{ between: { column: v, min: 0 }, name: range }'): string => `sources:
  a: { type: files, path: "in/a*.{csv,csv.gz}", settle_seconds: 0${more}, columns: { id: bigint, v: bigint, w: varchar } }
silver:
  a: { from: a, rules: [ ${rules} ], key: id, dedupe: { keep: last } }
`;
function loaded(text: string | Uint8Array, given = config(), name = 'in/a1.csv', status = 0): Place {
  const place = newPlace(given);
  places.push(place);
  place.put({ [name]: text });
  expect(place.dataflow(['run']).status).toBe(status);
  return place;
}
const change = (place: Place, given: string): void => writeFileSync(join(place.folder, 'pipelines.yaml'), head + given);
const groups = (place: Place): readonly string[] =>
  (
    JSON.parse(place.dataflow(['quarantine', '--state', 'all', '--format', 'json']).stdout) as readonly {
      state: string;
      table: string;
      rows: number;
    }[]
  )
    .map((one) => `${one.state} ${one.table} ${one.rows}`)
    .sort();
const rows = (place: Place, table: string) =>
  place.query(`select id, v, w from ${table}`).map((row) => Object.values(row).join('|'));

describe('replay under changed definitions', () => {
  it('reads records with what the source declares today', () => {
    const place = loaded('id,v,w\n1,1,a\n2,-,b\n3,?,c\n4,4,d\n');
    change(place, config(', null_values: ["", "-"]'));
    const done = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(done.status, done.stdout + done.stderr).toBe(4);
    expect(done.stdout).toMatch(/1 of 2 rows? replayed/);
    expect(rows(place, 'bronze.a')).toEqual(['1|1|a', '2||b', '4|4|d']);
    const states = ['open bronze.a 1', 'replayed bronze.a 1'];
    expect(groups(place)).toEqual(expect.arrayContaining(states));
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(groups(place)).toEqual(expect.arrayContaining(states));
  });

  it('takes rows that a rule lets pass today', () => {
    const place = loaded('id,v,w\n1,1,a\n2,-2,b\n3,-9,c\n');
    change(place, config('', '{ between: { column: v, min: -5 }, name: range }'));
    const done = place.dataflow(['quarantine', 'replay', 'silver.a']);
    expect(done.stdout, done.stderr).toMatch(/1 of 2 rows? replayed/);
    expect(rows(place, 'silver.a').sort()).toEqual(['1|1|a', '2|-2|b']);
    expect(groups(place)).toEqual(['open silver.a 1', 'replayed silver.a 1']);
  });
});

describe('records on several lines', () => {
  it('are corrected where they stand', () => {
    const place = loaded('id,v,w\n1,1,"two\nlines"\n2,x,"three\n\nlines"\n3,3,c\n');
    const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--set', "v = replace(v, 'x', '2')"]);
    expect(done.stdout, done.stderr).toMatch(/1 of 1 rows? fixed/);
    expect(rows(place, 'bronze.a').sort()).toEqual(['1|1|two\nlines', '2|2|three\n\nlines', '3|3|c']);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });
});

describe('an export that a spreadsheet has saved', () => {
  it.each([['semicolons, CRLF, a mark at the beginning', (text: string) => `\uFEFF${text.replaceAll('\n', '\r\n')}`]])(
    'with %s',
    (_, save) => {
      const place = loaded('id,v,w\n1,1,a\n2,x,été\n3,y,c\n');
      expectDone(place.dataflow(['quarantine', 'export', 'bronze.a', '--to', 'rows.csv']));
      const table = readFileSync(join(place.folder, 'rows.csv'), 'utf8')
        .trimEnd()
        .split('\n')
        // The raw text holds commas and is quoted; it stays as it is.
        .map((line) => (line.match(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? []).map((cell) => cell.replace(/,$/, '')));
      const at = table[0]?.indexOf('v') ?? -1;
      const edited = table.map((cells) => {
        const mended = cells.map((cell, index) => (index === at && cell === 'x' ? '22' : cell));
        return mended.slice(0, table[0]?.indexOf('w') === undefined ? 0 : (table[0]?.indexOf('w') ?? 0) + 1).join(';');
      });
      writeFileSync(join(place.folder, 'rows.csv'), save(`${edited.join('\n')}\n`));
      const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--from', 'rows.csv']);
      expect(done.stdout, done.stderr).toMatch(/1 of 1 rows? fixed; 1 unchanged/);
      expect(rows(place, 'bronze.a')).toEqual(['1|1|a', '2|22|été']);
    },
  );
});

describe('an export of which only the raw text was edited', () => {
  const rows_in = '{"id":1,"v":1,"w":"a"}\n{"id":2,"v":"x","w":null}\n';
  const given = config().replace('in/a*.{csv,csv.gz}', 'in/a*.ndjson');
  type Row = Readonly<Record<string, string | null>>;

  it.each([
    ['as a whole export', (row: Row): Row => row],
    ['with nothing but id and raw text', ({ quarantine_id = null, raw = null }: Row): Row => ({ quarantine_id, raw })],
  ])('NDJSON %s', (_, kept) => {
    const place = loaded(rows_in, given, 'in/a1.ndjson');
    expectDone(place.dataflow(['quarantine', 'export', 'bronze.a', '--to', 'rows.ndjson']));
    const row = JSON.parse(readFileSync(join(place.folder, 'rows.ndjson'), 'utf8')) as Row;
    const mended = kept({ ...row, raw: (row['raw'] ?? '').replace('"x"', '22') });
    writeFileSync(join(place.folder, 'rows.ndjson'), `${JSON.stringify(mended)}\n`);
    const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--from', 'rows.ndjson']);
    expect(done.stdout, done.stderr).toMatch(/1 of 1 rows? fixed/);
    expect(rows(place, 'bronze.a')).toEqual(['1|1|a', '2|22|']);
    expect(place.query('select mended, mended_raw from quarantine.decided_bronze_a')).toEqual([
      { mended: null, mended_raw: '{"id":2,"v":22,"w":null}' },
    ]);
  });

  it('CSV as a whole export', () => {
    const place = loaded('id,v,w\n1,1,a\n2,x,b\n');
    expectDone(place.dataflow(['quarantine', 'export', 'bronze.a', '--to', 'rows.csv']));
    const file = join(place.folder, 'rows.csv');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"2,x,b"', '"2,22,b"'));
    const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--from', 'rows.csv']);
    expect(done.stdout, done.stderr).toMatch(/1 of 1 rows? fixed/);
    expect(rows(place, 'bronze.a')).toEqual(['1|1|a', '2|22|b']);
  });

  it('records that do not have the same members are not guessed about', () => {
    const place = loaded(`${rows_in}{"id":3,"v":"y","w":"c"}\n`, given, 'in/a1.ndjson');
    expectDone(place.dataflow(['quarantine', 'export', 'bronze.a', '--to', 'rows.ndjson']));
    const file = join(place.folder, 'rows.ndjson');
    const [one, two] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    writeFileSync(
      file,
      `${JSON.stringify({ ...one, v: '2' })}\n${JSON.stringify({ quarantine_id: two?.['quarantine_id'], raw: '{}' })}\n`,
    );
    const done = place.dataflow(['quarantine', 'fix', 'bronze.a', '--from', 'rows.ndjson']);
    expect(done.status).toBe(2);
    expect(done.stderr).toMatch(/is in 1 of its 2 records only/);
  });
});

describe('rows with a value in an undeclared column', () => {
  it('stay out when they are sent again as they are, and come in when they are corrected or the drift is accepted', () => {
    const place = loaded('id,v,w,x\n1,1,a,\n2,2,b,new\n', config(', schema_change: discard_row'));
    expect(groups(place)).toEqual(['open bronze.a 1']);
    const again = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(again.status, again.stdout + again.stderr).toBe(4);
    expect(groups(place)).toEqual(['open bronze.a 1']);
    change(place, config(', schema_change: discard_value'));
    const done = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(done.stdout, done.stderr).toMatch(/1 of 1 rows? replayed/);
    expect(rows(place, 'bronze.a').sort()).toEqual(['1|1|a', '2|2|b']);
  });
});

describe('a refused file', () => {
  it('that is refused again is open, not pending, also in a rebuilt ledger', () => {
    const whole = gzipSync('id,v,w\n1,1,a\n');
    const place = loaded('id,v,w\n9,9,z\n');
    place.put({ 'in/a2.csv.gz': whole.subarray(0, whole.length - 6) });
    expect(place.dataflow(['run']).status).toBe(4);
    expect(place.dataflow(['quarantine', 'replay', 'bronze.a']).status).toBe(4);
    expect(groups(place)).toEqual(['open bronze.a 1']);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    place.dataflow(['run']);
    expect(groups(place)).toEqual(['open bronze.a 1']);
    place.put({ 'in/a2.csv.gz': whole });
    expectDone(place.dataflow(['run']));
    expect(rows(place, 'bronze.a').sort()).toEqual(['1|1|a', '9|9|z']);
    expect(groups(place).filter((one) => one.startsWith('open'))).toEqual([]);
  });
});
