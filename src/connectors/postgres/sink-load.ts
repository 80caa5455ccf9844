import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import type { OutRows, PutCounts, SinkLoad, SinkTable, TableChange } from '../../core/ports/sink.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { isNul, nulError } from './sink-nul.ts';
import { missingParts, viewStatements } from './sink-parts.ts';
import type { SinkSession } from './sink-session.ts';
import {
  changeWords,
  type Looked,
  type Marks,
  marksOf,
  readState,
  recording,
  recordingView,
  type State,
} from './sink-state.ts';
import { type TableFacts, tableFacts, tableWork } from './sink-tables.ts';
import { copyText } from './sink-types.ts';

/** What the destination said of itself, and how its tables looked. */
export interface Seen {
  readonly state: State;
  readonly digests: Looked['digests'];
}

/** What one write to a database works with. */
export interface LoadParts {
  readonly session: SinkSession;
  /** For people. */
  readonly place: string;
  /** Another connection, to look up how this one ended. */
  readonly reopen: () => Promise<SinkSession>;
  readonly schema: string;
  /** Of the load: project and name. */
  readonly id: string;
  readonly release_id: string;
  /** What planning saw; undefined: it is not looked at again. */
  readonly seen: Seen | undefined;
  /** Told what the destination says of itself, once that is committed. */
  readonly committed: (state: State) => void;
  readonly views: Readonly<Record<string, string>>;
}

/** One transaction: schema, tables, rows, views, and what is said of them. */
export class PostgresLoad implements SinkLoad {
  readonly #parts: LoadParts;
  readonly #recorded: HeldTable[] = [];
  /** Tables that are locked and are as they were seen; their facts. */
  readonly #claims = new Map<string, Promise<TableFacts | undefined>>();
  #marks: Marks | undefined;
  #staged = 0;
  #state: State = { text: '', tables: new Map(), views: new Map() };

  private constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** @throws DataflowError E_LOAD_CONFLICT when another load is at work, or was since planning. */
  static async begin(parts: LoadParts): Promise<PostgresLoad> {
    const { session, schema, id, seen } = parts;
    await session.begin();
    const [lock] = await session.rows(`select pg_try_advisory_xact_lock(${lockKey(schema, id)})::text as got`);
    if (lock?.['got'] !== 'true')
      throw new DataflowError('E_LOAD_CONFLICT', `another load of ${id} is at work at ${session.place}`);
    for (const statement of await missingParts(session, schema)) await session.run(statement);
    const load = new PostgresLoad(parts);
    load.#state = await readState(session, schema, id);
    if (seen !== undefined && seen.state.text !== load.#state.text)
      throw new DataflowError('E_LOAD_CONFLICT', `somebody else loaded ${id} into ${session.place} in this moment`);
    return load;
  }

  async put(change: TableChange): Promise<PutCounts> {
    const { session, schema } = this.#parts;
    const { table } = change;
    const qualified = `${quoteIdent(schema)}.${quoteIdent(table.name)}`;
    const facts = await this.#claim(table);
    const work = tableWork(qualified, table, facts, change.remake);
    if (work.refused !== undefined && !change.remake)
      throw new DataflowError('E_LOAD_SCHEMA', `${table.table}: ${work.refused}`);
    const made = facts === undefined || change.remake;
    // Keys and indexes of a table with rows come before further rows, of a new one after all of them.
    for (const statement of made ? work.before : work.statements) await session.run(statement, table.table);
    if (!made && !change.whole) await this.#empty(qualified, change, facts);
    const moved =
      change.whole || made ? await this.#replace(qualified, change, made) : await this.#merge(qualified, change);
    for (const statement of made ? work.after : []) await session.run(statement, table.table);
    this.#marks = await marksOf(session, qualified);
    const rows_after = this.#marks.rows;
    const before = change.whole ? 0 : (this.#state.tables.get(table.table)?.marks.rows ?? 0);
    const inserted = moved.inserted ?? rows_after - before + moved.deleted;
    const updated = table.mode === 'append' || change.whole ? 0 : moved.rows_in - inserted;
    return { ...moved, inserted, updated, rows_after };
  }

  async claim(table: SinkTable): Promise<void> {
    await this.#claim(table);
  }

  #claim(table: SinkTable): Promise<TableFacts | undefined> {
    const known = this.#claims.get(table.name);
    if (known !== undefined) return known;
    const made = (async () => {
      const { session, schema } = this.#parts;
      const facts = await tableFacts(session, `${quoteIdent(schema)}.${quoteIdent(table.name)}`);
      if (facts !== undefined) await this.#lock(table);
      return facts;
    })();
    this.#claims.set(table.name, made);
    return made;
  }

  /**
   * Others may read on; whoever writes waits until this is through. What they wrote before is noticed: the marks made at the end would hide it.
   * @throws DataflowError E_LOAD_CONFLICT when somebody wrote after planning had looked, E_LOAD_CHANGED when nobody had looked since the last load.
   */
  async #lock({ table, name }: Pick<SinkTable, 'table' | 'name'>): Promise<void> {
    const { session, schema, seen, place } = this.#parts;
    const qualified = `${quoteIdent(schema)}.${quoteIdent(name)}`;
    await session.run(`lock table ${qualified} in share row exclusive mode`, table);
    const digest = seen?.digests.get(name);
    const left = this.#state.tables.get(table)?.marks;
    if (seen === undefined || (digest === undefined && left === undefined)) return;
    const now = await marksOf(session, qualified);
    if (digest !== undefined && digest !== now.digest)
      throw new DataflowError('E_LOAD_CONFLICT', `somebody else wrote to ${name} at ${session.place} in this moment`);
    if (digest !== undefined || (left?.oid === now.oid && left.digest === now.digest)) return;
    throw new DataflowError(
      'E_LOAD_CHANGED',
      `${place}: ${name} was changed by somebody else: ${changeWords(left?.rows ?? 0, now.rows)}`,
      {
        kept: 'nothing was changed at the destination',
      },
    );
  }

