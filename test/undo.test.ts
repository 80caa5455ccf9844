import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openLakeReader, PYTHON } from './soak/lake-reader.ts';
import { shareWork } from './support/asker.ts';
import { copyInto, expectDone, expectError, filesBelow, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** `undo` and `run --redo` through the built program, the tables read by delta-rs where that is there. */
const CONFIG = `
sources:
  clients: { type: files, path: in/clients*.csv, settle_seconds: 0, columns: { id: bigint, pays: varchar } }
  achats: { type: files, path: in/achats*.csv, settle_seconds: 0, columns: { id: bigint, client: bigint, montant: bigint } }
silver:
  clients: { from: clients, key: id, dedupe: { keep: first } }
  achats:
    from: achats
    rules: [ { between: { column: montant, above: 0 } }, { references: { column: client, table: silver.clients, on: id } } ]
    key: id
    dedupe: { keep: first }
gold:
  par_pays: { sql: "select c.pays, sum(a.montant) as total from silver.achats a join silver.clients c on a.client = c.id group by all", key: pays }
`;
const CHANGED = CONFIG.replace('sum(a.montant) as total', 'sum(a.montant) * 2 as total');
const HEAD =
  'version: 1\nname: fault\nlake: { url: ./lake }\nengine: { type: duckdb, threads: 2, memory_limit: 512MB }\n';

const FIRST = {
  'in/clients1.csv': 'id,pays\n1,France\n2,Italie\n',
  'in/achats1.csv': 'id,client,montant\n1,1,10\n2,2,20\n3,9,5\n4,1,-1\n',
};
const SECOND = {
  'in/clients2.csv': 'id,pays\n9,Portugal\n',
  'in/achats2.csv': 'id,client,montant\n2,1,99\n5,9,30\n6,8,1\n',
};
const THIRD = { 'in/achats3.csv': 'id,client,montant\n7,1,2\n5,2,7\n' };

type Files = Readonly<Record<string, string>>;

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});
function project(...loads: readonly Files[]): Place {
  const place = newPlace(CONFIG);
  places.push(place);
  copyInto(place, loaded(loads));
  return place;
}

/** Loads that many tests begin with are made once, and copied. */
const made = new Map<string, Place>();
afterAll(() => {
  for (const place of made.values()) place.remove();
});
function loaded(loads: readonly Files[]): Place {
  const known = made.get(JSON.stringify(loads));
  if (known !== undefined) return known;
  const place = newPlace(CONFIG);
  made.set(JSON.stringify(loads), place);
  if (loads.length > 1) copyInto(place, loaded(loads.slice(0, -1)));
  place.put(loads.at(-1) ?? {});
  expectDone(place.dataflow(['run']));
  return place;
}

const TABLES = ['bronze.achats', 'silver.clients', 'silver.achats', 'gold.par_pays', 'quarantine.silver_achats'];
/** Rows of all tables, without what names a run or a time. */
function content(place: Place): Record<string, unknown> {
  const parts = TABLES.map((table) => {
    const columns = table.startsWith('quarantine') ? '* exclude (run_id, quarantined_at)' : '*';
    return `select '${table}' as t, cast(to_json(x) as varchar) as r from (select ${columns} from ${table}) x`;
  });
  const rows = place.query(`${parts.join(' union all ')} order by all`);
  const counts = new Map([...place.status()].map(([step, { quarantined }]) => [step, quarantined]));
  return { rows, counts: Object.fromEntries(counts) };
}

const idle = (place: Place): void => expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
const undone = (place: Place): readonly string[] =>
  place.inputs().flatMap((input) => (input.status === 'undone' ? [input.path] : []));

