import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sinkContract } from '../testing/sink-contract.ts';
import { SourceProject } from '../testing/source-project.ts';
import type { Database, SqliteValue } from './driver.ts';

const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as {
  readonly DatabaseSync: new (path: string) => Database;
};

describe('tables of a SQLite file', () => {
  const project = new SourceProject({ source: {} });
  const path = join(project.root, 'out.db');
  beforeAll(() => writeFileSync(join(project.root, 's.csv'), 'id,v\n1,10\n2,20\n'));
  afterAll(() => project.remove());
  const configure = (select: string, target: string, loads: readonly string[]): void =>
    project.configure(
      {
        source: { type: 'files', path: 's.csv', settle_seconds: 0, columns: { id: 'bigint', v: 'integer' } },
        connections: { target: { type: 'sqlite', path: target } },
        more: {
          gold: { t: { sql: `select id, ${select} from bronze.s`, key: 'id' } },
          loads: Object.fromEntries(loads.map((name) => [name, { connection: 'target', tables: ['gold.t'] }])),
        },
      },
      's',
    );
  const release = async (select: string): Promise<void> => {
    configure(select, 'out.db', ['out']);
    await project.ok(['run']);
  };
  const rows = (): unknown => {
    const db = new DatabaseSync(path);
    const found = db.prepare('select * from t order by id').all();
    db.close();
    return found;
  };

  it('a column that went and comes back holds what the lake says; a text is not made a number', async () => {
    for (const select of ["v, 'x' as more", 'v', "v, case when id = 1 then 'y' end as more"]) {
      await release(select);
      await project.ok(['load']);
    }
    expect(rows()).toMatchObject([{ more: 'y' }, { more: null }]);
    await release("'00' || v as v");
    const refused = await project.run(['load']);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining('column v is INTEGER there, and would have to be TEXT'),
    ]);
    await project.ok(['load', '--full-refresh']);
    expect(rows()).toMatchObject([{ v: '0010' }, { v: '0020' }]);
    // Where none of several is loaded nothing is partly done.
    configure("'00' || v as v", 'nowhere/out.db', ['one', 'other']);
    const none = await project.run(['load']);
    expect([none.status, none.stderr]).toEqual([5, expect.not.stringContaining('E_PARTIAL')]);
  }, 120_000);
});

describe('rows without key that are appended', () => {
  const project = new SourceProject({
    source: { type: 'files', path: 's*.csv', settle_seconds: 0, columns: { id: 'bigint' } },
    connections: { target: { type: 'sqlite', path: 'out.db' } },
    more: {
      gold: { t: { sql: 'select id from bronze.s' } },
      loads: { out: { connection: 'target', tables: ['gold.t'], mode: 'append' } },
    },
  });
  afterAll(() => project.remove());
  const load = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await project.ok(['load', '--format', 'json', ...args])).stdout).loads[0];
  const refused = async (...args: readonly string[]): Promise<string> => {
    const { status, stderr } = await project.run(['load', ...args]);
    expect(status, stderr).toBe(1);
    return stderr;
  };

  it('are not there twice after an older release or an undo', async () => {
    for (const [file, rows] of [
      ['s1.csv', '1\n2\n'],
      ['s2.csv', '3\n'],
    ] as const) {
      writeFileSync(join(project.root, file), `id\n${rows}`);
      await project.ok(['run']);
      await load();
    }
    expect(await refused('--release', 'previous')).toContain('1 row of version 1');
    await project.ok(['undo']);
    expect(await refused()).toContain('went back with an undo');
    await project.ok(['run', '--redo']);
    expect(await load()).toMatchObject({ status: 'loaded', inserts: 0 });
    expect(await load('--release', 'first', '--full-refresh')).toMatchObject({ inserts: 2, deletes: 3 });
    expect(await load()).toMatchObject({ inserts: 1, deletes: 0 });
  });
});

sinkContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-sqlite-sink-'));
  const path = join(folder, 'out.db');
  const open = <T>(work: (db: Database) => T): T => {
    const db = new DatabaseSync(path);
    try {
      return work(db);
    } finally {
      db.close();
    }
  };
  const text = (name: string, value: SqliteValue | undefined): string | null => {
    if (value === null || value === undefined) return null;
    return ['amount', 'total'].includes(name) ? Number(value).toFixed(2) : String(value);
  };
  return {
    connection: { type: 'sqlite', path },
    whole_release: true,
    modes: ['upsert', 'append', 'replace'],
    rows: async (table) =>
      open((db) => {
        if (db.prepare('select 1 from sqlite_schema where name = ?').get(table) === undefined) return undefined;
        const rows = db.prepare(`select * from ${table}`).all() as Record<string, SqliteValue>[];
        return rows.map((row) =>
          Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(name, value)])),
        );
      }),
    tamper: async (table) =>
      open((db) =>
        db.exec(
          `delete from ${table} where id = 1; update ${table} set name = 'other' where id = 2; insert into ${table} (id) values (-1)`,
        ),
      ),
    drop: async (table) => open((db) => db.exec(`drop table ${table}`)),
    reset: async () => rmSync(path, { force: true }),
    broken: { type: 'sqlite', path: join(folder, 'nowhere', 'out.db') },
    close: async () => rmSync(folder, { recursive: true }),
  };
});
