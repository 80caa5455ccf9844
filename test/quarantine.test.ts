import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

/** The quarantine commands on the built binary: what a person does with rejected rows, and what the tables are afterwards. */
const CONFIG = `sources:
  clients: { type: files, path: in/clients*.csv, settle_seconds: 0, columns: { id: bigint, pays: varchar } }
  achats: { type: files, path: in/achats*.csv, settle_seconds: 0, columns: { id: bigint, client: bigint, prix: varchar } }
silver:
  clients: { from: clients, key: id }
  achats:
    from: achats
    select: { prix: "try_cast(prix as decimal(12,2))" }
    rules:
      - { not_null: prix, name: prix_valide }
      - { between: { column: prix, above: 0 }, name: prix_positif }
      - { references: { column: client, table: silver.clients, on: id }, name: client_connu }
    key: id
    dedupe: { keep: last }
gold:
  total: { sql: "select count(*) as n, sum(prix) as total from silver.achats" }
`;

const FILES = {
  'in/clients1.csv': 'id,pays\n1,France\n2,Italie\n',
  'in/achats1.csv': 'id,client,prix\n1,1,"10,50"\n2,1,20.00\n3,9,5.00\n4,1,-1\n5,2,=1+1\n6,2,"7,25"\n6,2,8.00\n',
};

interface Group {
  readonly state: string;
  readonly table: string;
  readonly rule: string;
  readonly rows: number;
}

const places: Place[] = [];
afterAll(() => {
  for (const one of places) one.remove();
});

function loaded(): Place {
  const place = newPlace(CONFIG);
  places.push(place);
  place.put(FILES);
  expectDone(place.dataflow(['run']));
  return place;
}

const json = (place: Place, args: readonly string[]): unknown => {
  const outcome = place.dataflow([...args, '--format', 'json']);
  expect(outcome.status, outcome.stderr).toBe(0);
  return JSON.parse(outcome.stdout);
};
const groups = (place: Place): readonly string[] =>
  (json(place, ['quarantine', '--state', 'all']) as readonly Group[])
    .map((one) => `${one.state} ${one.table} ${one.rule} ${one.rows}`)
    .sort();
const rows = (place: Place) => place.query('select id, client, prix from silver.achats order by id');

