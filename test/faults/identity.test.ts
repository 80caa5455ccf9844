import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { shareWork } from '../support/asker.ts';
import { expectDone, expectError, filesBelow, newPlace, type Place } from '../support/fault-project.ts';
import { stopped } from '../support/stopped.ts';

shareWork();

/** Cases 21 to 24, 31 and 35: which file is which, what its columns are, and how far a name reaches. */
const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function sourceOf(options: string, files: Readonly<Record<string, string>>): Place {
  const place = newPlace(
    `sources:\n  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, v: varchar }${options} }\n`,
  );
  places.push(place);
  place.put(files);
  return place;
}

const ids = (place: Place): readonly unknown[] =>
  place.query('select id from bronze.t order by id').map((row) => row['id']);
const inputsByPath = (place: Place) => new Map(place.inputs().map((input) => [input.path, input]));

describe('which file is which', () => {
  it('case 21: the same file again is not loaded, touched or rehashed, and the ledger says why', () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n2,y\n' });
    expectDone(place.dataflow(['run']));
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
    place.put({ 'in/a.csv': 'id,v\n1,x\n2,y\n' });
    expectDone(place.dataflow(['run', '--rehash']));
    expect(ids(place)).toEqual([1, 2]);
    expect(place.inputs()).toMatchObject([{ path: 'in/a.csv', status: 'loaded', records: 2 }]);
    expect(place.status().get('bronze.t')?.version).toBe(0);
  });

  it('case 22: a renamed file and a copy are known by their content, under both names', () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(place.dataflow(['run']));
    copyFileSync(join(place.folder, 'in/a.csv'), join(place.folder, 'in/copy.csv'));
    expectDone(place.dataflow(['run']));
    renameSync(join(place.folder, 'in/a.csv'), join(place.folder, 'in/renamed.csv'));
    expectDone(place.dataflow(['run']));
    expect(ids(place)).toEqual([1]);
    const inputs = inputsByPath(place);
    for (const path of ['in/copy.csv', 'in/renamed.csv'])
      expect(inputs.get(path)).toMatchObject({
        status: 'duplicate',
        same_as: 'in/a.csv',
        reason: expect.stringMatching(/same content/),
      });
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
  });

  it.each([
    ['replace', 'grows', 'id,v\n1,x\n2,y\n3,z\n', [1, 2, 3]],
    ['replace', 'shrinks', 'id,v\n2,y\n', [2]],
    ['append', 'other rows', 'id,v\n7,x\n', [1, 2, 7]],
    ['error', 'other rows', 'id,v\n7,x\n', undefined],
  ])('case 23: same name, new content, on_rewrite %s: %s', (policy, _, content, expected) => {
    const place = sourceOf(`, on_rewrite: ${policy}`, { 'in/a.csv': 'id,v\n1,x\n2,y\n', 'in/b.csv': 'id,v\n9,w\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/a.csv': content });
    const again = place.dataflow(['run']);
    if (expected === undefined) expectError(again, 'E_SOURCE_REWRITTEN', 1);
    else expectDone(again);
    expect(ids(place)).toEqual([...(expected ?? [1, 2]), 9]);
  });
});

