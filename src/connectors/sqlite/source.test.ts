import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceContract } from '../testing/source-contract.ts';
import { SourceProject } from '../testing/source-project.ts';

const { DatabaseSync } = createRequire(import.meta.url)(
  '@photostructure/sqlite',
) as typeof import('@photostructure/sqlite');

/** A database in a folder of its own: `orders` with as many rows as `add` was asked for, `extremes` with one. */
function shop(rows: number) {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-sqlite-'));
  const path = join(folder, 'shop.db');
  const db = new DatabaseSync(path);
  db.exec(`pragma journal_mode = wal;
    create table orders (id integer primary key, word text, amount decimal(12,2), changed integer);
    create table extremes (id integer, low integer, high integer, tenth real, big real, exact decimal(38,2), yes boolean, bytes blob, words text, bare, empty text);
    insert into extremes values (1, -9223372036854775808, 9223372036854775807, 0.1, 1.7976931348623157e308, '12345678901.25', 1, x'00ff7a', 'a"b
c' || char(0x1f600), 9007199254740993, null)`);
  let count = 0;
  const add = (n: number): void => {
    db.exec('begin');
    const insert = db.prepare('insert into orders values (?, ?, ?, ?)');
    for (const end = count + n; count < end; ) {
      count += 1;
      insert.run(count, `word ${count}`, count / 100, count * 10);
    }
    db.exec('commit');
  };
  add(rows);
  const close = (): void => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { db, path, add, records: () => count, close };
}

sourceContract('sqlite, whole', async () => {
  const { path, add, records, close } = shop(900);
  return {
    source: { type: 'sqlite', path, table: 'orders', unit_records: 200 },
    key: 'id',
    records,
    add: async (n) => add(n),
    close: async () => close(),
  };
});

sourceContract('sqlite, by cursor', async () => {
  const { path, add, records, close } = shop(900);
  const cursor = { column: 'changed', overlap: 50 };
  return {
    source: { type: 'sqlite', path, table: 'orders', cursor, key: 'id', unit_records: 150, batch: { records: 400 } },
    key: 'id',
    records,
    add: async (n) => add(n),
    close: async () => close(),
  };
});

