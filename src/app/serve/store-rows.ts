import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Column } from '../../core/model/table.ts';
import type { ReadTables } from '../../core/ports/read-engine.ts';
import type { StoreColumn, StoreCondition, StoreFilter, StoreQuestion, StoreView } from '../../core/ports/store.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { Condition } from './conditions.ts';
import { arrowOf, type LineForm, linesOf, type PlannedRows } from './planned-rows.ts';
import type { BoundSql, ReadPlan } from './read-sql.ts';

/** A table as the destination has it. */
export interface StoreTable {
  readonly name: string;
  readonly columns: readonly StoreColumn[];
  /** Columns that tell its rows apart, as in the lake; none where not all of them are there. */
  readonly key_columns: readonly string[];
}

/**
 * Rows of one state of a destination. It finds and orders them; the engine casts them to the types of the lake and writes them down, so that an answer is
 * the same text from both.
 */
export class StoreRows implements PlannedRows {
  readonly #view: StoreView;
  readonly #engine: ReadTables;
  readonly #tableOf: (key: string) => Promise<StoreTable>;

  /** @param engine what is used of it reads no table. */
  constructor(view: StoreView, engine: ReadTables, tableOf: (key: string) => Promise<StoreTable>) {
    this.#view = view;
    this.#engine = engine;
    this.#tableOf = tableOf;
  }

  async *lines(plan: ReadPlan, form: LineForm, signal: AbortSignal): AsyncGenerator<readonly string[], void, void> {
    for await (const rows of this.#rows(plan))
      if (rows.length > 0) yield* linesOf(this.#engine, plan.columns, castRows(plan.columns, rows), form, signal);
  }

  async line(plan: ReadPlan, signal: AbortSignal): Promise<string | undefined> {
    for await (const lines of this.lines({ ...plan, limit: 1 }, { format: 'json', formula_safe: false }, signal))
      if (lines[0] !== undefined) return lines[0];
    return undefined;
  }

  /** A stream has one head: so the page is sent as a whole. */
  async *arrow(plan: ReadPlan, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const rows: string[] = [];
    for await (const batch of this.#rows(plan)) rows.push(...batch);
    yield* arrowOf(this.#engine, plan.columns, castRows(plan.columns, rows), signal);
  }

  async count(plan: ReadPlan): Promise<number> {
    const table = await this.#table(plan);
    return asked(() => this.#view.count(filterOf(plan, table)));
  }

  async *#rows(plan: ReadPlan): AsyncGenerator<readonly string[], void, void> {
    const question = questionOf(plan, await this.#table(plan));
    try {
      yield* this.#view.rows(question);
    } catch (error) {
      throw storeProblem(error);
    }
  }

  #table({ table }: ReadPlan): Promise<StoreTable> {
    if (table === undefined) throw new DataflowError('E_INTERNAL', 'a query was sent to a destination');
    return this.#tableOf(table);
  }
}

/** What is wrong with the destination is for the log; who asked is told that it is. */
export async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw storeProblem(error);
  }
}

function storeProblem(error: unknown): unknown {
  if (!(error instanceof DataflowError) || !error.code.startsWith('E_LOAD_')) return error;
  return new DataflowError('E_SERVE_STORE', 'the destination cannot be asked at the moment', { cause: error });
}

function questionOf(plan: ReadPlan, table: StoreTable): StoreQuestion {
  // Without an order the lake gives rows as they lie in its files; a database would give them as it likes.
  const order =
    plan.order.length > 0
      ? plan.order.map(({ column, descending }) => ({ of: columnAt(table, column), descending }))
      : table.key_columns.map((name) => ({ of: columnAt(table, { name }), descending: false }));
  return {
    ...filterOf(plan, table),
    columns: plan.columns.map((column) => columnAt(table, column)),
    order,
    settled: table.key_columns.length > 0,
    limit: plan.limit,
    offset: plan.offset,
  };
}

function filterOf(plan: ReadPlan, table: StoreTable): StoreFilter {
  return { table: table.name, where: plan.where.map((one) => conditionAt(one, table)) };
}

function conditionAt({ column, operator, values, wanted }: Condition, table: StoreTable): StoreCondition {
  return {
    of: columnAt(table, column),
    operator,
    values: values.map(({ param }) => String(param.value)),
    ...(wanted === undefined ? {} : { wanted }),
  };
}

function columnAt({ columns }: StoreTable, { name }: Pick<Column, 'name'>): StoreColumn {
  const found = columns.find((one) => one.column.name === name);
  if (found === undefined) throw new DataflowError('E_INTERNAL', 'a column that the destination does not have');
  return found;
}

/** Rows that came as JSON arrays of texts, in the types of the lake. */
function castRows(columns: readonly Column[], rows: readonly string[]): BoundSql {
  const cells = columns.map(({ name, type }, i) => `${castText(`c[${i + 1}]`, type)} as ${quoteIdent(name)}`);
  return {
    sql: `select ${cells.join(', ')} from (select from_json(unnest($_rows), '["VARCHAR"]') as c) as sent`,
    params: { _rows: { type: 'varchar[]', value: rows } },
  };
}

function castText(text: string, type: string): string {
  if (type === 'varchar') return text;
  if (type === 'blob') return `unhex(${text})`;
  const nested = type.endsWith(']') || /^(struct|map)\(/i.test(type);
  return `cast(${nested ? `cast(${text} as json)` : text} as ${type})`;
}
