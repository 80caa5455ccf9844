import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { RouteSpec } from '../../core/model/serve.ts';
import type { Column } from '../../core/model/table.ts';
import { tablesNamedIn } from '../../core/planning/sql-refs.ts';
import type { ReadParam } from '../../core/ports/read-engine.ts';
import { storedColumns } from '../../core/types/stored-columns.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { Answer, Answers, Asked } from './answers.ts';
import { type Condition, columnNamed, orderOf } from './conditions.ts';
import { formatOf, ROW_FORMATS, type RowFormat } from './formats.ts';
import type { InUse } from './in-use.ts';
import { type Frame, lineFrame, pieces } from './pieces.ts';
import type { ReadPlan } from './read-sql.ts';
import { ReleaseMemo } from './release-memo.ts';
import { answerOf, routeConditions, routeParam, routeParamNames } from './route-params.ts';
import type { ServedRelease } from './served-release.ts';
import { OFFSET_MAX, settled, standpointOf, tableSql } from './table-request.ts';
import type { Turn } from './turns.ts';
import { checkedValue } from './values.ts';

/** Tables that a route reads. */
export function tablesOfRoute({ table, sql }: RouteSpec): readonly string[] {
  return table === undefined ? tablesNamedIn(sql ?? '') : [table];
}

/** What a route reads, before anything is asked of it. */
interface RouteSource {
  readonly from: string;
  readonly table?: string;
  readonly columns: readonly Column[];
  readonly key_columns: readonly string[];
  readonly params: Readonly<Record<string, ReadParam>>;
  readonly rows?: number;
}

/** Answers what the routes of the project are asked. */
export class RouteAnswers {
  readonly #answers: Answers;
  /** What a query's parameter is by default, and its columns. */
  readonly #memo = new ReleaseMemo();

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  /** The rows of a route. @throws DataflowError E_SERVE_* */
  async list(path: string, route: RouteSpec, { words, accept, client }: Asked): Promise<Answer> {
    const { as_of } = standpointOf(words);
    const format = formatOf(words.take('format'), accept);
    const formula_safe = words.takeFlag('formula_safe');
    const shape = answerOf(route);
    return this.#answer(route, as_of, { words, client }, async (use, turn) => {
      const source = await this.#source(path, route, words, use, turn);
      const where = routeConditions(words, route, source.columns);
      const page = pageOf(route, words, this.#answers.serving.spec.limits.rows_max);
      words.end(routeParamNames(route));
      const plan = planOf(route, source, where, page);
      if (shape === 'row') return { type: ROW_FORMATS.json, pieces: [await this.#answers.one(use, turn, plan, 'row')] };
      if (format === 'arrow') return { type: ROW_FORMATS.arrow, pieces: use.rows.arrow(plan, turn.signal) };
      const frame = await this.#frame(shape, format, formula_safe, { plan, source, use, turn });
      const signal = turn.signal;
      return {
        type: ROW_FORMATS[format],
        pieces: pieces(use.rows, { plan, format, formula_safe, frame, signal }),
      };
    });
  }

  /** One row of a route that has an `item`. */
  async item(path: string, route: RouteSpec, text: string, { words, client }: Asked): Promise<Answer> {
    const { as_of } = standpointOf(words);
    words.end(['as_of']);
    return this.#answer(route, as_of, { words, client }, async (use, turn) => {
      const source = await this.#source(path, route, words, use, turn);
      const column = columnNamed(route.item ?? '', route.item ?? '', source.columns);
      const value = checkedValue(column.name, column.type, text);
      const plan = planOf(route, source, [{ column, operator: 'eq', values: [value] }], { limit: 1, offset: 0 });
      return { type: ROW_FORMATS.json, pieces: [await this.#answers.one(use, turn, plan, column.name)] };
    });
  }

  /** Columns of a route in the newest release, for its documentation. */
  async columns(path: string, route: RouteSpec, use: InUse, turn: Turn): Promise<readonly Column[]> {
    const nothing: Record<string, ReadParam> = {};
    for (const [name, { type }] of Object.entries(route.params)) nothing[name] = { type, value: null };
    const source = await this.#read(path, route, nothing, use, turn);
    return chosen(route, source.columns);
  }

  /** Routes over a table ask whatever tables are answered from; queries are in the SQL of the lake's engine. */
  #answer(
    { table }: RouteSpec,
    as_of: string | undefined,
    asked: Pick<Asked, 'words' | 'client'>,
    work: Parameters<Answers['answer']>[2],
  ): Promise<Answer> {
    const answers = this.#answers;
    return table === undefined ? answers.answer(as_of, asked.client, work) : answers.answerTables(as_of, asked, work);
  }