describe('sqlite', { timeout: 60_000 }, () => {
  it('values keep their exact value', async () => {
    const { path, close } = shop(0);
    const project = new SourceProject({
      source: { type: 'sqlite', path, query: 'select * from extremes;'.slice(0, -1) },
    });
    try {
      await project.ok(['run']);
      expect(
        await project.query(
          `select id, cast(low as varchar) low, cast(high as varchar) high, cast(tenth as varchar) tenth, cast(big as varchar) big,
             cast(exact as varchar) exact, yes, hex(bytes) bytes, words, bare, empty from bronze.s`,
        ),
      ).toEqual([
        {
          id: 1,
          low: '-9223372036854775808',
          high: '9223372036854775807',
          tenth: '0.1',
          big: '1.7976931348623157e+308',
          exact: '12345678901.25',
          yes: true,
          bytes: '00FF7A',
          words: 'a"b\nc😀',
          bare: '9007199254740993',
          empty: null,
        },
      ]);
    } finally {
      project.remove();
      close();
    }
  });

  it('a snapshot follows deletions, takes nothing when nothing changed, and does not empty a table unasked', async () => {
    const { db, path, close } = shop(50);
    const project = new SourceProject({ source: { type: 'sqlite', path, table: 'orders' } });
    const rows = async () => (await project.query('select cast(count(*) as integer) as n from bronze.s'))[0];
    try {
      await project.ok(['run']);
      db.exec('update orders set word = word where id = 1'); // a write that changes nothing
      const idle = await project.ok(['ingest']);
      expect(`${idle.stdout}${idle.stderr}`).not.toContain('1 published');
      db.exec('delete from orders where id > 10');
      await project.ok(['ingest']);
      expect(await rows()).toEqual({ n: 10 });
      db.exec('delete from orders');
      const refused = await project.run(['ingest']);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain('E_SOURCE_GONE');
      expect(await rows()).toEqual({ n: 10 });
      await project.ok(['run', '--allow-missing']);
      expect(await rows()).toEqual({ n: 0 });
      await project.ok(['verify', '--rows']);
    } finally {
      project.remove();
      close();
    }
  });

  it('a cursor takes updates and late rows within the overlap, each once', async () => {
    const { db, path, close } = shop(20);
    const cursor = { column: 'changed', overlap: 100 };
    const project = new SourceProject({ source: { type: 'sqlite', path, table: 'orders', cursor, key: 'id' } });
    try {
      await project.ok(['ingest']);
      db.exec(
        "insert into orders values (500, 'late', 1, 150); update orders set changed = 210, word = 'new' where id = 3",
      );
      await project.ok(['ingest']);
      await project.ok(['ingest']);
      expect(await project.query('select id, word from bronze.s where id in (3, 500) order by id, changed')).toEqual([
        { id: 3, word: 'word 3' },
        { id: 3, word: 'new' },
        { id: 500, word: 'late' },
      ]);
      expect(await project.query('select cast(count(*) as integer) as n from bronze.s')).toEqual([{ n: 22 }]);
    } finally {
      project.remove();
      close();
    }
  });

  it('an updated row is seen although there are as many rows as before, or fewer', async () => {
    const { db, path, close } = shop(5);
    const cursor = { column: 'changed', overlap: 100 };
    const project = new SourceProject({ source: { type: 'sqlite', path, table: 'orders', cursor, key: 'id' } });
    try {
      await project.ok(['run']);
      db.exec("delete from orders where id < 3; update orders set changed = 60, word = 'new' where id = 5");
      expect((await project.ok(['plan'])).stdout).toContain('1 new row in');
      await project.ok(['run']);
      expect(await project.query("select id from bronze.s where word = 'new'")).toEqual([{ id: 5 }]);
      db.exec("update orders set word = 'no cursor moved' where id = 4");
      expect((await project.ok(['run'])).stdout).toContain('nothing to do');
    } finally {
      project.remove();
      close();
    }
  });

  it('rows whose cursor is no value, or of another kind than most, are taken once, and hold up nobody', async () => {
    const { db, path, add, close } = shop(20);
    const source = { type: 'sqlite', path, table: 'orders', cursor: { column: 'changed' }, key: 'id' };
    const columns = { id: 'bigint', word: 'varchar' };
    const project = new SourceProject({ source: { ...source, schema_change: 'discard_value', columns } });
    const ids = async () =>
      (await project.query('select id, word from bronze.s where id > 900 order by id, word')).map(
        (row) => `${row['id']} ${row['word']}`,
      );
    try {
      db.exec(
        "insert into orders values (901, 'none', 1, null), (902, 'twin', 1, null), (903, 'text', 1, 'n/a'), (904, 'bytes', 1, x'00')",
      );
      const { stdout } = await project.ok(['plan']);
      expect(stdout).toContain('24');
      await project.ok(['ingest']);
      await project.ok(['ingest']);
      expect(await ids()).toEqual(['901 none', '902 twin', '903 text', '904 bytes']);
      add(5);
      db.exec("update orders set word = 'changed' where id = 901; update orders set changed = 5000 where id = 902");
      await project.ok(['ingest']);
      await project.ok(['ingest']);
      expect(await ids()).toEqual(['901 changed', '901 none', '902 twin', '902 twin', '903 text', '904 bytes']);
      expect(await project.query('select cast(count(*) as integer) as n from bronze.s')).toEqual([{ n: 31 }]);
      db.exec('delete from orders where id = 904');
      await project.ok(['ingest']);
      expect(await project.query('select cast(count(*) as integer) as n from bronze.s')).toEqual([{ n: 31 }]);
      await project.ok(['verify', '--rows']);
    } finally {
      project.remove();
      close();
    }
  });

  it('a unit that is refused as a whole is kept, and read again by a replay', async () => {
    const { path, add, close } = shop(30);
    const source = { type: 'sqlite', path, table: 'orders', cursor: { column: 'changed' }, key: 'id' };
    const narrow = { ...source, columns: { id: 'bigint', changed: 'bigint' } };
    const project = new SourceProject({ source: narrow });
    const count = () => project.query('select cast(count(*) as integer) as n from bronze.s');
    try {
      expect((await project.run(['ingest'])).status).toBe(4);
      expect(await count()).toEqual([{ n: 0 }]);
      add(5);
      project.configure({ source: { ...narrow, schema_change: 'discard_value' } });
      await project.ok(['ingest']);
      expect(await count()).toEqual([{ n: 5 }]);
      await project.ok(['quarantine', 'replay', 'bronze.s']);
      await project.ok(['run']);
      expect(await count()).toEqual([{ n: 35 }]);
      expect(await project.query('select * from quarantine.bronze_s')).toEqual([]);
      await project.ok(['verify', '--rows']);
    } finally {
      project.remove();
      close();
    }
  });

  it.each([
    ['a file that is not there', { path: 'nowhere.db', table: 'orders' }, 'E_SOURCE_IO'],
    ['a table that is not there', { table: 'ordres' }, 'E_SOURCE_QUERY'],
    ['more than a query', { query: 'select 1; drop table orders' }, 'E_SOURCE_QUERY'],
    ['a statement that writes', { query: 'delete from orders returning *' }, 'E_SOURCE_QUERY'],
  ])('%s is an error of the catalogue', async (_, options, code) => {
    const { db, path, close } = shop(3);
    const project = new SourceProject({ source: { type: 'sqlite', path, ...options } });
    try {
      const failed = await project.run(['ingest']);
      expect(failed.status).not.toBe(0);
      expect(failed.stderr).toContain(code);
      expect(db.prepare('select count(*) as n from orders').get()).toEqual({ n: 3 });
    } finally {
      project.remove();
      close();
    }
  });
});
