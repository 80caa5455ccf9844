import { child, children, constantOf, optional, type SyntaxNode, withOf, word, words } from '../lineage/syntax.ts';
import { called, joinRows, type Rows, renamed, STILL, usesOf } from './refreshable-rows.ts';
import {
  anywhere,
  isOfOneRow,
  itemName,
  looksAt,
  NOTHING_SUMMED,
  type SummedNames,
  sameExpression,
  sumsUpRows,
} from './refreshable-values.ts';
import { unsteadyIn } from './sql-refs.ts';

/** Whether a table may be refreshed by the values of one of its columns. */
export interface RefreshQuestion {
  readonly sql: string;
  /** The engine's parse tree of it. */
  readonly tree: SyntaxNode;
  /** `refresh.by`. */
  readonly by: string;
  /** The tables that it reads: `silver.achats`. */
  readonly inputs: readonly string[];
  /** Those of them whose rows may be others than they were. */
  readonly moved: readonly string[];
}

/**
 * Undefined when the values of `by` that changed rows touch are found by evaluating the query over those rows alone, one moved input after the
 * other; else, in words, why they would not. It is so when each output row, but for its aggregates, follows from one row at most of each moved input, none of
 * them appears or goes because of rows that are not there, and neither `by` nor a condition looks at an aggregate. Tables that did not move may be
 * used in any way.
 */
export function refreshObstacle(question: RefreshQuestion): string | undefined {
  const unsteady = unsteadyIn(question.sql);
  if (unsteady !== undefined) return `${unsteady} is another one with every run`;
  const look = new Look(question);
  if (anywhere(question.tree, (one) => child(one, 'sample') !== undefined, true)) return 'it takes a sample';
  const rows = look.query(question.tree, { queries: new Map(), outer: NOTHING_SUMMED });
  if (look.obstacle !== undefined) return look.obstacle;
  const twice = [...rows.uses].find(([, times]) => times > 1);
  if (twice !== undefined) return `${twice[0]} stands in it more than once`;
  return summedBy(rows, question.by) ? `${question.by} is made of several rows, or of what is not known` : undefined;
}

function summedBy({ columns, summed }: Rows, by: string): boolean {
  const name = by.toLowerCase();
  if (columns !== undefined) return columns.find((one) => one.name === name)?.summed !== false;
  return summed.has('*') || summed.has(name);
}

/** What a part of a query can see. */
interface Sight {
  /** WITH names, lower case. */
  readonly queries: ReadonlyMap<string, Rows>;
  /** Summed columns of what stands before it or around it. */
  readonly outer: SummedNames;
}

/** One look through a query; remembers the first thing that stands against a refresh. */
class Look {
  obstacle: string | undefined;
  readonly #inputs: ReadonlySet<string>;
  readonly #moved: ReadonlySet<string>;

  constructor({ inputs, moved }: RefreshQuestion) {
    this.#inputs = new Set(inputs.map((name) => name.toLowerCase()));
    this.#moved = new Set(moved.map((name) => name.toLowerCase()));
  }

  query(node: SyntaxNode, sight: Sight): Rows {
    const within = this.#with(node, sight);
    // What reads nothing that moved is the same before and after.
    if (!this.#moves(node, within)) return this.#still(node, sight);
    this.#modifiers(node);
    switch (word(node, 'type')) {
      case 'SELECT_NODE':
        return this.#select(node, within);
      case 'SET_OPERATION_NODE':
        return this.#union(node, within);
      case 'CTE_NODE': {
        const inner = child(node, 'child');
        return inner === undefined ? this.#against('it has WITH') : this.query(inner, within);
      }
      default:
        return this.#against(`it is a ${kindOf(node)}`);
    }
  }

  #against(why: string): Rows {
    this.obstacle ??= why;
    return STILL;
  }

