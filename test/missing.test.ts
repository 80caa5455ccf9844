import { cpSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { copyInto, expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** `on_missing`: files that are gone from their folder, through the built program. */
const config = (more: string): string => `sources:
  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, v: varchar }${more} }
silver:
  s: { from: t, key: id, dedupe: { keep: last }, rules: [ { not_null: v } ] }
gold:
  g: select count(*) as n, sum(id) as total from silver.s
`;
const FILES = {
  'in/a.csv': 'id,v\n1,a\n2,b\ny,k\n7,\n',
  'in/b.csv': 'id,v\n2,newer\n3,c\nx,d\n4,\n',
  'in/c.csv': 'id,v\n5,e\n',
};
const { 'in/b.csv': _, ...WITHOUT_B } = FILES;
/** Of the passes that are not the first of their fault point, every so manyth is killed at; `DATAFLOW_SOAK=1` takes them all. */
const STRIDE = process.env['DATAFLOW_SOAK'] === undefined ? 5 : 1;

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function project(more = ', on_missing: delete', files: Readonly<Record<string, string>> = FILES): Place {
  const place = newPlace(config(more));
  places.push(place);
  copyInto(place, loaded(more, files));
  return place;
}

/** The first load of a project is made once, and copied. */
const made = new Map<string, Place>();
afterAll(() => {
  for (const place of made.values()) place.remove();
});
function loaded(more: string, files: Readonly<Record<string, string>>): Place {
  const key = JSON.stringify([more, files]);
  const place = made.get(key) ?? newPlace(config(more));
  if (made.has(key)) return place;
  made.set(key, place);
  place.put(files);
  expectDone(place.dataflow(['run']));
  return place;
}

/** What a person finds in all tables; run ids and times apart. */
function content(place: Place): unknown {
  const rows = (table: string, columns = '*'): string =>
    `select '${table}' as t, cast(to_json(x) as varchar) as r from (select ${columns} from ${table}) x`;
  const rejected = ['quarantine.bronze_t', 'quarantine.silver_s'].map((table) => rows(table, 'file, rule, line, raw'));
  return place.query(
    `${[rows('bronze.t'), rows('silver.s'), rows('gold.g'), ...rejected].join(' union all ')} order by all`,
  );
}

const gone = (place: Place, ...names: readonly string[]): void => {
  for (const name of names) unlinkSync(join(place.folder, name));
};
const states = (place: Place): Record<string, string> =>
  Object.fromEntries(place.inputs().map((input) => [input.path, input.status]));
const idle = (place: Place): void => expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);

/** Numbers of the passes at which a run is killed: each fault point at its first pass, and a share of the others. */
function passesToKill(trace: string): readonly number[] {
  const names = [...trace.matchAll(/^fault point (\S+)$/gm)].map(([, name]) => name);
  const first = new Set(names.map((name) => names.indexOf(name)));
  return names.flatMap((_name, at) => (first.has(at) || at % STRIDE === 0 ? [at + 1] : []));
}

describe('on_missing', { timeout: 120_000 }, () => {
  it('keeps the rows unless told otherwise', () => {
    const place = project('');
    const before = content(place);
    gone(place, 'in/b.csv');
    idle(place);
    expect(content(place)).toEqual(before);
  });

  it('rows that stay are as old as before when another file of their load is rewritten or gone', () => {
    const place = project(', on_missing: delete', { 'in/a.csv': 'id,v\n1,a\n', 'in/b.csv': 'id,v\n2,old\n' });
    place.put({ 'in/c.csv': 'id,v\n2,new\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/a.csv': 'id,v\n1,again\n' });
    expectDone(place.dataflow(['run']));
    expect(place.query('select * from silver.s order by id')).toEqual([
      { id: 1, v: 'again' },
      { id: 2, v: 'new' },
    ]);
    gone(place, 'in/a.csv');
    expectDone(place.dataflow(['run']));
    expect(place.query('select * from silver.s')).toEqual([{ id: 2, v: 'new' }]);
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(place.query('select * from silver.s')).toEqual([{ id: 2, v: 'new' }]);
  });

  it('delete: every table and the quarantine are as if the file had never been there; coming back it is loaded again', () => {
    const place = project();
    const before = content(place);
    gone(place, 'in/b.csv');
    expect(place.dataflow(['plan', '--format', 'csv']).stdout).toMatch(/bronze\.t,run,.*1 loaded file is gone/);
    expect(place.dataflow(['run', '--dry-run']).stdout).toMatch(/1 loaded file is gone/);
    expect(states(place)).toMatchObject({ 'in/b.csv': 'loaded' });

    expectDone(place.dataflow(['run']));
    expect(content(place)).toEqual(content(project('', WITHOUT_B)));
    expect(states(place)).toEqual({ 'in/a.csv': 'loaded', 'in/b.csv': 'removed', 'in/c.csv': 'loaded' });
    expect(place.query('select count(*) as n from bronze.t')).toEqual([{ n: 4 }]);
    expect(
      place.dataflow(['query', '--as-of', '0', 'select count(*) from bronze.t', '--format', 'csv']).stdout,
    ).toMatch(/\b7\b/);
    expect(place.dataflow(['trace', 'in/b.csv']).stdout).toMatch(/removed: it was gone/);
    expectDone(place.dataflow(['verify']));
    expectDone(place.dataflow(['trace', 'silver.s', '--where', 'id = 2']));
    idle(place);

    const remembered = place.inputs();
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(place.inputs()).toEqual(remembered);
    idle(place);

    place.put({ 'in/b.csv': FILES['in/b.csv'] });
    expectDone(place.dataflow(['run']));
    expect(JSON.stringify(content(place))).toHaveLength(JSON.stringify(before).length);
    expect(states(place)).toMatchObject({ 'in/b.csv': 'loaded' });
    expectDone(place.dataflow(['verify']));
  });

  it('a renamed file and the twin of one that is gone take its place', () => {
    const place = project();
    renameSync(join(place.folder, 'in/c.csv'), join(place.folder, 'in/renamed.csv'));
    cpSync(join(place.folder, 'in/a.csv'), join(place.folder, 'in/twin.csv'));
    expectDone(place.dataflow(['run']));
    expect(states(place)).toMatchObject({
      'in/c.csv': 'removed',
      'in/renamed.csv': 'loaded',
      'in/twin.csv': 'duplicate',
    });
    gone(place, 'in/a.csv');
    expectDone(place.dataflow(['run']));
    expect(states(place)).toMatchObject({ 'in/a.csv': 'removed', 'in/twin.csv': 'loaded' });
    expect(place.query('select distinct _file as f from bronze.t order by f').map((row) => row['f'])).toEqual([
      'in/b.csv',
      'in/renamed.csv',
      'in/twin.csv',
    ]);
    expectDone(place.dataflow(['verify']));
  });

  it('a folder that is not there is refused, and taken at its word only when asked', () => {
    const place = project();
    const before = content(place);
    renameSync(join(place.folder, 'in'), join(place.folder, 'elsewhere'));
    expect(place.dataflow(['plan', '--format', 'csv']).stdout).toMatch(/refused without --allow-missing: 3 of 3/);
    for (const flags of [[], ['--full-refresh', '--force']])
      expectError(place.dataflow(['run', ...flags]), 'E_SOURCE_GONE', 5);
    expect(content(place)).toEqual(before);

    renameSync(join(place.folder, 'elsewhere'), join(place.folder, 'in'));
    // This run enters that the failure is over.
    expect(place.dataflow(['run']).stdout).toMatch(/0 published, 3 up to date/);
    idle(place);
    gone(place, 'in/a.csv', 'in/b.csv');
    expectError(place.dataflow(['run']), 'E_SOURCE_GONE', 5);
    expectDone(place.dataflow(['run', '--allow-missing']));
    renameSync(join(place.folder, 'in'), join(place.folder, 'elsewhere'));
    expectError(place.dataflow(['run']), 'E_SOURCE_GONE', 5);
    renameSync(join(place.folder, 'elsewhere'), join(place.folder, 'in'));
    gone(place, 'in/c.csv');
    expectDone(place.dataflow(['run', '--allow-missing']));
    expect(place.query('select n from gold.g')).toEqual([{ n: 0 }]);
    expectDone(place.dataflow(['verify']));
    idle(place);
  });

  it('a removal that was undone is not done again until a redo', () => {
    const place = project();
    const before = content(place);
    gone(place, 'in/b.csv');
    expectDone(place.dataflow(['run']));
    const after = content(place);
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toEqual(before);
    expect(states(place)).toMatchObject({ 'in/b.csv': 'loaded' });
    idle(place);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    idle(place);
    expect(place.dataflow(['plan', '--all', '--format', 'csv']).stdout).toMatch(/1 gone but not removed again/);
    expectDone(place.dataflow(['verify']));
    expectDone(place.dataflow(['run', '--redo']));
    expect(content(place)).toEqual(after);
    expectDone(place.dataflow(['undo']));
    expectDone(place.dataflow(['undo']));
    expect(content(place)).toEqual(after);
    idle(place);
  });

  it('loading everything anew leaves out what is gone', () => {
    const place = project();
    gone(place, 'in/b.csv');
    expectDone(place.dataflow(['run', '--full-refresh', '--force']));
    expect(content(place)).toEqual(content(project('', WITHOUT_B)));
    expect(states(place)).toMatchObject({ 'in/b.csv': 'removed' });
    expectDone(place.dataflow(['verify']));
    idle(place);
  });

  it('killed anywhere, the next run ends where an undisturbed one ends', { timeout: 600_000 }, () => {
    const start = project();
    gone(start, 'in/b.csv');
    let killed = 0;
    const copy = (): Place => {
      const folder = `${start.folder}-${killed}`;
      cpSync(start.folder, folder, { recursive: true, preserveTimestamps: true });
      const place = newPlace(config(', on_missing: delete'), { folder });
      places.push(place);
      return place;
    };
    const undisturbed = copy();
    const traced = undisturbed.dataflow(['run'], { DATAFLOW_FAULT: 'any:trace' });
    expectDone(traced);
    const goal = content(undisturbed);
    for (const nth of passesToKill(traced.stderr)) {
      killed += 1;
      const place = copy();
      const outcome = place.dataflow(['run'], { DATAFLOW_FAULT: `any:kill@${nth}` });
      expect(outcome.signal, `pass ${nth}`).toBe('SIGKILL');
      expectDone(place.dataflow(['run']));
      expect(content(place), `killed at pass ${nth}: ${outcome.stderr}`).toEqual(goal);
      expect(states(place)).toMatchObject({ 'in/b.csv': 'removed' });
      expectDone(place.dataflow(['verify']));
      rmSync(place.folder, { recursive: true, force: true });
    }
    expect(killed).toBeGreaterThan(10);
  });
});

describe('loading anew', { timeout: 120_000 }, () => {
  it('refuses when a loaded file holds what was undone: the rows of its earlier content would be lost', () => {
    const place = project('', { 'in/a.csv': FILES['in/a.csv'] });
    place.put({ 'in/a.csv': 'id,v\n7,z\n' });
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['undo']));
    const before = content(place);
    expect(place.query('select count(*) as n from bronze.t')).toEqual([{ n: 3 }]);
    place.put({
      'pipelines.yaml': `version: 1\nname: fault\nlake: { url: ./lake }\n${config('').replace('v: varchar', 'v: varchar, w: varchar')}`,
    });
    const refused = place.dataflow(['run', '--full-refresh']);
    expectError(refused, 'E_SCHEMA_CHANGED', 1);
    expect(refused.stderr).toMatch(/in\/a\.csv.*/);
    expect(refused.stderr).toMatch(/--redo/);
    expect(content(place)).toEqual(before);
  });
});
