import { paramsNamedIn } from '../../../core/config/named-serve.ts';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { DashboardSpec, FilterSpec, PageSpec, WidgetSpec } from '../../../core/model/dashboard.ts';
import type { Column } from '../../../core/model/table.ts';
import type { ReadParam } from '../../../core/ports/read-engine.ts';
import { storedColumns } from '../../../core/types/stored-columns.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import type { Answer, Answers } from '../answers.ts';
import { orderOf } from '../conditions.ts';
import { ROW_FORMATS } from '../formats.ts';
import type { InUse } from '../in-use.ts';
import { ParameterError } from '../parameter-error.ts';
import { type Frame, framed, lineFrame, pieces } from '../pieces.ts';
import { pageSql, type ReadPlan } from '../read-sql.ts';
import { ReleaseMemo } from '../release-memo.ts';
import { type QueryWords, RequestWords } from '../request-words.ts';
import { tableOf, tooLong } from '../routes.ts';
import { keyColumns, OFFSET_MAX, settled } from '../table-request.ts';
import type { Turn } from '../turns.ts';
import { checkedValue, shown } from '../values.ts';
import { cellLines } from './cell-lines.ts';
import { boundOf, chosenText, defaultOf, isLookedUp, tablesOfFilter, valuesOf } from './filter-defaults.ts';
import { type Chosen, filterWords } from './filter-words.ts';
import { containsSql, filtersOfWidget, tablesOfWidget, widgetSql } from './widget-sql.ts';

/** A question for rows of a widget, or for the values of a filter. */
export interface DashboardAsked {
  readonly query: QueryWords;
  readonly client: AbortSignal;
}

/** What a widget reads once its filters are known. */
interface WidgetRead {
  readonly from: string;
  readonly columns: readonly Column[];
  readonly params: Readonly<Record<string, ReadParam>>;
}

type Settled = Readonly<Record<string, Exclude<Chosen, 'default'>>>;

/** What a table takes beside the filters. */
interface TableWords {
  readonly limit: number;
  readonly offset: number;
  readonly sort: string | undefined;
  readonly find: string | undefined;
}

/** Answers what the pages of the dashboard ask. */
export class DashboardAnswers {
  readonly #answers: Answers;
  readonly #memo = new ReleaseMemo();

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  get spec(): DashboardSpec | undefined {
    return this.#answers.serving.project.dashboard;
  }

  /** @throws DataflowError E_SERVE_UNKNOWN */
  page(id: string): PageSpec {
    const page = this.spec?.pages.find((one) => one.id === id);
    if (page === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'there is no such page');
    return page;
  }

  /** @throws DataflowError E_SERVE_UNKNOWN */
  widget(page: PageSpec, id: string): WidgetSpec {
    const widget = page.widgets.find((one) => one.id === id && one.source !== undefined);
    if (widget === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'there is no widget with rows of this name');
    return widget;
  }

  /** @throws DataflowError E_SERVE_UNKNOWN */
  filterOf(page: PageSpec, name: string): FilterSpec {
    const filter = Object.hasOwn(page.filters, name) ? page.filters[name] : undefined;
    if (filter === undefined) throw new DataflowError('E_SERVE_UNKNOWN', 'there is no such filter');
    return filter;
  }

  /** Tables that an answer is made of: those of the widget, and those in which defaults of its filters are looked up. */
  tablesOf(page: PageSpec, widget: WidgetSpec): readonly string[] {
    const looked = filtersOfWidget(widget, page).map((name) => page.filters[name]);
    return [
      ...tablesOfWidget(widget),
      ...looked.flatMap((one) => (one !== undefined && isLookedUp(one) ? tablesOfFilter(one) : [])),
    ];
  }