describe('a file that moves under the reader', () => {
  it('case 24: a file changed just now waits until it has settled', () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n' });
    const config = join(place.folder, 'pipelines.yaml');
    spawnSync('sed', ['-i', 's/settle_seconds: 0/settle_seconds: 3600/', config]);
    const waiting = place.dataflow(['run']);
    expectDone(waiting);
    expect(existsSync(join(place.folder, 'lake/bronze/t'))).toBe(false);
    expect(waiting.stdout).toMatch(/still being written|no data yet/);
    spawnSync('sed', ['-i', 's/settle_seconds: 3600/settle_seconds: 0/', config]);
    expectDone(place.dataflow(['run']));
    expect(ids(place)).toEqual([1]);
  });

  it('case 24: appended to while it is read: nothing of the batch is published; the next run takes it whole', async () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n' });
    const file = join(place.folder, 'in/a.csv');
    let rows = 0;
    const grow = (count: number): void => {
      appendFileSync(file, Array.from({ length: count }, () => `${++rows},value\n`).join(''));
    };
    grow(300_000);
    const run = place.start(['run']);
    const writer = setInterval(() => grow(50), 2);
    const outcome = await run.ended.finally(() => clearInterval(writer));
    // Either the change itself is noticed, or that what was counted is not what was read.
    if (outcome.status === 4) expect(outcome.stdout).toContain('1 file was refused as a whole');
    else expectError(outcome, 'E_SOURCE_CHANGED', 5);
    expect(existsSync(join(place.folder, 'lake/bronze/t/_delta_log/00000000000000000000.json'))).toBe(false);
    expectDone(place.dataflow(['run']));
    expect(place.status().get('bronze.t')).toMatchObject({ rows_in: rows, rows_out: rows, quarantined: 0 });
    expect(place.query('select count(*) as n, max(id) as m from bronze.t')).toEqual([{ n: rows, m: rows }]);
  });

  it('case 24: rewritten between two looks, as long as before: what was read is not published under the hash of what was there', async () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n2,y\n' });
    const { child, ended } = place.start(['run'], { DATAFLOW_FAULT: 'after-inspect:stop' });
    await stopped(child.pid);
    place.put({ 'in/a.csv': 'id,v\n1,x\n3,z\n' });
    child.kill('SIGCONT');
    expectError(await ended, 'E_SOURCE_CHANGED', 5);
    expect(existsSync(join(place.folder, 'lake/bronze/t/_delta_log/00000000000000000000.json'))).toBe(false);
    expectDone(place.dataflow(['run']));
    expect(ids(place)).toEqual([1, 3]);
  });

  it('case 24: a file that comes and goes in every moment never breaks a run, nor does it leave half of itself', async () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n' });
    const flicker = join(place.folder, 'in/b.csv');
    const content = Array.from({ length: 20_000 }, (_, i) => `${i + 2},y\n`).join('');
    const script = `const fs=require('fs');const t=fs.readFileSync(0);setInterval(()=>{fs.writeFileSync(${JSON.stringify(flicker)},'id,v\\n'+t);fs.rmSync(${JSON.stringify(flicker)})},1)`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin?.end(content);
    try {
      for (let i = 0; i < 4; i++) {
        const outcome = await place.start(['run']).ended;
        if (outcome.status !== 0) expect(outcome.stderr).toMatch(/error\[E_SOURCE_(CHANGED|IO)\]/);
        if (outcome.status !== 0) expect(outcome.status).toBe(5);
      }
    } finally {
      // It may write once more before it is gone.
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(flicker, { force: true });
    place.put({ 'in/c.csv': 'id,v\n0,z\n' });
    expectDone(place.dataflow(['run']));
    const found = ids(place).length;
    expect([2, 20_002]).toContain(found);
  }, 60_000);
});

