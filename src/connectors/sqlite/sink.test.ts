import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sinkContract } from '../testing/sink-contract.ts';
import type { Database, SqliteValue } from './driver.ts';

const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as {
  readonly DatabaseSync: new (path: string) => Database;
};

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