  /** `GET …/widgets/{id}` @throws DataflowError E_SERVE_* */
  async rows(page: PageSpec, widget: WidgetSpec, { query, client }: DashboardAsked): Promise<Answer> {
    const { chosen, rest } = filterWords(query, page.filters);
    const words = new RequestWords(rest);
    const as_of = words.take('as_of');
    const format = exportFormat(words);
    const asked = this.#tableWords(widget, words);
    words.end(paramNames(page, widget));
    return this.#answers.answer(as_of, client, async (use, turn) => {
      const read = await this.#read(page, widget, chosen, asked.find, use, turn);
      const plan = this.#plan(widget, read, asked);
      if (format !== undefined) return this.#export(plan, format, use, turn);
      const total = widget.kind === 'table' ? await this.#answers.count(use, turn, plan) : undefined;
      const { release_id, created_at } = use.release.record;
      const columns = plan.columns.map(({ name, type }) => ({ name, type }));
      const head = JSON.stringify({ release: { release_id, created_at }, columns });
      const frame: Frame = {
        head: `${head.slice(0, -1)},"rows":[`,
        between: ',',
        tail: (more) =>
          `]${total === undefined ? '' : `,"total":${total}`},"truncated":${total === undefined && more}}`,
      };
      const page_sql = pageSql({ ...plan, limit: plan.limit + 1 });
      const sql = cellLines(plan.columns, page_sql.sql);
      const lines = use.release.tables.lines({ sql, params: page_sql.params, signal: turn.signal });
      return { type: ROW_FORMATS.json, pieces: framed(lines, frame, plan.limit) };
    });
  }

  /** `GET …/filters/{name}` */
  async filter(page: PageSpec, name: string, { query, client }: DashboardAsked): Promise<Answer> {
    const filter = this.filterOf(page, name);
    const words = new RequestWords(query);
    const as_of = words.take('as_of');
    words.end(['as_of']);
    return this.#answers.answer(as_of, client, async ({ release }, { signal }) => {
      const values = await valuesOf(filter, release, signal, this.#memo);
      const fallback = chosenText(await defaultOf(name, filter, release, signal, this.#memo));
      const { release_id, created_at } = release.record;
      const document = { release: { release_id, created_at }, values, default: fallback };
      return { type: ROW_FORMATS.json, pieces: [JSON.stringify(document)] };
    });
  }

  /** Columns of a widget in the newest release, with nothing chosen. */
  async columns(page: PageSpec, widget: WidgetSpec, use: InUse, turn: Turn): Promise<readonly Column[]> {
    const { chosen } = filterWords({}, page.filters);
    return (await this.#read(page, widget, chosen, undefined, use, turn)).columns;
  }

  #tableWords(widget: WidgetSpec, words: RequestWords): TableWords {
    const { rows_max } = this.#answers.serving.spec.limits;
    if (widget.kind !== 'table') return { limit: rows_max, offset: 0, sort: undefined, find: undefined };
    const fallback = Math.min(widget.page_rows ?? 25, rows_max);
    const limit = words.takeWhole('limit', { min: 1, max: rows_max, fallback });
    const offset = words.takeWhole('offset', { min: 0, max: OFFSET_MAX, fallback: 0 });
    const find = words.take('q')?.trim();
    if (find !== undefined) checkedValue('q', 'varchar', find);
    return { limit, offset, sort: words.take('sort'), find: find === '' ? undefined : find };
  }

  async #read(
    page: PageSpec,
    widget: WidgetSpec,
    chosen: Readonly<Record<string, Chosen>>,
    find: string | undefined,
    use: InUse,
    { signal }: Turn,
  ): Promise<WidgetRead> {
    const { release } = use;
    for (const key of tablesOfWidget(widget)) await tableOf(release, key);
    const settledChoice = await this.#settled(page, widget, chosen, use, signal);
    const { table } = widget.source ?? {};
    const own = table === undefined ? [] : (await tableOf(release, table)).columns;
    const sql = widgetSql(widget, page, own, settledChoice);
    const bound = Object.entries(settledChoice).flatMap(([name, one]) => {
      const filter = page.filters[name];
      return filter === undefined ? [] : Object.entries(boundOf(name, filter, one));
    });
    const named = paramsNamedIn(sql);
    const params = Object.fromEntries(bound.filter(([name]) => named.includes(name)));
    const columns = await this.#memo.once(release, `columns of ${sql}`, async () => {
      await release.tables.tablesOf(sql);
      return storedColumns(await release.tables.describe({ sql, params, signal }), 'the widget');
    });
    const cells = columns.map(({ name, type }) => `cast(${quoteIdent(name)} as ${type}) as ${quoteIdent(name)}`);
    const from = `(select ${cells.join(', ')} from (\n${sql}\n) as q) as widget`;
    if (find === undefined) return { from, columns, params };
    const texts = columns.map(({ name }) => `cast(${quoteIdent(name)} as varchar)`).join(', ');
    const found = containsSql(`concat_ws(chr(31), ${texts})`, '$_find');
    return {
      from: `(select * from ${from} where ${found}) as found`,
      columns,
      params: { ...params, _find: { type: 'varchar', value: find } },
    };
  }

  /** What holds for each filter of a widget: what was chosen, or else the default. */
  async #settled(
    page: PageSpec,
    widget: WidgetSpec,
    chosen: Readonly<Record<string, Chosen>>,
    { release }: InUse,
    signal: AbortSignal,
  ): Promise<Settled> {
    const settledChoice: Record<string, Exclude<Chosen, 'default'>> = {};
    for (const name of filtersOfWidget(widget, page)) {
      const filter = page.filters[name];
      const one = chosen[name] ?? null;
      if (filter === undefined) continue;
      settledChoice[name] = one === 'default' ? await defaultOf(name, filter, release, signal, this.#memo) : one;
    }
    return settledChoice;
  }

  #plan(widget: WidgetSpec, { from, columns, params }: WidgetRead, asked: TableWords): ReadPlan {
    const { table } = widget.source ?? {};
    const keys = table === undefined ? [] : keyColumns(this.#answers.serving.project, table);
    const known = keys.filter((key) => columns.some(({ name }) => name === key));
    const order = asked.sort === undefined ? [] : orderOf('sort', asked.sort.split(','), columns);
    const { limit, offset } = asked;
    return { from, params, where: [], order: settled(order, columns, known), columns, limit, offset };
  }

  /** All rows that the filters leave, as a file: whole or not at all. */
  async #export(plan: ReadPlan, format: 'csv' | 'json', use: InUse, turn: Turn) {
    const { rows_max } = this.#answers.serving.spec.limits;
    const whole = { ...plan, limit: rows_max, offset: 0 };
    const count = await this.#answers.count(use, turn, whole);
    if (count > rows_max) tooLong(rows_max);
    const frame: Frame =
      format === 'csv' ? lineFrame('csv', whole, true) : { head: '[', between: ',', tail: () => ']' };
    return {
      type: ROW_FORMATS[format],
      pieces: pieces(use.rows, { plan: whole, format, formula_safe: true, frame, signal: turn.signal }),
    };
  }
}

function exportFormat(words: RequestWords): 'csv' | 'json' | undefined {
  const word = words.take('format');
  if (word === undefined || word === 'csv' || word === 'json') return word;
  throw new ParameterError('format', `${shown(word)} is not allowed`, 'csv, json');
}

/** Every parameter that the rows of a widget may be asked with. */
export function paramNames(page: PageSpec, { kind }: WidgetSpec): readonly string[] {
  return [
    ...Object.keys(page.filters),
    ...(kind === 'table' ? ['offset', 'limit', 'sort', 'q'] : []),
    'format',
    'as_of',
  ];
}