describe('columns that change', () => {
  const wider = { 'in/b.csv': 'id,v,w\n2,y,extra\n' };
  it.each([
    ['freeze', wider, [1], 'quarantined', /w, which the frozen columns do not name/],
    ['evolve', wider, [1, 2], 'loaded', undefined],
    ['freeze', { 'in/b.csv': 'v,id\ny,2\n' }, [1, 2], 'loaded', undefined],
    ['freeze', { 'in/b.csv': 'id\n2\n' }, [1], 'quarantined', /lacks v/],
    ['evolve', { 'in/b.csv': 'id,value\n2,y\n' }, [1], 'quarantined', /lacks v/],
  ])('case 31: schema_change %s, %j', (mode, files, expected, status, reason) => {
    const place = sourceOf(`, schema_change: ${mode}`, { 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(place.dataflow(['run']));
    place.put(files);
    const again = place.dataflow(['run']);
    expect(again.status, again.stderr).toBe(status === 'loaded' ? 0 : 4);
    expect(ids(place)).toEqual(expected);
    expect(inputsByPath(place).get('in/b.csv')).toMatchObject({
      status,
      ...(reason === undefined ? {} : { reason: expect.stringMatching(reason) }),
    });
  });

  it('case 31: evolve adds the column for good; files without it read NULL; the models downstream are named', () => {
    const place = sourceOf(', schema_change: evolve', { 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'id,w,v\n2,7,y\n3,,z\n' });
    const told = place.dataflow(['run']);
    expect(told.stderr).toMatch(/column w \(bigint\) was added, first seen in in\/b\.csv/);
    place.put({ 'in/c.csv': 'id,v\n4,u\n' });
    expectDone(place.dataflow(['run']));
    expect(place.query('select id, v, w from bronze.t order by id')).toEqual([
      { id: 1, v: 'x', w: null },
      { id: 2, v: 'y', w: 7 },
      { id: 3, v: 'z', w: null },
      { id: 4, v: 'u', w: null },
    ]);
    place.put({ 'in/d.csv': 'id,v\n5,t\n' });
    // Another mode does not keep what was added: said before and after, and not as if the declared columns were others.
    spawnSync('sed', [
      '-i',
      's/schema_change: evolve/schema_change: discard_row/',
      join(place.folder, 'pipelines.yaml'),
    ]);
    const why = 'version 2 has columns that are not declared (w), which schema_change: discard_row does not keep';
    expect(place.dataflow(['plan', '--format', 'json']).stdout).toContain(`refused without --full-refresh: ${why}`);
    const refused = place.dataflow(['run']);
    expectError(refused, 'E_SCHEMA_CHANGED', 1);
    expect(refused.stderr).toContain(why);
  });

  it.each([
    ['discard_row', [1, 3], 1],
    ['discard_value', [1, 2, 3], 0],
  ])('case 31: %s leaves the column out, and says so', (mode, expected, quarantined) => {
    const place = sourceOf(`, schema_change: ${mode}`, { 'in/a.csv': 'id,v\n1,x\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'id,w,v\n2,7,y\n3,,z\n' });
    const again = place.dataflow(['run']);
    expect([again.status, again.stderr]).toEqual([0, expect.stringMatching(/column w of in\/b\.csv is not declared/)]);
    expect(ids(place)).toEqual(expected);
    expect(inputsByPath(place).get('in/b.csv')).toMatchObject({ records: 2, rejected: quarantined });
    if (quarantined === 0) return;
    expect(place.query('select column_name, raw from quarantine.bronze_t')).toEqual([
      { column_name: 'w', raw: '2,7,y' },
    ]);
  });

  it('case 31: other declared columns stop the source until it is loaded anew', () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,5\n' });
    expectDone(place.dataflow(['run']));
    spawnSync('sed', ['-i', 's/v: varchar/v: bigint/', join(place.folder, 'pipelines.yaml')]);
    const refused = place.dataflow(['run']);
    expectError(refused, 'E_SCHEMA_CHANGED', 1);
    expect(refused.stderr).toContain('--full-refresh');
    expect(place.query('select typeof(v) as type from bronze.t')).toEqual([{ type: 'VARCHAR' }]);
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(place.query('select v from bronze.t')).toEqual([{ v: 5 }]);
  });
});

describe('names that reach too far', () => {
  const table = (section: string): string =>
    `sources:\n  t: { type: files, path: in/*.csv, columns: { id: bigint } }\n${section}`;
  it.each([
    ['a source named ../x', 'sources:\n  "../x": { type: files, path: in/*.csv }\n'],
    ['a table named ..%2fx', table('gold:\n  "..%2fx": { sql: "select 1 as i" }\n')],
    ['an absolute table name', table('gold:\n  /etc/x: { sql: "select 1 as i" }\n')],
    ['a NUL in a path', 'sources:\n  t: { type: files, path: "in/\\0.csv" }\n'],
    ['a NUL in a table name', table('gold:\n  "a\\0b": { sql: "select 1 as i" }\n')],
    ['a device of Windows as table name', table('gold:\n  CON: { sql: "select 1 as i" }\n')],
  ])('case 35: refused before anything is touched: %s', (_, config) => {
    const place = newPlace(config);
    places.push(place);
    const outcome = place.dataflow(['run']);
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(2);
    expect(outcome.stderr).toMatch(/error\[E_CONFIG_\w+\]/);
    expect(outcome.stderr).toMatch(/pipelines\.yaml:\d+:\d+/);
    expect(existsSync(join(place.folder, 'lake'))).toBe(false);
  });

  it('case 35: a partition value is text, never a path', () => {
    const place = newPlace(
      `sources:\n  t: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, p: varchar } }\nsilver:\n  t: { from: t, partition_by: [p] }\n`,
    );
    places.push(place);
    const values = ['../../../etc', '..%2f..', '/abs', 'CON', 'a=b/c', '.', '..', 'é ', "'"];
    place.put({ 'in/a.csv': `id,p\n${values.map((value, i) => `${i},${value}\n`).join('')}` });
    expectDone(place.dataflow(['run']));
    expect(place.query('select p from silver.t order by id').map((row) => row['p'])).toEqual(values);
    expect(filesBelow(join(place.folder, 'lake/silver/t'), '.parquet').length).toBeGreaterThan(0);
    expect(filesBelow(place.folder, '.parquet').every((name) => name.startsWith('lake/'))).toBe(true);
  });

  it('case 35: a table folder that links out of the lake is refused; nothing is written there', () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n' });
    mkdirSync(join(place.folder, 'outside'));
    mkdirSync(join(place.folder, 'lake/bronze'), { recursive: true });
    symlinkSync('../../outside', join(place.folder, 'lake/bronze/t'));
    const outcome = place.dataflow(['run']);
    expect(outcome.status, outcome.stdout + outcome.stderr).not.toBe(0);
    expect(outcome.stderr).toMatch(/error\[E_LAKE_\w+\]/);
    expect(filesBelow(join(place.folder, 'outside'), '')).toEqual([]);
  });

  it('case 35: an input that links out of the project is refused', () => {
    const place = sourceOf('', { 'in/a.csv': 'id,v\n1,x\n' });
    writeFileSync(`${place.folder}.secret.csv`, 'id,v\n2,secret\n');
    try {
      symlinkSync(`${place.folder}.secret.csv`, join(place.folder, 'in/b.csv'));
      expect(place.dataflow(['run']).status).toBe(4);
      expect(ids(place)).toEqual([1]);
      expect(inputsByPath(place).get('in/b.csv')).toMatchObject({ status: 'quarantined' });
    } finally {
      rmSync(`${place.folder}.secret.csv`);
    }
  });
});