  async record(held: HeldTable): Promise<void> {
    const { session, schema, id } = this.#parts;
    const marks = this.#marks ?? this.#state.tables.get(held.table)?.marks;
    // Its rows stay, and planning may have spared itself the look.
    if (this.#marks === undefined && this.#parts.seen?.digests.has(held.name) !== true) await this.#lock(held);
    this.#marks = undefined;
    if (marks === undefined) throw new DataflowError('E_INTERNAL', `${held.table} was recorded before its rows came`);
    await session.run(recording(schema, id, held, marks), held.table);
    this.#recorded.push(held);
  }

  async commit(): Promise<void> {
    const { session, schema, id, views, release_id, committed } = this.#parts;
    for (const [name, sql] of Object.entries(views)) {
      const known = this.#state.views.get(name);
      for (const statement of await viewStatements(session, schema, name, sql, known))
        await session.run(statement, name);
      if (known !== sql) await session.run(recordingView(schema, id, name, sql, release_id), name);
    }
    const state = await readState(session, schema, id);
    try {
      await session.commit();
    } catch (error) {
      if (!(error instanceof DataflowError) || error.code !== 'E_LOAD_UNREACHABLE') throw error;
      await this.#lookUp(error);
    }
    committed(state);
  }

  async rollback(): Promise<void> {
    await this.#parts.session.run('rollback').catch(() => undefined);
  }

  /** The connection broke before the answer: as long as its transaction is not over its lock is held, and then the state tells. */
  async #lookUp(cause: DataflowError): Promise<void> {
    const { reopen, schema, id } = this.#parts;
    let state: State;
    try {
      const session = await reopen();
      try {
        await session.rows(`select pg_advisory_lock(${lockKey(schema, id)})`);
        state = await readState(session, schema, id);
      } finally {
        await session.close();
      }
    } catch (error) {
      throw new DataflowError('E_LOAD_UNKNOWN', `${cause.message}: it is not known whether the release was committed`, {
        cause: error,
      });
    }
    const [first] = this.#recorded;
    if (first !== undefined && state.tables.get(first.table)?.held.run_id === first.run_id) return;
    throw cause;
  }