describe('silver rows', () => {
  let place: Place;
  beforeAll(() => {
    place = loaded();
  });

  it('are listed by rule and shown one by one', () => {
    expect(groups(place)).toEqual([
      'open silver.achats client_connu 1',
      'open silver.achats prix_positif 1',
      'open silver.achats prix_valide 3',
    ]);
    const shown = json(place, ['quarantine', 'show', 'silver.achats', '--rule', 'prix_positif']);
    expect(shown).toMatchObject([{ file: 'in/achats1.csv', line: 5, rule: 'prix_positif' }]);
    const [{ quarantine_id }] = shown as [{ quarantine_id: string }];
    const entry = json(place, ['quarantine', 'show', quarantine_id.slice(0, 10)]);
    expect(entry).toMatchObject({ quarantine_id, state: 'open', history: [{ what: 'rejected' }] });
  });

  it('are corrected by an expression; a dry run says what would pass and changes nothing', () => {
    const args = [
      'quarantine',
      'fix',
      'silver.achats',
      '--rule',
      'prix_valide',
      '--set',
      "prix = replace(prix, ',', '.')",
    ];
    const dry = place.dataflow([...args, '--dry-run']);
    expectDone(dry);
    expect(dry.stdout).toContain('2 of 2 rows would be fixed; 1 unchanged');
    expect(dry.stdout).toContain('nothing was changed');
    expect(groups(place)).toHaveLength(3);
    const done = place.dataflow(args);
    expectDone(done);
    expect(done.stdout).toContain('2 of 2 rows fixed; 1 unchanged');
    const [{ levels }] = [
      json(place, ['trace', 'silver.achats', '--where', 'id = 1']) as {
        levels: readonly { notes: readonly string[] }[];
      },
    ];
    expect(levels[0]?.notes).toEqual([
      expect.stringMatching(
        /^a correction: \S+ fixed row [0-9a-f]{8} of its quarantine on .* in run \w+; its file says otherwise$/,
      ),
    ]);
    // Row 6 came again later in its file: the corrected older one does not win.
    expect(rows(place)).toEqual([
      { id: 1, client: 1, prix: '10.50' },
      { id: 2, client: 1, prix: '20.00' },
      { id: 6, client: 2, prix: '8.00' },
    ]);
    expect(place.query('select n, total from gold.total')).toEqual([{ n: 3, total: '38.50' }]);
    expect(groups(place)).toEqual([
      'fixed silver.achats prix_valide 2',
      'open silver.achats client_connu 1',
      'open silver.achats prix_positif 1',
      'open silver.achats prix_valide 1',
    ]);
    const again = place.dataflow(args);
    expectDone(again);
    expect(place.query('select n, total from gold.total')).toEqual([{ n: 3, total: '38.50' }]);
  });

  it('are corrected in an export that was made safe for spreadsheets', () => {
    const safe = ['--to', 'rows.csv', '--formula-safe'];
    expectDone(place.dataflow(['quarantine', 'export', 'silver.achats', ...safe]));
    const text = readFileSync(join(place.folder, 'rows.csv'), 'utf8');
    expect(text).toContain("'=1+1");
    expect(text.split('\n')[0]).toBe('quarantine_id,file,line,rule,reason,raw,id,client,prix');
    expectError(place.dataflow(['quarantine', 'export', 'silver.achats', ...safe]), 'E_USAGE', 2);
    expectError(place.dataflow(['quarantine', 'export', 'silver.achats', '--to', 'nowhere/rows.csv']), 'E_USAGE', 2);
    // As a French spreadsheet saves it: semicolons, a mark at the beginning.
    const edited = text
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/,'=1\+1$/, ',2.00').replace(/,'-1$/, ',-2.00'));
    writeFileSync(join(place.folder, 'rows.csv'), `\uFEFF${edited.join('\r\n')}\r\n`);
    const tried = place.dataflow(['quarantine', 'fix', 'silver.achats', '--from', 'rows.csv', '--dry-run']);
    expect(tried.status, tried.stderr).toBe(4);
    expect(tried.stdout).toContain('1 of 2 rows would be fixed; 1 unchanged');
    const done = place.dataflow(['quarantine', 'fix', 'silver.achats', '--from', 'rows.csv']);
    expect(done.status, done.stderr).toBe(4);
    expect(done.stdout).toContain('1 of 2 rows fixed; 1 unchanged');
    expect(done.stdout).toContain('1 was rejected again');
    expect(rows(place)).toContainEqual({ id: 5, client: 2, prix: '2.00' });
    const [still] = json(place, ['quarantine', 'show', 'silver.achats', '--rule', 'prix_positif']) as [
      { reason: string },
    ];
    expect(still.reason).toContain('-2.00');
  });

  it('a second correction by an expression begins at what the first one made', () => {
    const one = loaded();
    const fix = (set: string) =>
      one.dataflow(['quarantine', 'fix', 'silver.achats', '--rule', 'prix_positif', '--set', set]);
    expect(fix("prix = '-5'").status).toBe(4);
    expectDone(fix("prix = replace(prix, '-', '')"));
    expect(one.query('select prix from silver.achats where id = 4')).toEqual([{ prix: '5.00' }]);
  });

  it('an edited file in another encoding is refused, and read when the encoding is said', () => {
    const one = loaded();
    one.put({ 'in/achats2.csv': 'id,client,prix\n70,1,déjà vu\n' });
    expectDone(one.dataflow(['run']));
    const rule = ['--rule', 'prix_valide', '--file', 'achats2.csv'];
    expectDone(one.dataflow(['quarantine', 'export', 'silver.achats', ...rule, '--to', 'rows.csv']));
    const text = readFileSync(join(one.folder, 'rows.csv'), 'utf8').trimEnd();
    writeFileSync(join(one.folder, 'rows.csv'), Buffer.from(`${text}\n`, 'latin1'));
    const fix = ['quarantine', 'fix', 'silver.achats', '--from', 'rows.csv', '--dry-run'];
    const refused = one.dataflow(fix);
    expectError(refused, 'E_USAGE', 2);
    expect(refused.stderr).toContain('rows.csv is not UTF-8');
    const read = one.dataflow([...fix, '--encoding', 'windows-1252']);
    expect(read.stdout).toContain('0 of 0 rows would be fixed');
    expectError(one.dataflow([...fix, '--encoding', 'ebcdic']), 'E_USAGE', 2);
  });

  it('are discarded with a reason, and stay so', () => {
    const args = ['quarantine', 'discard', 'silver.achats', '--rule', 'prix_positif', '--reason', 'essai'];
    const version = place.status().get('silver.achats')?.version;
    expectDone(place.dataflow(args));
    expect(place.status().get('silver.achats')?.version).toBe(version);
    const before = rows(place);
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(rows(place)).toEqual(before);
    const expected = [
      'discarded silver.achats prix_positif 1',
      'fixed silver.achats prix_valide 1',
      'fixed silver.achats prix_valide 2',
      'open silver.achats client_connu 1',
    ];
    expect(groups(place)).toEqual(expected);
    expect(place.query("select why from quarantine.decided_silver_achats where action = 'discard'")).toEqual([
      { why: 'essai' },
    ]);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(groups(place)).toEqual(expected);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });

  it('come back by themselves when what they refer to arrives, and when they are replayed', () => {
    const nothing = place.dataflow(['quarantine', 'replay', 'silver.achats']);
    expect(nothing.status).toBe(4);
    expect(nothing.stdout).toContain('0 of 1 row replayed');
    place.put({ 'in/clients2.csv': 'id,pays\n9,Portugal\n' });
    expectDone(place.dataflow(['run']));
    expect(rows(place)).toContainEqual({ id: 3, client: 9, prix: '5.00' });
    expect(groups(place).filter((one) => one.startsWith('open'))).toEqual([]);
  });
});