  #with(node: SyntaxNode, sight: Sight): Sight {
    let within = sight;
    for (const { name, value } of withOf(node)) {
      const query = child(value, 'query');
      const inner = query === undefined ? undefined : child(query, 'node');
      const rows = inner === undefined ? this.#against('it has WITH') : this.query(inner, within);
      const queries = new Map(within.queries).set(name.toLowerCase(), renamed(rows, words(value, 'aliases')));
      within = { ...within, queries };
    }
    return within;
  }

  #still(node: SyntaxNode, { outer }: Sight): Rows {
    if (looksAt(node, outer)) return { ...STILL, summed: new Set(['*']) };
    const items = children(node, 'select_list');
    if (items.length === 0 || anywhere(items, (one) => one['class'] === 'STAR', false)) return STILL;
    return { ...STILL, columns: items.map((item) => ({ name: itemName(item), summed: false })) };
  }

  /** Something in it reads a table that moved, or one that nobody knows. */
  #moves(value: unknown, { queries }: Sight): boolean {
    return anywhere(
      value,
      (one) => {
        if (one['type'] !== 'BASE_TABLE') return false;
        const schema = word(one, 'schema_name').toLowerCase();
        const name = word(one, 'table_name').toLowerCase();
        if (schema === '') return (queries.get(name)?.uses.size ?? 0) > 0;
        const table = `${schema}.${name}`;
        return this.#moved.has(table) || !this.#inputs.has(table);
      },
      true,
    );
  }

  #modifiers(node: SyntaxNode): void {
    for (const modifier of children(node, 'modifiers')) {
      const type = word(modifier, 'type');
      if (type.startsWith('LIMIT')) this.#against('it has LIMIT or OFFSET');
      else if (type === 'DISTINCT_MODIFIER' && children(modifier, 'distinct_on_targets').length > 0)
        this.#against('it has DISTINCT ON');
    }
  }

  #select(node: SyntaxNode, sight: Sight): Rows {
    const from = this.#from(child(node, 'from_table'), sight);
    const scope = new Set([...sight.outer, ...from.summed]);
    const items = children(node, 'select_list');
    const own = ['select_list', 'where_clause', 'group_expressions', 'having', 'qualify', 'modifiers'];
    const parts = own.map((key) => node[key]);
    this.#subqueries(parts, sight);
    if (anywhere(parts, (one) => one['class'] === 'WINDOW', false)) this.#against('it has a window function');
    // An alias can be used in conditions: it counts with what it stands for.
    const aliased = items.filter((item) => looksAt(item, scope)).map(itemName);
    const known = new Set([...scope, ...aliased.filter((name) => name !== '')]);
    if (looksAt(node['where_clause'], known)) this.#against('a condition looks at an aggregate');
    this.#groups(node, items, scope, known);
    const columns = this.#columns(node, items, scope);
    const having = child(node, 'having');
    if (having !== undefined && (!isOfOneRow(having) || looksAt(having, new Set([...known, ...summedOf(columns)]))))
      this.#against('it has HAVING');
    const starred = anywhere(items, (one) => one['class'] === 'STAR', false);
    const summed = summedOf(columns);
    return starred
      ? { uses: from.uses, columns: undefined, summed: new Set([...from.summed, ...summed]) }
      : { uses: from.uses, columns, summed };
  }

  #subqueries(value: unknown, sight: Sight): void {
    const reads = (one: SyntaxNode): boolean => one['class'] === 'SUBQUERY' && this.#moves(one['subquery'], sight);
    if (anywhere(value, reads, false)) this.#against('a sub-query in an expression reads what changed');
  }

  /** Rows are put together by what is certain. */
  #groups(node: SyntaxNode, items: readonly SyntaxNode[], scope: SummedNames, known: SummedNames): void {
    const by = children(node, 'group_expressions').map((one) => this.#atPlace(one, items));
    const all = word(node, 'aggregate_handling') === 'FORCE_AGGREGATES';
    const keys = all ? items.filter((item) => !sumsUpRows(item)) : [];
    if (by.some((one) => looksAt(one, known)) || keys.some((one) => looksAt(one, scope)))
      this.#against('it groups by an aggregate');
  }

  #atPlace(group: SyntaxNode, items: readonly SyntaxNode[]): SyntaxNode {
    const place = constantOf(group);
    return (typeof place === 'number' ? items[place - 1] : undefined) ?? group;
  }

  /** The columns of a SELECT; a star is left out. */
  #columns(node: SyntaxNode, items: readonly SyntaxNode[], scope: SummedNames): NonNullable<Rows['columns']> {
    const groups = children(node, 'group_expressions').map((one) => this.#atPlace(one, items));
    const seen = new Set(scope);
    return items
      .filter((item) => item['class'] !== 'STAR' || isAltered(item))
      .map((item) => {
        const name = itemName(item);
        const grouped = groups.some((group) => sameExpression(group, item)) && !looksAt(item, scope);
        const summed = !grouped && (!isOfOneRow(item) || looksAt(item, seen));
        if (summed && name !== '') seen.add(name);
        return { name: name === '' && summed ? '*' : name, summed };
      });
  }

  #union(node: SyntaxNode, sight: Sight): Rows {
    const type = word(node, 'setop_type');
    if (!type.startsWith('UNION')) return this.#against(`it has ${type}`);
    // Older trees have two sides, newer ones a list.
    const sides = [...optional(node, 'left'), ...optional(node, 'right'), ...children(node, 'children')];
    const parts = sides.map((side) => this.query(side, sight));
    const uses = usesOf(parts, Math.max);
    if (parts.every((part) => part.summed.size === 0)) {
      const columns = type === 'UNION' ? parts[0]?.columns : undefined;
      return { uses, columns, summed: NOTHING_SUMMED };
    }
    const first = parts.find((part) => part.columns !== undefined)?.columns;
    const known = parts.every((part) => part.columns?.length === first?.length || part.summed.size === 0);
    if (type !== 'UNION' || first === undefined || !known || parts[0]?.columns === undefined)
      return { uses, columns: undefined, summed: new Set(['*']) };
    const columns = first.map(({ name }, index) => {
      const summed = parts.some((part) => part.columns?.[index]?.summed === true);
      return { name: name === '' && summed ? '*' : name, summed };
    });
    return { uses, columns, summed: summedOf(columns) };
  }

  #from(node: SyntaxNode | undefined, sight: Sight): Rows {
    if (node === undefined || word(node, 'type') === 'EMPTY') return STILL;
    switch (word(node, 'type')) {
      case 'BASE_TABLE':
        return this.#table(node, sight);
      case 'SUBQUERY': {
        const query = child(node, 'subquery');
        const inner = query === undefined ? undefined : child(query, 'node');
        if (inner === undefined) return this.#against('it has a sub-query');
        return called(this.query(inner, sight), node);
      }
      case 'JOIN':
        return this.#join(node, sight);
      default:
        if (this.#moves(node, sight) || looksAt(node, sight.outer)) return this.#against(`it has ${kindOf(node)}`);
        return STILL;
    }
  }

  #table(node: SyntaxNode, { queries }: Sight): Rows {
    const schema = word(node, 'schema_name').toLowerCase();
    const name = word(node, 'table_name').toLowerCase();
    const query = schema === '' ? queries.get(name) : undefined;
    if (query !== undefined) return called(query, node);
    const table = `${schema}.${name}`;
    if (!this.#inputs.has(table)) return this.#against(`it reads ${schema === '' ? name : table}`);
    return this.#moved.has(table) ? { ...STILL, uses: new Map([[table, 1]]) } : STILL;
  }

  #join(node: SyntaxNode, sight: Sight): Rows {
    const left = this.#from(child(node, 'left'), sight);
    const right = this.#from(child(node, 'right'), { ...sight, outer: new Set([...sight.outer, ...left.summed]) });
    this.#subqueries(node['condition'], sight);
    const { rows, obstacle } = joinRows(node, left, right, sight.outer);
    return obstacle === undefined ? rows : this.#against(obstacle);
  }
}

function summedOf(columns: NonNullable<Rows['columns']>): SummedNames {
  return new Set(columns.flatMap((one) => (one.summed ? [one.name] : [])));
}

/** `* replace (…)`, `* rename (…)`, `columns(…)`: what comes out under a name is not what was there. */
function isAltered(star: SyntaxNode): boolean {
  return (
    star['columns'] === true ||
    ['replace_list', 'rename_list'].some((key) => Array.isArray(star[key]) && (star[key] as unknown[]).length > 0)
  );
}

function kindOf(node: SyntaxNode): string {
  return word(node, 'type')
    .toUpperCase()
    .replace(/_NODE$|_REF$/, '')
    .replaceAll('_', ' ');
}
