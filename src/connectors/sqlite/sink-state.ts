import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { SinkTable, Standing } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { Database } from './driver.ts';
import { tableExists } from './sink-tables.ts';

/** Where a load writes down what it holds, beside its tables. */
const STATE_TABLE = '_dataflow_loads';

/** What the file says that it holds of each table. */
export type SqliteState = ReadonlyMap<
  string,
  { readonly held: HeldTable; readonly text: string; readonly digest: string }
>;

export const CREATION = `create table if not exists ${STATE_TABLE} (load text not null, source_table text not null, table_name text not null,
  release_id text not null, version integer not null, row_count integer not null, source_hash text not null, gold_processed_at text not null,
  last_sync text not null, refresh_time_seconds real not null, held text not null, digest text not null, primary key (load, source_table))`;

export function readState(db: Database, load: string): SqliteState {
  if (!tableExists(db, STATE_TABLE)) return new Map();
  const rows = db.prepare(`select source_table, held, digest from ${STATE_TABLE} where load = ?`).all(load);
  return new Map(
    (rows as { source_table: string; held: string; digest: string }[]).map((row) => [
      row.source_table,
      { held: JSON.parse(row.held) as HeldTable, text: row.held, digest: row.digest },
    ]),
  );
}

/** @throws DataflowError E_LOAD_CONFLICT when another load wrote it since the plan was made */
export function recordHeld(db: Database, load: string, held: HeldTable, expected: SqliteState): void {
  const now = readState(db, load).get(held.table)?.text;
  if (now !== expected.get(held.table)?.text)
    throw new DataflowError('E_LOAD_CONFLICT', `somebody else loaded ${held.name} at the same time`);
  const refresh_s = Math.max(0, (Date.parse(held.loaded_at) - Date.parse(held.gold_processed_at)) / 1000);
  db.prepare(`insert or replace into ${STATE_TABLE} values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    ...[load, held.table, held.name, held.release_id, held.version, held.rows, held.source_hash],
    ...[held.gold_processed_at, held.loaded_at, refresh_s, JSON.stringify(held)],
    digestOf(db, held.name),
  );
}

/** What stands there: whose rows they are, and whether there are as many as were loaded. */
export function standingOf(
  db: Database,
  state: SqliteState,
  { table, name }: Pick<SinkTable, 'table' | 'name'>,
  deep: boolean,
): Standing {
  const found = state.get(table)?.held;
  // Under another name it is another table.
  const held = found?.name === name ? found : undefined;
  const known = held === undefined ? {} : { held };
  if (!tableExists(db, name)) return { ...known, state: 'absent' };
  const rows = Number((db.prepare(`select count(*) as n from ${quoteIdent(name)}`).get() as { n: number }).n);
  if (held === undefined) return { state: rows === 0 ? 'empty' : 'foreign', rows };
  const more = rows - held.rows;
  if (more === 0 && deep && digestOf(db, name) !== state.get(table)?.digest)
    return { held, rows, state: 'changed', words: 'rows are not those that were loaded' };
  if (more === 0) return { held, rows, state: 'as_left' };
  const count = Math.abs(more).toLocaleString('en');
  return { held, rows, state: 'changed', words: `${count} rows ${more > 0 ? 'more' : 'fewer'} than were loaded` };
}

/** Of all rows, in the order in which they lie there. */
function digestOf(db: Database, name: string): string {
  const hash = createHash('md5');
  const statement = db.prepare(`select * from ${quoteIdent(name)} order by rowid`);
  statement.setReadBigInts(true);
  for (const row of statement.iterate())
    hash.update(
      JSON.stringify(Object.values(row as object), (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      ),
    );
  return hash.digest('hex');
}