  /** Columns that come back get rid of what they held before they went. */
  async #empty(qualified: string, { came, table }: TableChange, { columns }: TableFacts): Promise<void> {
    const there = new Set(columns.map(({ name }) => name));
    const names = came.filter((name) => there.has(name)).map(quoteIdent);
    if (names.length === 0) return;
    const set = names.map((name) => `${name} = null`).join(', ');
    const some = names.map((name) => `${name} is not null`).join(' or ');
    await this.#parts.session.run(`update ${qualified} set ${set} where ${some}`, table.table);
  }

  /** All rows anew; readers see the old ones until the commit. */
  async #replace(qualified: string, { table, rows }: TableChange, made: boolean): Promise<Moved> {
    const { session } = this.#parts;
    const deleted = made ? 0 : await session.run(`delete from ${qualified}`, table.table);
    const rows_in = await this.#copy(qualified, table, rows);
    return { rows_in, gone_in: 0, inserted: rows_in, deleted, skipped: 0 };
  }

  async #merge(qualified: string, { table, rows, apart, gone }: TableChange): Promise<Moved> {
    const { session } = this.#parts;
    const { key, mode, columns } = table;
    if (mode === 'append' && key.length === 0) {
      const rows_in = await this.#copy(qualified, table, rows);
      return { rows_in, gone_in: 0, inserted: rows_in, deleted: 0, skipped: 0 };
    }
    const gone_in = { rows: 0, deleted: 0 };
    if (gone !== undefined) {
      const keyed = { ...table, columns: columns.filter(({ name }) => key.includes(name)) };
      const staged = await this.#stage(qualified, keyed, gone);
      const same = key.map((name) => `t.${quoteIdent(name)} = s.${quoteIdent(name)}`).join(' and ');
      gone_in.rows = staged.rows;
      if (staged.rows > 0)
        gone_in.deleted = await session.run(
          `delete from ${qualified} t using ${staged.name} s where ${same}`,
          table.table,
        );
    }
    const staged = await this.#stage(qualified, table, apart?.changed ?? rows);
    const list = columns.map(({ name }) => quoteIdent(name)).join(', ');
    const others = columns.filter(({ name }) => !key.includes(name)).map(({ name }) => quoteIdent(name));
    const doing =
      mode === 'append' || others.length === 0
        ? 'nothing'
        : `update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}`;
    const put = `insert into ${qualified} (${list}) select ${list} from ${staged.name} on conflict (${key.map(quoteIdent).join(', ')}) do ${doing}`;
    const changed = staged.rows === 0 ? 0 : await session.run(put, table.table);
    // Nobody else can have brought their keys: the table is locked, and was as the last load left it.
    const news = apart === undefined ? 0 : await this.#copy(qualified, table, apart.news);
    return {
      rows_in: staged.rows + news,
      gone_in: gone_in.rows,
      deleted: gone_in.deleted,
      ...(mode === 'append' ? { inserted: changed, skipped: staged.rows - changed } : { skipped: 0 }),
    };
  }

  async #stage(
    qualified: string,
    table: SinkTable,
    rows: OutRows,
  ): Promise<{ readonly name: string; readonly rows: number }> {
    this.#staged += 1;
    const name = `_dataflow_stage_${this.#staged}`;
    const list = table.columns.map((column) => quoteIdent(column.name)).join(', ');
    const { session } = this.#parts;
    await session.run(`create temp table ${name} on commit drop as select ${list} from ${qualified} with no data`);
    return { name, rows: await this.#copy(name, table, rows) };
  }

  async #copy(into: string, table: SinkTable, rows: OutRows): Promise<number> {
    const { session } = this.#parts;
    const { columns } = table;
    const list = columns.map(({ name }) => quoteIdent(name)).join(', ');
    const counted = new CountedText(
      rows.bytes({ format: 'tab', select: columns.map((column) => ({ name: column.name, sql: copyText(column) })) }),
    );
    let taken: number;
    try {
      taken = await session.copy(`copy ${into} (${list}) from stdin`, counted.text(), table.table);
    } catch (error) {
      throw isNul(error) ? await nulError(session, table, rows, error) : error;
    }
    if (taken === counted.rows) return taken;
    throw new DataflowError('E_LOAD_BALANCE', `${table.table}: ${counted.rows} rows were sent, and ${taken} arrived`);
  }
}

/** `inserted` is known only where nothing can be updated. */
type Moved = Omit<PutCounts, 'inserted' | 'updated' | 'rows_after'> & { readonly inserted?: number };

/** Text on its way, and at its end the number of its rows. */
class CountedText {
  rows = -1;
  readonly #bytes: AsyncGenerator<Uint8Array, number, void>;

  constructor(bytes: AsyncGenerator<Uint8Array, number, void>) {
    this.#bytes = bytes;
  }

  async *text(): AsyncGenerator<Uint8Array, void, void> {
    this.rows = yield* this.#bytes;
  }
}

/** Two loads of the same name may go to two schemas of a database. */
function lockKey(schema: string, id: string): string {
  return `hashtextextended(${quoteText(`dataflow/${schema}/${id}`)}, 0)`;
}