describe('what cannot be done is said', () => {
  let place: Place;
  beforeAll(() => {
    place = loaded();
  });
  const fix = (...args: string[]) => place.dataflow(['quarantine', 'fix', 'silver.achats', ...args]);

  it.each([
    [['--set', 'pris = 1'], 'E_USAGE', 2],
    [['--set', 'prix'], 'E_USAGE', 2],
    [[], 'E_USAGE', 2],
    [['--set', 'prix = (select max(prix) from silver.achats)'], 'E_SQL_SANDBOX', 2],
    [['--set', "prix = (select content from read_text('/etc/passwd'))"], 'E_SQL_SANDBOX', 2],
    [['--set', 'prix = 1) from cells; drop table cells; select (1'], 'E_SQL', 1],
    [['--from', 'pipelines.yaml'], 'E_USAGE', 2],
    [['--from', 'in/achats1.csv'], 'E_USAGE', 2],
  ])('%j', (args, code, status) => {
    expectError(fix(...(args as string[])), code as string, status as number);
  });

  it('a corrected cell that is no value of its column is not taken', () => {
    const done = fix('--rule', 'client_connu', '--set', "client = 'deux'");
    expect(done.status).toBe(4);
    expect(done.stdout).toContain('client is no bigint: deux');
    expect(groups(place)).toHaveLength(3);
  });
});

describe('rows that are rejected again because everything is computed', () => {
  it('keep the run and the time of their rejection; new ones get those of their own', () => {
    const place = loaded();
    const stamps = () =>
      place.query('select row_key, run_id, quarantined_at from quarantine.silver_achats order by all');
    const first = stamps();
    place.put({ 'in/achats2.csv': 'id,client,prix\n7,1,-2\n' });
    expectDone(place.dataflow(['run', '--full-refresh']));
    const second = stamps();
    expect(second).toHaveLength(first.length + 1);
    expect(second).toEqual(expect.arrayContaining([...first]));
    const listed = json(place, ['quarantine', '--state', 'open']) as readonly { run_id: string; rows: number }[];
    for (const run_id of new Set(second.map((row) => row['run_id'])))
      expect(listed.filter((one) => one.run_id === run_id).reduce((sum, { rows: n }) => sum + n, 0)).toBe(
        second.filter((row) => row['run_id'] === run_id).length,
      );
    expectDone(place.dataflow(['verify', '--rows']));
    // Neither does a decision about another row of the file touch them.
    const query = `select quarantine_id, row_key from quarantine.silver_achats where raw like '%"-1"%'`;
    const [mended] = place.query(query);
    const id = String(mended?.['quarantine_id']);
    expectDone(place.dataflow(['quarantine', 'fix', 'silver.achats', '--id', id, '--set', "prix = '3'"]));
    expect(stamps()).toEqual(second.filter((row) => row['row_key'] !== mended?.['row_key']));
  });
});
