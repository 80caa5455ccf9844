import { child, children, constantOf, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import { AGGREGATES } from './aggregates.ts';
import { Call, type Rule, type Rules } from './call.ts';
import { cast } from './casts.ts';
import type { Context } from './context.ts';
import { DATE_FUNCTIONS, intervalUnit } from './functions-dates.ts';
import { JSON_FUNCTIONS } from './functions-json.ts';
import { LIST_FUNCTIONS } from './functions-lists.ts';
import { arithmetic, NUMBER_FUNCTIONS } from './functions-numbers.ts';
import { TEXT_FUNCTIONS } from './functions-text.ts';
import { Refused } from './refusal.ts';
import type { Scope } from './scope.ts';
import { stringAgg } from './string-agg.ts';
import { familyOf, isNumber, plain, type Sql, sparkType } from './types.ts';
import { bare } from './words.ts';

/** Functions of one row. */
export const SCALARS: Rules = {
  ...NUMBER_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...DATE_FUNCTIONS,
  ...LIST_FUNCTIONS,
  ...JSON_FUNCTIONS,
};

/** A function or an operator that the engine takes for one. */
export async function callOf(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const name = word(node, 'function_name').toLowerCase();
  if (name === 'string_agg' || name === 'listagg' || name === 'group_concat') return stringAgg(node, scope, context);
  const aggregate = Object.hasOwn(AGGREGATES, name) ? AGGREGATES[name] : undefined;
  if (aggregate !== undefined) return aggregated(node, aggregate, scope, context);
  if (node['distinct'] === true || child(node, 'filter') !== undefined || hasOrder(node))
    throw new Refused(`${name}() with DISTINCT, FILTER or ORDER BY`);
  if (name === '+' || name === '-') {
    const moved = await movedMoment(name, node, scope, context);
    if (moved !== undefined) return moved;
  }
  const call = await called(node, scope, context);
  if (name === '+' || name === '-' || name === '*') return sums(call, name);
  const rule = Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined;
  if (rule === undefined) throw new Refused(`${name}()`);
  return { text: rule(call), type: call.type, whole: true };
}

function hasOrder(node: SyntaxNode): boolean {
  const modifier = child(node, 'order_bys');
  return modifier !== undefined && children(modifier, 'orders').length > 0;
}

async function called(node: SyntaxNode, scope: Scope, context: Context, suffix?: string): Promise<Call> {
  const nodes = children(node, 'children');
  const args = await Promise.all(nodes.map((one) => context.expression(one, scope)));
  const parts = nodes.map((one, index) => ({ node: one, type: args[index]?.type ?? plain('null') }));
  const type = await context.oracle.type({ ...node, filter: null, distinct: false }, parts);
  const distinct = node['distinct'] === true;
  return new Call({
    name: word(node, 'function_name').toLowerCase(),
    args,
    nodes,
    type,
    distinct,
    ...(suffix === undefined ? {} : { suffix }),
  });
}

async function aggregated(node: SyntaxNode, rule: Rule, scope: Scope, context: Context): Promise<Sql> {
  if (hasOrder(node)) throw new Refused(`${word(node, 'function_name')}() with ORDER BY`);
  const condition = child(node, 'filter');
  const filter =
    condition === undefined ? undefined : cast(await context.expression(condition, scope), plain('boolean'));
  const call = await called(
    node,
    scope,
    context,
    filter === undefined ? undefined : ` FILTER (WHERE ${bare(filter.text)})`,
  );
  return { text: rule(call), type: call.type, whole: true };
}

function sums(call: Call, sign: '+' | '-' | '*'): Sql {
  const { type } = call;
  if (call.args.length === 1) {
    if (sign !== '-' || !isNumber(call.arg(0).type)) throw call.refused('of this type');
    return { text: `(- ${call.as(0, type)})`, type };
  }
  const [a, b] = [call.family(0), call.family(1)];
  if (a === 'date' && b === 'whole' && sign !== '*')
    return {
      text: `${sign === '+' ? 'DATE_ADD' : 'DATE_SUB'}(${call.arg(0).text}, CAST(${call.arg(1).text} AS INT))`,
      type,
      whole: true,
    };
  if (a === 'date' && b === 'date' && sign === '-')
    return { text: `CAST(DATEDIFF(${call.arg(0).text}, ${call.arg(1).text}) AS BIGINT)`, type, whole: true };
  if (!isNumber(call.arg(0).type) || !isNumber(call.arg(1).type))
    throw call.refused('of these types', 'Subtract moments with date_diff().');
  return { text: arithmetic(call, sign), type };
}

/** A moment plus or minus an interval that is written out. */
async function movedMoment(
  sign: '+' | '-',
  node: SyntaxNode,
  scope: Scope,
  context: Context,
): Promise<Sql | undefined> {
  const [left, right] = children(node, 'children');
  if (left === undefined || right === undefined) return undefined;
  const unit = intervalUnit(word(right, 'function_name').toLowerCase());
  if (unit === undefined) return undefined;
  const moment = await context.expression(left, scope);
  const type = await context.oracle.type(node, [{ node: left, type: moment.type }]);
  if (!['timestamp', 'timestamptz'].includes(familyOf(type))) throw new Refused('this sum with an interval');
  const amount = amountOf(children(right, 'children')[0]);
  const from = familyOf(moment.type) === 'date' ? `CAST(${moment.text} AS ${sparkType(type)})` : moment.text;
  return { text: `(${from} ${sign} INTERVAL '${amount}' ${unit})`, type };
}

/** The number of an interval: the engine's tree has it within casts to whole numbers. */
function amountOf(node: SyntaxNode | undefined): number {
  let at = node;
  while (at !== undefined && at['class'] !== 'CONSTANT')
    at =
      at['class'] === 'CAST'
        ? child(at, 'child')
        : word(at, 'function_name') === 'trunc'
          ? children(at, 'children')[0]
          : undefined;
  const value = Number(constantOf(at) ?? Number.NaN);
  if (!Number.isInteger(value))
    throw new Refused('an interval whose length is computed', 'Write its length as a whole number.');
  return value;
}