  async #source(path: string, route: RouteSpec, words: Asked['words'], use: InUse, turn: Turn): Promise<RouteSource> {
    const params: Record<string, ReadParam> = {};
    for (const [name, spec] of Object.entries(route.params)) {
      const value = routeParam(words, name, spec);
      params[name] =
        value === 'latest' ? { type: spec.type, value: await this.#latest(path, route, name, use, turn) } : value;
    }
    return this.#read(path, route, params, use, turn);
  }

  async #read(
    path: string,
    route: RouteSpec,
    params: Readonly<Record<string, ReadParam>>,
    use: InUse,
    { signal }: Turn,
  ): Promise<RouteSource> {
    const { release } = use;
    if (route.table !== undefined) {
      refuseMissing(release, route.table);
      const { columns, key_columns, rows } = await use.table(route.table);
      return { from: tableSql(route.table), table: route.table, columns, key_columns, params, rows };
    }
    const sql = (route.sql ?? '').replace(/[\s;]+$/, '');
    await this.#memo.once(release, path, async () => {
      for (const key of tablesOfRoute(route)) await tableOf(release, key);
      await release.tables.tablesOf(sql);
    });
    const columns = await this.#memo.once(release, `${path} columns`, async () =>
      storedColumns(await release.tables.describe({ sql, params, signal }), 'the query'),
    );
    const cells = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
    return { from: `(select ${cells.join(', ')} from (\n${sql}\n) as q) as route`, columns, key_columns: [], params };
  }

  async #latest(path: string, route: RouteSpec, name: string, use: InUse, turn: Turn): Promise<string | null> {
    const { release } = use;
    const found = await this.#memo.once(release, `${path} latest ${name}`, async () => {
      for (const key of tablesOfRoute(route)) await tableOf(release, key);
      return release.tables.latest(route.sql ?? '', name, turn.signal);
    });
    return route.params[name]?.type === 'date' ? (found?.slice(0, 10) ?? null) : found;
  }

  async #frame(
    shape: 'list' | 'rows',
    format: Exclude<RowFormat, 'arrow'>,
    formula_safe: boolean,
    { plan, source, use, turn }: { plan: ReadPlan; source: RouteSource; use: InUse; turn: Turn },
  ): Promise<Frame> {
    if (format !== 'json') return lineFrame(format, plan, formula_safe);
    if (shape === 'rows') return { head: '[', between: ',', tail: (more) => (more ? tooLong(plan.limit) : ']') };
    const known = plan.where.length === 0 ? source.rows : undefined;
    const total = known ?? (await this.#answers.count(use, turn, plan));
    const head = JSON.stringify({ total, skip: plan.offset, limit: plan.limit });
    return { head: `${head.slice(0, -1)},"data":[`, between: ',', tail: () => ']}' };
  }
}

/** An answer that is whole or none. @throws DataflowError E_SERVE_TIME */
export function tooLong(rows_max: number): never {
  throw new DataflowError('E_SERVE_TIME', `the answer has more than ${rows_max} rows`);
}

/** A table of the release. @throws DataflowError E_SERVE_UNKNOWN */
export async function tableOf(release: ServedRelease, key: string) {
  refuseMissing(release, key);
  return release.table(key);
}

function refuseMissing(release: ServedRelease, key: string): void {
  if (!release.has(key))
    throw new DataflowError('E_SERVE_UNKNOWN', 'what this is made of is not part of the release', {
      hint: 'Ask again after the next run.',
    });
}

function pageOf(
  route: RouteSpec,
  words: Asked['words'],
  rows_max: number,
): { readonly limit: number; readonly offset: number } {
  if (answerOf(route) !== 'list') return { limit: answerOf(route) === 'row' ? 1 : rows_max, offset: 0 };
  const max = Math.min(route.limit.max, rows_max);
  return {
    limit: words.takeWhole('limit', { min: 1, max, fallback: Math.min(route.limit.default, max) }),
    offset: words.takeWhole('skip', { min: 0, max: OFFSET_MAX, fallback: 0 }),
  };
}

function planOf(
  route: RouteSpec,
  source: RouteSource,
  where: readonly Condition[],
  page: { readonly limit: number; readonly offset: number },
): ReadPlan {
  const order = settled(orderOf('order', route.order, source.columns), source.columns, source.key_columns);
  const { from, table, params } = source;
  return { from, table, params, where, order, columns: chosen(route, source.columns), ...page };
}

function chosen(route: RouteSpec, columns: readonly Column[]): readonly Column[] {
  return route.columns?.map((name) => columnNamed('columns', name, columns)) ?? columns;
}
