import { type SyntaxNode, word, words } from '../lineage/syntax.ts';
import { looksAt, NOTHING_SUMMED, rowOf, type SummedNames } from './refreshable-values.ts';

/** The rows of a query, or of what stands in FROM, as far as a refresh is concerned. */
export interface Rows {
  /** Tables that moved, and in how many places each of them has a part in one row. */
  readonly uses: ReadonlyMap<string, number>;
  readonly summed: SummedNames;
  /** In order, names in lower case; undefined when they are not known. */
  readonly columns: readonly { readonly name: string; readonly summed: boolean }[] | undefined;
}

/** Rows that are the same before and after. */
export const STILL: Rows = { uses: new Map(), summed: NOTHING_SUMMED, columns: undefined };

/** The rows under other column names: `with t(a, b) as …`. */
export function renamed(rows: Rows, names: readonly string[]): Rows {
  if (names.length === 0) return rows;
  const columns = rows.columns?.map((column, index) => ({
    ...column,
    name: names[index]?.toLowerCase() ?? column.name,
  }));
  if (rows.summed.size === 0) return { ...rows, columns };
  if (columns === undefined) return { ...rows, columns, summed: new Set(['*']) };
  return { ...rows, columns, summed: new Set(columns.flatMap((one) => (one.summed ? [one.name] : []))) };
}

/** The rows under the names that FROM gives them and their columns. */
export function called(rows: Rows, node: SyntaxNode): Rows {
  const own = renamed(rows, words(node, 'column_name_alias'));
  if (own.summed.size === 0) return own;
  const alias = word(node, 'alias') || word(node, 'table_name') || 'unnamed_subquery';
  return { ...own, summed: new Set([...own.summed, rowOf(alias)]) };
}

/** Tables of several parts: added up where a row is made of all of them, the greatest where it comes from one. */
export function usesOf(
  parts: readonly Rows[],
  together: (one: number, other: number) => number,
): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  for (const part of parts)
    for (const [table, times] of part.uses) uses.set(table, together(uses.get(table) ?? 0, times));
  return uses;
}

/** Two sides joined. Where a side makes a row of the other one appear or go, it must not have moved. */
export function joinRows(
  node: SyntaxNode,
  left: Rows,
  right: Rows,
  outer: SummedNames,
): { readonly rows: Rows; readonly obstacle?: string } {
  const sides = [left, right];
  const summed = new Set([...left.summed, ...right.summed]);
  const rows = { uses: usesOf(sides, (one, other) => one + other), summed, columns: undefined };
  const still = mustBeStill(node);
  if ((still.left && left.uses.size > 0) || (still.right && right.uses.size > 0))
    return { rows, obstacle: joinWords(node) };
  const using = words(node, 'using_columns').map((name) => name.toLowerCase());
  const natural = word(node, 'ref_type') === 'NATURAL' && summed.size > 0;
  const by = natural || (summed.has('*') && using.length > 0) || using.some((name) => summed.has(name));
  if (by || looksAt(node['condition'], new Set([...outer, ...summed])))
    return { rows, obstacle: 'a join looks at an aggregate' };
  return { rows };
}

/** The sides that decide about rows of the other one. */
function mustBeStill(node: SyntaxNode): { readonly left: boolean; readonly right: boolean } {
  const both = { left: true, right: true };
  const [type, kind] = [word(node, 'join_type'), word(node, 'ref_type')];
  if (!['REGULAR', 'NATURAL', 'CROSS', 'ASOF'].includes(kind)) return both;
  if (kind === 'ASOF') return ['INNER', 'LEFT'].includes(type) ? { left: false, right: true } : both;
  switch (type) {
    case 'INNER':
    case 'SEMI':
      return { left: false, right: false };
    case 'LEFT':
    case 'ANTI':
      return { left: false, right: true };
    case 'RIGHT':
      return { left: true, right: false };
    default:
      return both;
  }
}

function joinWords(node: SyntaxNode): string {
  const kind = word(node, 'ref_type');
  const name = ['ASOF', 'POSITIONAL'].includes(kind) ? kind : word(node, 'join_type');
  return `a table behind its ${name} join changed`;
}
