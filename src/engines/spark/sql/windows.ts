import { child, children, constantOf, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import { AGGREGATES } from './aggregates.ts';
import { Call } from './call.ts';
import { cast } from './casts.ts';
import type { Context } from './context.ts';
import { ordersIn } from './orders.ts';
import { Refused } from './refusal.ts';
import { isPlainValue, type Scope } from './scope.ts';
import { plain, type Sql, sparkType } from './types.ts';

/** Numbers of rows; Spark counts them as INT. */
const RANKS: Readonly<Record<string, string>> = {
  row_number: 'ROW_NUMBER',
  rank: 'RANK',
  dense_rank: 'DENSE_RANK',
  percent_rank: 'PERCENT_RANK',
  cume_dist: 'CUME_DIST',
};
const VALUES: Readonly<Record<string, string>> = {
  lag: 'LAG',
  lead: 'LEAD',
  first_value: 'FIRST_VALUE',
  first: 'FIRST_VALUE',
  last_value: 'LAST_VALUE',
  last: 'LAST_VALUE',
};
/** Aggregates that are one function in Spark, over which a window can be laid. */
const OVER = ['count', 'count_star', 'sum', 'min', 'max', 'avg', 'mean', 'bool_and', 'bool_or'];

/** Functions that may stand before OVER, for the guide. */
export const WINDOW_FUNCTIONS: readonly string[] = [...Object.keys(RANKS), 'ntile', ...Object.keys(VALUES), ...OVER];

/** A function over a window of rows. */
export async function windowOf(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const name = word(node, 'function_name').toLowerCase();
  if (node['distinct'] === true || child(node, 'filter_expr') !== undefined || children(node, 'arg_orders').length > 0)
    throw new Refused(`${name}() over a window with DISTINCT, FILTER or an order of its own`);
  const nodes = children(node, 'children');
  const args = await Promise.all(nodes.map((one) => context.expression(one, scope)));
  const fallback = child(node, 'default_expr');
  const otherwise = fallback === undefined ? undefined : await context.expression(fallback, scope);
  const parts = nodes.map((one, index) => ({ node: one, type: args[index]?.type ?? plain('null') }));
  if (fallback !== undefined && otherwise !== undefined) parts.push({ node: fallback, type: otherwise.type });
  const type = await context.oracle.type(withoutFrame(node), parts);
  const over = await overClause(node, name, scope, context);
  const call = new Call({ name, args, nodes, type, suffix: over });
  const text = Object.hasOwn(VALUES, name)
    ? valueText(node, call, otherwise, over)
    : (rankText(call, over) ?? aggregateText(call));
  return { text, type, whole: true };
}

/** The function alone decides about the type; orders and frames would have to be typed, too. */
function withoutFrame(node: SyntaxNode): SyntaxNode {
  return {
    ...node,
    partitions: [],
    orders: [],
    start: 'UNBOUNDED_PRECEDING',
    end: 'CURRENT_ROW_RANGE',
    start_expr: null,
    end_expr: null,
  };
}

function rankText(call: Call, over: string): string | undefined {
  const target = sparkType(call.type);
  if (call.name === 'ntile') return `CAST(NTILE(${call.whole(0, 1)})${over} AS ${target})`;
  const rank = RANKS[call.name];
  if (rank === undefined) return undefined;
  call.count(0);
  return `CAST(${rank}()${over} AS ${target})`;
}

function valueText(node: SyntaxNode, call: Call, otherwise: Sql | undefined, over: string): string {
  const { name } = call;
  const value = cast(call.arg(0), call.type).text;
  const nulls = node['ignore_nulls'] === true ? ' IGNORE NULLS' : '';
  if (name !== 'lag' && name !== 'lead') return `${VALUES[name]}(${value})${nulls}${over}`;
  const offset = child(node, 'offset_expr');
  const by = offset === undefined ? 1 : constantOf(offset);
  if (typeof by !== 'number' || by < 0) throw call.refused('by an offset that is computed or below 0');
  const last = otherwise === undefined ? '' : `, ${cast(otherwise, call.type).text}`;
  return `${VALUES[name]}(${value}, ${by}${last})${nulls}${over}`;
}

function aggregateText(call: Call): string {
  const rule = OVER.includes(call.name) ? AGGREGATES[call.name] : undefined;
  if (rule === undefined) throw call.refused('over a window');
  return rule(call);
}

/** Bounds of a frame that mean the same in both engines. */
const BOUNDS: Readonly<Record<string, string>> = {
  UNBOUNDED_PRECEDING: 'UNBOUNDED PRECEDING',
  UNBOUNDED_FOLLOWING: 'UNBOUNDED FOLLOWING',
  CURRENT_ROW_ROWS: 'CURRENT ROW',
  CURRENT_ROW_RANGE: 'CURRENT ROW',
  EXPR_PRECEDING_ROWS: 'PRECEDING',
  EXPR_FOLLOWING_ROWS: 'FOLLOWING',
};
/** Functions to which a frame means nothing, and which Spark does not let have one. */
const FRAMELESS = new Set([...Object.keys(RANKS), 'ntile', 'lag', 'lead']);

async function overClause(node: SyntaxNode, name: string, scope: Scope, context: Context): Promise<string> {
  const partitions: string[] = [];
  for (const one of children(node, 'partitions')) {
    const sql = await context.expression(one, scope);
    if (!isPlainValue(sql.type)) throw new Refused('a partition by a list or struct');
    partitions.push(sql.text);
  }
  const orders = await ordersIn(node, scope, context);
  if (orders.length === 0 && (FRAMELESS.has(name) || Object.hasOwn(VALUES, name)))
    throw new Refused(`${name}() over rows without an order`, 'Give the window an order by.');
  const parts = [
    ...(partitions.length === 0 ? [] : [`PARTITION BY ${partitions.join(', ')}`]),
    ...(orders.length === 0 ? [] : [`ORDER BY ${orders.join(', ')}`]),
    ...(FRAMELESS.has(name) ? [] : frameOf(node, orders.length > 0)),
  ];
  return ` OVER (${parts.join(' ')})`;
}

function frameOf(node: SyntaxNode, ordered: boolean): readonly string[] {
  const [start, end] = [word(node, 'start'), word(node, 'end')];
  if (word(node, 'exclude_clause') !== 'NO_OTHER') throw new Refused('a window with EXCLUDE');
  if (start === 'UNBOUNDED_PRECEDING' && end === 'CURRENT_ROW_RANGE' && !ordered) return [];
  const unit = start.endsWith('ROWS') || end.endsWith('ROWS') ? 'ROWS' : 'RANGE';
  const mixed = unit === 'ROWS' && (start.endsWith('RANGE') || end.endsWith('RANGE'));
  if (mixed || start.includes('GROUPS') || end.includes('GROUPS')) throw new Refused('a window by groups');
  return [`${unit} BETWEEN ${bound(node, start, 'start_expr')} AND ${bound(node, end, 'end_expr')}`];
}

function bound(node: SyntaxNode, kind: string, key: string): string {
  const known = BOUNDS[kind];
  if (known === undefined) throw new Refused('a window by the distance of values (RANGE)', 'Use rows between … and ….');
  if (!kind.startsWith('EXPR')) return known;
  const rows = constantOf(child(node, key));
  if (typeof rows !== 'number' || !Number.isInteger(rows)) throw new Refused('a window whose length is computed');
  return `${rows} ${known}`;
}
