import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import { makeLeash } from '../../scripts/services/processes.ts';
import { startServer } from '../../scripts/services/room.ts';
import { SERVERS } from '../../scripts/services/servers.ts';

/** A destination of loads that a soak has to itself, read by a client of its own. */
export interface LoadTarget {
  readonly name: string;
  /** The line of an entry of `connections:`. */
  readonly connection: string;
  /** More of the entry of `loads:`. */
  readonly load: string;
  readonly env: Readonly<Record<string, string>>;
  /** All tables of a release become visible at once, whatever happens. */
  readonly at_once: boolean;
  /** Values of these columns; undefined: there is no such table. */
  rows(table: string, columns: readonly string[]): Promise<readonly (readonly unknown[])[] | undefined>;
  close(): Promise<void>;
}

export const LOAD_TARGETS = { postgresql, mongodb, sqlite } as const;

async function postgresql(): Promise<LoadTarget> {
  const server = await startServer(SERVERS.postgresql, makeLeash());
  const url = server.settings['DATAFLOW_TEST_POSTGRESQL'] ?? '';
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    name: 'PostgreSQL',
    ...{ connection: '{ type: postgres, url: "${TARGET_URL}" }', load: ', schema: soak', at_once: true },
    env: { TARGET_URL: url },
    rows: async (table, columns) => {
      const { rows } = await client.query('select to_regclass($1) as there', [`soak.${table}`]);
      if (rows[0]?.there === null) return undefined;
      const list = columns.map((name) => `${name}::text`).join(', ');
      return (await client.query({ text: `select ${list} from soak.${table}`, rowMode: 'array' })).rows;
    },
    close: async () => {
      await client.end();
      await server.stop();
    },
  };
}

async function mongodb(): Promise<LoadTarget> {
  const server = await startServer(SERVERS.mongodb, makeLeash());
  const url = server.settings['DATAFLOW_TEST_MONGODB'] ?? '';
  const client = await MongoClient.connect(url);
  const database = client.db('soak');
  return {
    name: 'MongoDB',
    ...{ connection: '{ type: mongodb, url: "${TARGET_URL}", database: soak }', load: '', at_once: false },
    env: { TARGET_URL: url },
    rows: async (table, columns) => {
      const found = await database.collection(table).find({}).toArray();
      const others = await database.listCollections({ name: /^_loading/ }).toArray();
      if (others.length > 0) throw new Error(`left over: ${others.map(({ name }) => name).join(', ')}`);
      return found.map((one) => columns.map((name) => one[name]));
    },
    close: async () => {
      await client.close();
      await server.stop();
    },
  };
}

async function sqlite(): Promise<LoadTarget> {
  const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as {
    readonly DatabaseSync: new (
      path: string,
    ) => { prepare(sql: string): { all(): Record<string, unknown>[] }; close(): void };
  };
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-soak-target-'));
  const path = join(folder, 'out.db');
  return {
    name: 'SQLite',
    ...{ connection: `{ type: sqlite, path: ${path} }`, load: '', env: {}, at_once: true },
    rows: async (table, columns) => {
      if (!existsSync(path)) return undefined;
      const db = new DatabaseSync(path);
      try {
        if (db.prepare(`select 1 from sqlite_schema where name = '${table}'`).all().length === 0) return undefined;
        return db
          .prepare(`select ${columns.join(', ')} from ${table}`)
          .all()
          .map((row) => columns.map((name) => row[name]));
      } finally {
        db.close();
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
