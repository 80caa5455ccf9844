import { createHash } from 'node:crypto';
import type { Dialect } from '../../src/core/ports/dialect.ts';
import type { Engine, EngineColumn, EngineSession } from '../../src/core/ports/engine.ts';
import type { MaterializeOptions } from '../../src/core/ports/materialize.ts';
import { quoteIdent } from '../../src/kit/sql.ts';

type Cell = string | null;

/** What a statement reads: its columns and rows at that moment, cells as texts. */
export interface RecordedTable {
  /** The same for tables of the same content. */
  readonly name: string;
  readonly columns: readonly EngineColumn[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A query that a step sent to its engine, in another engine's dialect, with all that is needed to hold the answers against each other. */
export interface RecordedStatement {
  readonly label: string;
  readonly sql: string;
  /** In the other dialect, over the tables by their names; why not, where it is refused. */
  readonly there: string;
  readonly refused: boolean;
  readonly tables: readonly RecordedTable[];
  readonly columns: readonly EngineColumn[];
  readonly rows: readonly (readonly Cell[])[];
}

const ROWS_MAX = 2_000;
/** What differs from run to run. */
const PASSING = /'01[0-9a-z]{18,}'|'\d{4}-\d\d-\d\dT[\d:.]+Z'/g;

/** An engine whose sessions of silver and gold steps keep what they are asked; the same question of a step once. */
export function recordingEngine(engine: Engine, dialect: Dialect, into: Map<string, RecordedStatement>): Engine {
  return {
    ...engine,
    openSession: async (options) => {
      const session = await engine.openSession(options);
      return /\/(silver|gold)\./.test(options.label) ? recording(session, options.label, dialect, into) : session;
    },
  };
}

function recording(
  session: EngineSession,
  label: string,
  dialect: Dialect,
  into: Map<string, RecordedStatement>,
): EngineSession {
  const note = async (sql: string): Promise<void> => {
    const key = [sql.replaceAll(PASSING, ''), label.split('/')[1]].join('\n');
    if (into.has(key)) return;
    const tables = new Map<string, RecordedTable>();
    for (const name of await session.tablesOf(sql)) tables.set(name, await contentOf(session, name));
    const columns = await session.describe(sql);
    const made = await dialect.translate({
      sql,
      tables: new Map([...tables].map(([name, table]) => [name, table.columns])),
      session,
      relation: (name) => tables.get(name)?.name ?? name,
    });
    const refused = !('sql' in made);
    const there = refused ? made.refusals.map((one) => one.construct).join('; ') : made.sql;
    const rows = await textsOf(session, sql, columns);
    into.set(key, { label, sql, there, refused, tables: [...tables.values()], columns, rows });
  };
  return new Proxy(session, {
    get(target, key) {
      // As the engine is asked whose dialect it is.
      if (key === 'asks_together') return true;
      if (key === 'define' || key === 'materialize')
        return async (name: string, sql: string, options?: MaterializeOptions) => {
          await note(sql);
          return key === 'define' ? target.define(name, sql) : target.materialize(name, sql, options);
        };
      if (key === 'rows' || key === 'write')
        return async (sql: string, options: never) => {
          await note(sql);
          return key === 'rows' ? target.rows(sql, options) : target.write(sql, options);
        };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function contentOf(session: EngineSession, table: string): Promise<RecordedTable> {
  const sql = `select * from ${table.split('.').map(quoteIdent).join('.')}`;
  const columns = await session.describe(sql);
  const rows = await textsOf(session, sql, columns);
  const hash = createHash('sha256')
    .update(JSON.stringify([columns, rows]))
    .digest('hex')
    .slice(0, 16);
  return { name: `t_${hash}`, columns, rows };
}

async function textsOf(
  session: EngineSession,
  sql: string,
  columns: readonly EngineColumn[],
): Promise<readonly (readonly Cell[])[]> {
  const names = columns.map((_, at) => `c${at}`);
  const cells = names.map((name) => `cast(${name} as varchar) as ${name}`).join(', ');
  const rows = await session.rows(`select ${cells} from (${sql}\n) as z(${names.join(', ')})`, { rows_max: ROWS_MAX });
  return rows.map((row) => names.map((name) => (row[name] === null ? null : String(row[name]))));
}

/** How an engine's SQL writes texts, names and types. */
export interface Spelling {
  text(value: string): string;
  name(value: string): string;
  type(value: string): string;
}

/** SQL of a table's rows: each cell is a text that the engine casts. */
export function valuesSql({ columns, rows }: RecordedTable, spelling: Spelling): string {
  const cells = (row: readonly Cell[]): string =>
    columns
      .map(({ name, type }, at) => {
        const cell = row[at] ?? null;
        const value = cell === null ? 'null' : spelling.text(cell);
        return `cast(${value} as ${spelling.type(type)}) as ${spelling.name(name)}`;
      })
      .join(', ');
  if (rows.length === 0) return `select ${cells([])} where false`;
  return rows.map((row) => `select ${cells(row)}`).join(' union all ');
}
