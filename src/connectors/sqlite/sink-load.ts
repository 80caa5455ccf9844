import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { Comparison, OutRows, PutCounts, SinkLoad, SinkTable, TableChange } from '../../core/ports/sink.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { textLines } from '../../kit/text-lines.ts';
import { type Database, type SqliteValue, written } from './driver.ts';
import { recordHeld, type SqliteState } from './sink-state.ts';
import { addedColumns, creationOf, indexesOf, tableExists } from './sink-tables.ts';
import { type SqliteColumn, sqliteColumn } from './sink-values.ts';

const LINE_BYTES_MAX = 1 << 29;

/** One transaction for all tables of a release and for what is said of them: readers see what was there before until it is committed. */
export class SqliteLoad implements SinkLoad {
  readonly #db: Database;
  readonly #shown: string;
  readonly #load: string;
  readonly #expected: SqliteState;

  /** @param expected what the state was when the load was planned */
  constructor(db: Database, shown: string, load: string, expected: SqliteState) {
    this.#db = db;
    this.#shown = shown;
    this.#load = load;
    this.#expected = expected;
  }

  async put(change: TableChange): Promise<PutCounts> {
    const { table, whole, remake, rows, gone } = change;
    const name = quoteIdent(table.name);
    const there = tableExists(this.#db, table.name);
    const count = (): number => this.#count(`select count(*) as n from ${name}`);
    this.#prepare(change, there);
    const before = there && !remake ? count() : 0;
    if (whole) this.#exec(`delete from ${name}`);
    const columns = table.columns.map(sqliteColumn);
    const start = whole ? 0 : before;
    let gone_in = 0;
    let deleted = 0;
    if (gone !== undefined) {
      const keys = table.key.flatMap((one) => columns.find((column) => column.name === one) ?? []);
      const where = keys.map((key) => `${quoteIdent(key.name)} is ?`).join(' and ');
      [gone_in, deleted] = await this.#each(`delete from ${name} where ${where}`, gone, keys);
    }
    const [rows_in, written_rows] = await this.#each(insertion(table, columns), rows, columns);
    const rows_after = count();
    const inserted = rows_after - start + deleted;
    const append = table.mode === 'append' && !whole;
    return {
      ...{ rows_in, gone_in, inserted, rows_after },
      updated: append || whole ? 0 : written_rows - inserted,
      deleted: whole ? before : deleted,
      skipped: append ? rows_in - inserted : 0,
    };
  }

  /** The table as it is to be, before rows come. */
  #prepare({ table, whole, remake, came }: TableChange, there: boolean): void {
    const name = quoteIdent(table.name);
    if (there && remake) this.#exec(`drop table ${name}`);
    if (!there || remake) {
      this.#exec([creationOf(table), ...indexesOf(table)].join(';\n'));
      return;
    }
    for (const statement of addedColumns(this.#db, table)) this.#exec(statement);
    // Columns that come back get rid of what they held before they went.
    if (!whole) for (const one of came) this.#exec(`update ${name} set ${quoteIdent(one)} = null`);
  }

  async record(held: HeldTable): Promise<void> {
    written(this.#shown, () => recordHeld(this.#db, this.#load, held, this.#expected));
  }

  async commit(): Promise<void> {
    this.#exec('commit');
  }

  async rollback(): Promise<void> {
    try {
      this.#db.exec('rollback');
    } catch {
      // There was none left.
    }
  }

  async #each(sql: string, rows: OutRows, columns: readonly SqliteColumn[]): Promise<readonly [number, number]> {
    const statement = written(this.#shown, () => this.#db.prepare(sql));
    let came = 0;
    let changed = 0;
    for await (const values of valuesOf(rows, columns)) {
      came += 1;
      changed += Number(written(this.#shown, () => statement.run(...values)).changes);
    }
    return [came, changed];
  }

  #count(sql: string): number {
    const row = written(this.#shown, () => this.#db.prepare(sql).get());
    return Number((row as { readonly n: number | bigint }).n);
  }

  #exec(sql: string): void {
    written(this.#shown, () => this.#db.exec(sql));
  }
}

async function* valuesOf(rows: OutRows, columns: readonly SqliteColumn[]): AsyncGenerator<SqliteValue[], void, void> {
  const select = columns.map(({ sql }, index) => ({ name: `c${index}`, sql }));
  for await (const line of textLines(rows.bytes({ format: 'ndjson', select }), LINE_BYTES_MAX)) {
    const found = JSON.parse(line) as Readonly<Record<string, unknown>>;
    yield columns.map(({ decode }, index) => decode(found[`c${index}`]));
  }
}

function insertion({ name, key, mode }: SinkTable, columns: readonly SqliteColumn[]): string {
  const names = columns.map((column) => quoteIdent(column.name));
  const insert = `insert into ${quoteIdent(name)} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`;
  if (key.length === 0) return insert;
  const others = columns.filter((column) => !key.includes(column.name)).map((column) => quoteIdent(column.name));
  const conflict = `on conflict (${key.map(quoteIdent).join(', ')})`;
  if (mode === 'append' || others.length === 0) return `${insert} ${conflict} do nothing`;
  return `${insert} ${conflict} do update set ${others.map((one) => `${one} = excluded.${one}`).join(', ')}`;
}

/** Both sides as bags of rows, in SQLite: the lake's rows go into a table that only this connection sees. */
export async function compareTable(db: Database, shown: string, table: SinkTable, rows: OutRows): Promise<Comparison> {
  const columns = table.columns.map(sqliteColumn);
  const names = columns.map((column) => quoteIdent(column.name)).join(', ');
  const sql = (text: string): number =>
    Number((written(shown, () => db.prepare(text).get()) as { readonly n: number }).n);
  db.exec(
    `drop table if exists temp.lake_rows; create temp table lake_rows (${columns.map((column) => `${quoteIdent(column.name)} ${column.type}`).join(', ')})`,
  );
  const insert = db.prepare(`insert into temp.lake_rows values (${columns.map(() => '?').join(', ')})`);
  for await (const values of valuesOf(rows, columns)) insert.run(...values);
  const [lake, there] = ['temp.lake_rows', `main.${quoteIdent(table.name)}`].map(
    (from) => `select ${names}, row_number() over (partition by ${names}) as _copy from ${from}`,
  );
  const found = {
    rows_lake: sql('select count(*) as n from temp.lake_rows'),
    rows_there: sql(`select count(*) as n from main.${quoteIdent(table.name)}`),
    only_lake: sql(`select count(*) as n from (${lake} except ${there})`),
    only_there: sql(`select count(*) as n from (${there} except ${lake})`),
  };
  const first = found.only_lake > 0 ? `${lake} except ${there}` : `${there} except ${lake}`;
  const samples = written(shown, () => db.prepare(`select * from (${first}) limit 3`).all());
  db.exec('drop table temp.lake_rows');
  return {
    ...found,
    samples: samples.map((row) =>
      Object.values(row as object)
        .slice(0, -1)
        .join(', '),
    ),
  };
}

/** Changes with each commit of another connection. */
export function commitsOfOthers(db: Database): number {
  return Number((db.prepare('pragma data_version').get() as { readonly data_version: number }).data_version);
}

/**
 * @param commits what {@link commitsOfOthers} said when the load was planned; undefined: it was not asked
 * @throws DataflowError E_LOAD_CONFLICT when somebody else has the database, or wrote to it since
 */
export function beginWriting(db: Database, shown: string, commits: number | undefined): void {
  try {
    db.exec('begin immediate');
  } catch (cause) {
    throw new DataflowError('E_LOAD_CONFLICT', `${shown} is being written by somebody else`, { cause });
  }
  if (commits === undefined || commits === commitsOfOthers(db)) return;
  db.exec('rollback');
  throw new DataflowError('E_LOAD_CONFLICT', `somebody else wrote to ${shown} in this moment`);
}
