import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const { DatabaseSync } = createRequire(import.meta.url)(
  '@photostructure/sqlite',
) as typeof import('@photostructure/sqlite');
const BINARY = resolve('bin/dataflow.js');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-pulled-edges-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What the database of the source is told. */
function sql(text: string): void {
  const db = new DatabaseSync(join(root, 'shop.db'));
  db.exec(text);
  db.close();
}

function project(source: string): void {
  writeFileSync(
    join(root, 'pipelines.yaml'),
    `name: t\nsources:\n  s: { type: sqlite, path: shop.db, table: stock${source} }\n`,
  );
}

function dataflow(args: readonly string[], env: Record<string, string> = {}) {
  const done = spawnSync(process.execPath, [BINARY, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(root, '.cache'), ...env },
    timeout: 60_000,
  });
  return { status: done.status, told: done.stdout + done.stderr, stdout: done.stdout };
}

function ids(): readonly number[] {
  const done = dataflow(['query', 'select cast(id as integer) as id from bronze.s order by id', '--format', 'json']);
  return (JSON.parse(done.stdout) as readonly { id: number }[]).map((row) => row.id);
}

describe('a source that is read whole', { timeout: 120_000 }, () => {
  it('keeps its published rows when a unit is refused, and is asked again', () => {
    sql('create table stock (id integer); insert into stock values (1), (2), (3)');
    project(', unit_records: 2');
    expect(dataflow(['run']).status).toBe(0);
    sql('alter table stock add column x text; insert into stock values (4, null)');
    for (let time = 0; time < 2; time++) {
      const refused = dataflow(['run']);
      expect(refused.status).toBe(1);
      expect(refused.told).toContain('E_SCHEMA_CHANGED');
      expect(ids()).toEqual([1, 2, 3]);
    }
    const anew = dataflow(['run', '--full-refresh', '--force']);
    expect(anew.told).toContain('E_SCHEMA_CHANGED');
    expect(ids()).toEqual([1, 2, 3]);
    sql('alter table stock drop column x');
    expect(dataflow(['run']).status).toBe(0);
    expect(ids()).toEqual([1, 2, 3, 4]);
    expect(dataflow(['verify']).told).toContain('intact');
  });
});

describe('a source that is read by cursor', { timeout: 120_000 }, () => {
  it('takes rows that are equal in everything as often as they are there', () => {
    sql('create table stock (id integer, at integer); insert into stock values (1, 1), (1, 1), (2, 2), (2, 2)');
    project(', cursor: { column: at }, unit_records: 1, batch: { records: 3 }');
    expect(dataflow(['ingest', '--until-caught-up']).status).toBe(0);
    expect(ids()).toEqual([1, 1, 2, 2]);
    sql('insert into stock values (2, 2), (3, 3)');
    expect(dataflow(['run']).status).toBe(0);
    expect(ids()).toEqual([1, 1, 2, 2, 2, 3]);
  });

  it('takes rows without a value of the cursor as often as they are there', () => {
    sql(
      'create table stock (id integer, at integer); insert into stock values (1, 1), (2, null), (2, null), (3, null)',
    );
    project(', cursor: { column: at }, batch: { records: 2 }');
    expect(dataflow(['run']).status).toBe(0);
    expect(ids()).toEqual([1, 2, 2, 3]);
    sql('insert into stock values (2, null), (4, 4)');
    expect(dataflow(['run']).status).toBe(0);
    expect(dataflow(['run']).status).toBe(0);
    expect(ids()).toEqual([1, 2, 2, 2, 3, 4]);
  });
});