describe('undo', { timeout: 120_000 }, () => {
  it('brings the state before the newest run back, and the next run leaves it so', () => {
    const place = project(FIRST);
    const before = content(place);
    place.put(SECOND);
    expectDone(place.dataflow(['run']));
    const after = content(place);
    expect(after).not.toEqual(before);

    const dry = place.dataflow(['undo', '--dry-run']);
    expectDone(dry);
    expect(dry.stdout).toMatch(/nothing was changed/);
    expect(content(place)).toEqual(after);

    const done = place.dataflow(['undo']);
    expectDone(done);
    expect(done.stdout).toMatch(/2 files not loaded any more/);
    expect(content(place)).toEqual(before);
    expect(undone(place)).toEqual(['in/achats2.csv', 'in/clients2.csv']);
    expect(place.status().get('gold.par_pays')?.reason).toMatch(/^undone: back to version 0, as before run/);
    expect(place.dataflow(['status']).stdout).toMatch(
      /undone: 5 tables are as before run \w+\n {2}undone: 2 files are not loaded/,
    );
    expect(place.dataflow(['query', 'select 1']).stderr).toMatch(/undone: 5 tables are as before run/);
    idle(place);
    expect(place.dataflow(['plan', '--all', '--format', 'csv']).stdout).toMatch(/1 undone, not loaded again/);
    expectDone(place.dataflow(['verify']));

    // The undo of the undo.
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toEqual(after);
    expect(undone(place)).toEqual([]);
    idle(place);
  });

  it('rejected rows of a table version that never came do not come back', () => {
    const place = project(FIRST);
    const rejected = () => place.query('select file, line from quarantine.silver_achats order by all');
    const first = rejected();
    place.put(SECOND);
    // The quarantine is committed, its table never comes; the next run computes both as a whole, and is undone.
    const fault = { DATAFLOW_FAULT: 'after-quarantine-commit:kill@4' };
    expect(place.dataflow(['run'], fault).signal).toBe('SIGKILL');
    expect(rejected()).not.toEqual(first);
    expectDone(place.dataflow(['run']));
    const after = content(place);
    expectDone(place.dataflow(['undo']));
    expect(rejected()).toEqual(first);
    expectDone(place.dataflow(['verify']));
    expectDone(place.dataflow(['run', '--redo']));
    expect(content(place)).toEqual(after);
  });

  it('new files are computed as if the undone ones had never come; a redo gives what never undoing gives', async () => {
    const place = project(FIRST, SECOND);
    expectDone(place.dataflow(['undo']));
    place.put(THIRD);
    expectDone(place.dataflow(['run']));
    const plain = project(FIRST, THIRD);
    expect(content(place)).toEqual(content(plain));

    const again = project(FIRST, SECOND);
    const never = content(again);
    expectDone(again.dataflow(['undo']));
    expectDone(again.dataflow(['run', '--redo']));
    expect(content(again)).toEqual(never);
    idle(again);

    if (PYTHON === undefined) return console.log('skipped reading by delta-rs: DATAFLOW_PYTHON is not set');
    const reader = openLakeReader();
    try {
      const digests = async (one: Place) => {
        const { tables } = await reader.tables(join(one.folder, 'lake'), true);
        return Object.fromEntries(Object.entries(tables).map(([name, { digest }]) => [name, digest]));
      };
      expect(await digests(place)).toEqual(await digests(plain));
    } finally {
      reader.close();
    }
  });

  it('undoes the first run of all: the tables are empty, and new files start from there', () => {
    const place = project(FIRST);
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toMatchObject({ rows: [] });
    idle(place);
    place.put(THIRD);
    place.put({ 'in/clients2.csv': 'id,pays\n1,France\n' });
    expectDone(place.dataflow(['run']));
    const plain = newPlace(CONFIG);
    places.push(plain);
    plain.put(THIRD);
    plain.put({ 'in/clients2.csv': 'id,pays\n1,France\n' });
    expectDone(plain.dataflow(['run']));
    expect(content(place)).toEqual(content(plain));
  });

  it('a rewritten file: the earlier content counts again, in its place, and the later one stays undone', () => {
    const place = project(FIRST, THIRD);
    const before = content(place);
    place.put({ 'in/achats1.csv': 'id,client,montant\n1,1,11\n5,1,500\n' });
    expectDone(place.dataflow(['run']));
    const after = content(place);
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toEqual(before);
    idle(place);
    // A whole computation sees the rows in the order in which they came.
    expectDone(place.dataflow(['run', 'silver', '--full-refresh']));
    expect(content(place)).toEqual(before);
    expectDone(place.dataflow(['run', '--redo']));
    expect(content(place)).toEqual(after);
    idle(place);
    // Taken back and taken back again: the file is looked at once more, and then no more.
    expectDone(place.dataflow(['undo']));
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toEqual(after);
    expectDone(place.dataflow(['run']));
    idle(place);
  });

  it('renamed and touched files stay undone', () => {
    const place = project(FIRST, SECOND);
    expectDone(place.dataflow(['undo']));
    const before = content(place);
    place.put({ 'in/achats2.csv': SECOND['in/achats2.csv'], 'in/achats9.csv': SECOND['in/achats2.csv'] });
    expectDone(place.dataflow(['run']));
    expect(content(place)).toEqual(before);
    idle(place);
    expect(undone(place)).toContain('in/achats9.csv');
  });

  it('a changed definition that was undone is not computed again unasked; another one is', () => {
    const place = project(FIRST);
    const before = content(place);
    writeFileSync(join(place.folder, 'pipelines.yaml'), HEAD + CHANGED);
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toEqual(before);
    idle(place);
    expect(place.dataflow(['plan', '--all', '--format', 'csv']).stdout).toMatch(
      /undone by \w+, not done again: dataflow/,
    );
    expectDone(place.dataflow(['run', '--redo']));
    expect(content(place)).not.toEqual(before);
    expectDone(place.dataflow(['undo']));
    writeFileSync(join(place.folder, 'pipelines.yaml'), HEAD + CHANGED.replace('* 2', '* 3'));
    expectDone(place.dataflow(['run']));
    expect(place.query('select sum(total) as t from gold.par_pays')).toEqual([{ t: '90' }]);
  });

  it('one table alone is held until its inputs move', () => {
    const place = project(FIRST, SECOND);
    const other = place.query('select * from silver.achats order by all');
    expectDone(place.dataflow(['undo', '--tables', 'gold.par_pays']));
    expect(place.query('select * from gold.par_pays order by all')).toEqual([
      { pays: 'France', total: '10' },
      { pays: 'Italie', total: '20' },
    ]);
    expect(place.query('select * from silver.achats order by all')).toEqual(other);
    idle(place);
    place.put(THIRD);
    expectDone(place.dataflow(['run']));
    expect(content(place)).toEqual(content(project(FIRST, SECOND, THIRD)));
    expectError(place.dataflow(['undo', '--tables', 'gold.nothing']), 'E_SELECTION', 2);
  });

  it('goes back over several runs to a release, and says when there is nothing to do', () => {
    const place = project(FIRST);
    const before = content(place);
    for (const files of [SECOND, THIRD]) {
      place.put(files);
      expectDone(place.dataflow(['run']));
    }
    expectDone(place.dataflow(['undo', 'current~2']));
    expect(content(place)).toEqual(before);
    expect(place.dataflow(['undo', 'first']).stdout).toMatch(/nothing to undo/);
    expectError(place.dataflow(['undo', 'nonsense']), 'E_NO_RELEASE', 2);
    const { release_id } = (
      JSON.parse(place.dataflow(['release', 'list', '--format', 'json']).stdout) as { release_id: string }[]
    )[1] ?? {
      release_id: '',
    };
    expectDone(place.dataflow(['undo', release_id]));
    expect(content(place)).toEqual(content(project(FIRST, SECOND, THIRD)));
  });

  it('is refused before anything is changed when old files were collected', () => {
    const place = project(FIRST, SECOND);
    const log = readFileSync(join(place.folder, 'lake/gold/par_pays/_delta_log/00000000000000000000.json'), 'utf8');
    const path = /"add":\{"path":"([^"]+)"/.exec(log)?.[1] ?? '';
    rmSync(join(place.folder, 'lake/gold/par_pays', path));
    const entries = filesBelow(join(place.folder, 'lake'), '.json');
    expectError(place.dataflow(['undo']), 'E_UNDO_COLLECTED', 1);
    expect(filesBelow(join(place.folder, 'lake'), '.json')).toEqual(entries);
    idle(place);
  });

  it.each(['before-log-create', 'after-undo-quarantine', 'after-undo-release'])(
    'cut short at %s, it is finished by the next command, whatever that is',
    (point) => {
      const place = project(FIRST);
      const before = content(place);
      place.put(SECOND);
      expectDone(place.dataflow(['run']));
      const fault = point === 'before-log-create' ? `${point}:kill@3` : `${point}:kill`;
      expect(place.dataflow(['undo'], { DATAFLOW_FAULT: fault }).signal).toBe('SIGKILL');
      expect(place.dataflow(['run']).stderr).toMatch(/was cut short; it is finished now/);
      expect(content(place)).toEqual(before);
      idle(place);
      expectDone(place.dataflow(['verify']));
    },
  );
});

