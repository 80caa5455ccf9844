import { child, children, type SyntaxNode, word } from '../../../core/lineage/syntax.ts';
import type { Context } from './context.ts';
import { compared } from './expressions.ts';
import { Refused } from './refusal.ts';
import { type From, isPlainValue, type Relation, type Scope } from './scope.ts';
import { quoteName } from './words.ts';

/** The place of the row that follows on the right; a row holds up to there. */
const NEXT = '_next_asof';

const REMEDY = 'Write equalities and one >= between columns of both tables: a.k = b.k and a.t >= b.t.';

/** Comparisons by which a row on the right begins before the one on the left, and how the stretch ends. */
const ENDS: Readonly<Record<string, string>> = { '>=': '<', '>': '<=' };
const SIGNS: Readonly<Record<string, readonly [as_written: string, turned: string]>> = {
  COMPARE_EQUAL: ['=', '='],
  COMPARE_GREATERTHANOREQUALTO: ['>=', '<='],
  COMPARE_GREATERTHAN: ['>', '<'],
  COMPARE_LESSTHANOREQUALTO: ['<=', '>='],
  COMPARE_LESSTHAN: ['<', '>'],
};

interface Condition {
  readonly left: string;
  readonly sign: string;
  readonly right: string;
}

/**
 * `a asof join b on a.f = b.f and a.i >= b.i`: the last row of `b` up to `a`'s place, as a join on the stretch from a row's place to that of the next one. Rows that share a
 * place would be chosen among at will: they end the query, unless they are the same.
 */
export async function asofJoin(
  node: SyntaxNode,
  { left, right, kind }: { readonly left: From; readonly right: From; readonly kind: string },
  scope: Scope,
  context: Context,
): Promise<string> {
  const [relation, more] = right.relations;
  if (relation === undefined || more !== undefined || right.merged.length > 0)
    throw new Refused('an asof join with several tables on its right');
  if (!relation.columns.every((one) => isPlainValue(one.type))) throw new Refused('an asof join with lists or structs');
  const outer: Scope = { ...scope, relations: [...left.relations, relation], merged: left.merged };
  const found: Condition[] = [];
  for (const one of conditionsOf(node)) found.push(await conditionOf(one, relation, outer, context));
  const equal = found.filter((one) => one.sign === '=');
  const [place, another] = found.filter((one) => one.sign !== '=');
  const end = ENDS[place?.sign ?? ''];
  if (place === undefined || another !== undefined || end === undefined) throw new Refused('this asof join', REMEDY);
  const keys = equal.map((one) => one.right).join(', ');
  const alias = quoteName(context.alias(relation.alias));
  const until = `${alias}.${quoteName(NEXT)}`;
  const stretch = `${place.left} ${place.sign} ${place.right} AND (${until} IS NULL OR ${place.left} ${end} ${until})`;
  const on = [...equal.map((one) => `${one.left} = ${one.right}`), stretch].join(' AND ');
  return `${left.text}\n${kind} (${withNext(relation, right.text, keys, place.right)}) AS ${alias} ON ${on}`;
}

/** The rows of the right side with the place of the next one. */
function withNext(relation: Relation, source: string, keys: string, place: string): string {
  const over = `OVER (${keys === '' ? '' : `PARTITION BY ${keys} `}ORDER BY ${place} ASC NULLS FIRST)`;
  const row = `STRUCT(${relation.columns.map((one) => one.text).join(', ')})`;
  const twice = `LEAD(${place}) ${over} = ${place} AND NOT (LEAD(${row}) ${over} <=> ${row})`;
  const next = `CASE WHEN ${twice} THEN RAISE_ERROR('several rows of an asof join have one place') ELSE LEAD(${place}) ${over} END`;
  const columns = relation.columns.map((one) => `${one.text} AS ${quoteName(one.name)}`);
  return `SELECT ${[...columns, `${next} AS ${quoteName(NEXT)}`].join(', ')} FROM ${source}`;
}

function conditionsOf(node: SyntaxNode): readonly SyntaxNode[] {
  const condition = child(node, 'condition') ?? {};
  return word(condition, 'type') === 'CONJUNCTION_AND' ? children(condition, 'children') : [condition];
}

/** A comparison with the right table on its right. */
async function conditionOf(node: SyntaxNode, relation: Relation, scope: Scope, context: Context): Promise<Condition> {
  const signs = SIGNS[word(node, 'type')];
  const sides = [child(node, 'left'), child(node, 'right')].filter((one) => one !== undefined);
  if (signs === undefined || sides.length < 2) throw new Refused('this asof join', REMEDY);
  const [a = '', b = ''] = await compared(sides, scope, context);
  if (onlyOf(b, relation, context)) return { left: a, sign: signs[0], right: b };
  if (onlyOf(a, relation, context)) return { left: b, sign: signs[1], right: a };
  throw new Refused('this asof join', REMEDY);
}

/** The text names columns of that relation alone. */
function onlyOf(text: string, relation: Relation, context: Context): boolean {
  const names = [...text.matchAll(/(`(?:[^`]|``)*`)\.`/g)].map(([, name]) => name);
  return names.length > 0 && names.every((name) => name === quoteName(context.alias(relation.alias)));
}