describe('release', { timeout: 120_000 }, () => {
  it('lists, shows, compares and pins; the ledger can be made anew with them', () => {
    const place = project(FIRST, SECOND);
    const json = (args: readonly string[]): unknown => {
      const outcome = place.dataflow([...args, '--format', 'json']);
      expectDone(outcome);
      return JSON.parse(outcome.stdout);
    };
    expectDone(place.dataflow(['release', 'keep', 'first']));
    const list = json(['release', 'list']);
    expect(list).toMatchObject([
      { current: true, kept: false, tables: 5, tables_changed: 5 },
      { current: false, kept: true },
    ]);
    rmSync(join(place.folder, 'lake/_dataflow/ledger.db'));
    for (const name of filesBelow(join(place.folder, 'lake/_dataflow'), ''))
      if (/ledger\.db-/.test(name)) rmSync(join(place.folder, 'lake/_dataflow', name));
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(json(['release', 'list'])).toEqual(list);
    const { tables } = json(['release', 'diff', 'previous']) as { tables: readonly Record<string, unknown>[] };
    const diff = new Map(tables.map((table) => [table['table'], table]));
    expect(diff.get('silver.achats')).toMatchObject({ rows_added: 2, rows_removed: 0, rows_changed: 0, key: ['id'] });
    expect(diff.get('gold.par_pays')).toMatchObject({ rows_added: 1, rows_changed: 0, key: ['pays'] });
    place.put({ 'in/achats4.csv': 'id,client,montant\n77,1,1\n' });
    expectDone(place.dataflow(['run']));
    const [changed] = (
      json(['release', 'diff', 'previous', 'current', '--table', 'gold.par_pays']) as { tables: unknown[] }
    ).tables;
    expect(changed).toMatchObject({
      rows_changed: 1,
      columns_changed: { total: 1 },
      samples: [{ kind: 'changed', row: { pays: 'France', total: '10 → 11' } }],
    });
    expect(json(['release', 'show', 'current'])).toMatchObject({ release: { current: true } });
    expectDone(place.dataflow(['release', 'drop', 'first']));
    expect(place.dataflow(['release', 'list']).stdout).not.toMatch(/kept/);
    expectError(place.dataflow(['release', 'show', 'x']), 'E_NO_RELEASE', 2);
  });

  it('that is undone brings back a release that holds together, also where a table had been published without another row', () => {
    const place = newPlace(`${CONFIG}  n: { sql: "select count(*) as n from silver.achats" }\n`);
    places.push(place);
    const unused = { 'in/clients3.csv': 'id,pays\n77,Chine\n' };
    for (const files of [FIRST, { 'in/achats2.csv': 'id,client,montant\n5,1,30\n' }, unused]) {
      place.put(files);
      expectDone(place.dataflow(['run']));
    }
    const releases = (): readonly { readonly release_id: string }[] =>
      JSON.parse(place.dataflow(['release', 'list', '--format', 'json']).stdout);
    expectDone(place.dataflow(['undo', releases().at(-1)?.release_id ?? '']));
    expectDone(place.dataflow(['undo']));
    expect(releases()).toHaveLength(5);
    expect(place.query('select n from gold.n')).toEqual([{ n: 3 }]);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });
});
