import { child, children, constantOf, type SyntaxNode, word, words } from '../../../core/lineage/syntax.ts';
import { renderType, type TypeNode } from '../../../core/types/type-text.ts';
import { callOf } from './calls.ts';
import { cast, comparedAs } from './casts.ts';
import type { Context } from './context.ts';
import { constant, ofText } from './literals.ts';
import { Refused } from './refusal.ts';
import { rowIn, rowsOf } from './rows-in.ts';
import { isOfPlainValues, isPlainValue, meaningOf, memberOf, NO_SCOPE, type Scope } from './scope.ts';
import { familyOf, plain, type Sql, sameType } from './types.ts';
import { windowOf } from './windows.ts';
import { bare, indented } from './words.ts';

const BOOLEAN = plain('boolean');

/** An expression of the parse tree in Spark's dialect. @throws Refused with its place for what is not on the list. */
export async function expressionOf(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  try {
    return await printed(node, scope, context);
  } catch (error) {
    if (error instanceof Refused && error.place?.line === undefined) error.place = context.place(node);
    throw error;
  }
}

function printed(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  switch (node['class']) {
    case 'CONSTANT':
      return Promise.resolve(constant(node));
    case 'COLUMN_REF':
      return reference(words(node, 'column_names'), scope, context);
    case 'CAST':
      return castOf(node, scope, context);
    case 'COMPARISON':
      return comparison(node, scope, context);
    case 'CONJUNCTION':
      return conjunction(node, scope, context);
    case 'BETWEEN':
      return between(node, scope, context);
    case 'CASE':
      return caseOf(node, scope, context);
    case 'OPERATOR':
      return operator(node, scope, context);
    case 'FUNCTION':
      return callOf(node, scope, context);
    case 'WINDOW':
      return windowOf(node, scope, context);
    case 'SUBQUERY':
      return subquery(node, scope, context);
    default:
      throw new Refused(
        String(node['class'] ?? 'this expression')
          .toLowerCase()
          .replaceAll('_', ' '),
      );
  }
}

async function reference(names: readonly string[], scope: Scope, context: Context): Promise<Sql> {
  const meaning = meaningOf(names, scope);
  if ('column' in meaning) return meaning.column;
  // An expression of the same select list by its name: once more, where it is used.
  return context.expression(meaning.alias, { ...scope, aliases: without(scope, names[0] ?? '') });
}

function without(scope: Scope, name: string): Scope['aliases'] {
  return new Map([...scope.aliases].filter(([key]) => key !== name.toLowerCase()));
}

async function castOf(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const from = needed(node, 'child');
  const sql = await context.expression(from, scope);
  const type = await context.oracle.type({ ...node, try_cast: true }, [{ node: from, type: sql.type }]);
  if (from['class'] !== 'CONSTANT' || familyOf(sql.type) !== 'text' || familyOf(type) === 'text')
    return cast(sql, type, node['try_cast'] === true);
  // A text that is written out is cast now, by the engine whose rules hold.
  const value = await context.oracle.value(node);
  return value === null ? cast({ text: 'NULL', type: plain('null') }, type) : ofText(value, renderType(type));
}

function needed(node: SyntaxNode, key: string): SyntaxNode {
  const found = child(node, key);
  if (found === undefined) throw new Refused(`this ${String(node['class']).toLowerCase()}`);
  return found;
}

const COMPARISONS: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_GREATERTHAN: '>',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_NOT_DISTINCT_FROM: '<=>',
  COMPARE_DISTINCT_FROM: '<=>',
};

async function comparison(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const type = word(node, 'type');
  const sign = COMPARISONS[type];
  if (sign === undefined) throw new Refused(type.toLowerCase());
  const sides = [needed(node, 'left'), needed(node, 'right')];
  const [left, right] = await compared(sides, scope, context, sign === '<=>');
  const text = `(${left} ${sign} ${right})`;
  return { text: type === 'COMPARE_DISTINCT_FROM' ? `(NOT ${text})` : text, type: BOOLEAN };
}

/**
 * Values that are compared with each other, in types in which both engines compare alike.
 * @param wholly lists and structs, too: with NULL as a value like any other
 */
export async function compared(
  nodes: readonly SyntaxNode[],
  scope: Scope,
  context: Context,
  wholly = false,
): Promise<readonly string[]> {
  const sides = await Promise.all(nodes.map((one) => context.expression(one, scope)));
  const typed = sides.find((one, index) => !isText(one, nodes[index]));
  const settled = await Promise.all(sides.map((one, index) => settle(one, nodes[index], typed, context)));
  for (const one of settled) {
    if (!isPlainValue(one.type) && familyOf(one.type) !== 'null' && !(wholly && isOfPlainValues(one.type)))
      throw new Refused(`a comparison of ${renderType(one.type)}`, 'Compare its members.');
  }
  let shared: TypeNode | undefined;
  const first = settled[0];
  for (const one of settled.slice(1)) {
    const both = comparedAs(shared ?? first?.type ?? one.type, one.type);
    shared = both ?? shared;
  }
  return settled.map((one) => (shared === undefined || familyOf(one.type) === 'null' ? one : cast(one, shared)).text);
}

function isText(sql: Sql, node: SyntaxNode | undefined): boolean {
  return node?.['class'] === 'CONSTANT' && ['text', 'null'].includes(familyOf(sql.type));
}

/** A text that is written out takes the type of what it is compared with, as DuckDB reads it. */
async function settle(sql: Sql, node: SyntaxNode | undefined, beside: Sql | undefined, context: Context): Promise<Sql> {
  if (node === undefined || beside === undefined || node['class'] !== 'CONSTANT') return sql;
  if (familyOf(sql.type) !== 'text' || familyOf(beside.type) === 'text') return sql;
  const value = await context.oracle.castConstant(node, beside.type);
  return ofText(value, renderType(beside.type));
}

async function conjunction(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const parts = await Promise.all(children(node, 'children').map((one) => truth(one, scope, context)));
  const joint = word(node, 'type') === 'CONJUNCTION_AND' ? ' AND ' : ' OR ';
  return { text: `(${parts.join(joint)})`, type: BOOLEAN };
}

/** A condition. @throws Refused for what is not a boolean: DuckDB would cast it. */
export async function truth(node: SyntaxNode, scope: Scope, context: Context): Promise<string> {
  return cast(await context.expression(node, scope), BOOLEAN).text;
}

async function between(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const [input, lower, upper] = await compared(
    [needed(node, 'input'), needed(node, 'lower'), needed(node, 'upper')],
    scope,
    context,
  );
  return { text: `(${input} BETWEEN ${lower} AND ${upper})`, type: BOOLEAN };
}

async function caseOf(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const checks = children(node, 'case_checks').map(
    (one) => [needed(one, 'when_expr'), needed(one, 'then_expr')] as const,
  );
  const otherwise = needed(node, 'else_expr');
  const whens = await Promise.all(checks.map(([when]) => truth(when, scope, context)));
  const thens = await Promise.all(
    [...checks.map(([, then]) => then), otherwise].map((one) => context.expression(one, scope)),
  );
  const parts = [
    ...checks.flatMap(([when, then], index) => [
      { node: when, type: BOOLEAN },
      { node: then, type: thens[index]?.type ?? BOOLEAN },
    ]),
    { node: otherwise, type: thens.at(-1)?.type ?? BOOLEAN },
  ];
  const type = await context.oracle.type(node, parts);
  const lines = whens.map((when, index) => `WHEN ${bare(when)} THEN ${cast(thens[index] ?? NULL, type).text}`);
  return { text: `CASE ${lines.join(' ')} ELSE ${cast(thens.at(-1) ?? NULL, type).text} END`, type, whole: false };
}

const NULL: Sql = { text: 'NULL', type: plain('null'), whole: true };

async function operator(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const parts = children(node, 'children');
  switch (word(node, 'type')) {
    case 'OPERATOR_NOT':
      return { text: `(NOT ${await truth(parts[0] ?? {}, scope, context)})`, type: BOOLEAN };
    case 'OPERATOR_IS_NULL':
      return { text: `(${await tested(parts, scope, context)} IS NULL)`, type: BOOLEAN };
    case 'OPERATOR_IS_NOT_NULL':
      return { text: `(${await tested(parts, scope, context)} IS NOT NULL)`, type: BOOLEAN };
    case 'COMPARE_IN':
    case 'COMPARE_NOT_IN': {
      const [one, ...others] = await compared(parts, scope, context);
      const not = word(node, 'type') === 'COMPARE_NOT_IN' ? 'NOT ' : '';
      return { text: `(${one} ${not}IN (${others.join(', ')}))`, type: BOOLEAN };
    }
    case 'OPERATOR_COALESCE': {
      const values = await Promise.all(parts.map((one) => context.expression(one, scope)));
      const type = await context.oracle.type(
        node,
        parts.map((one, index) => ({ node: one, type: (values[index] ?? NULL).type })),
      );
      return { text: `COALESCE(${values.map((one) => cast(one, type).text).join(', ')})`, type, whole: true };
    }
    case 'GROUPING_FUNCTION': {
      if (parts.length !== 1) throw new Refused('grouping() of several columns', 'Ask for each of them.');
      return {
        text: `CAST(GROUPING(${(await context.expression(parts[0] ?? {}, scope)).text}) AS BIGINT)`,
        type: plain('bigint'),
        whole: true,
      };
    }
    case 'ARRAY_EXTRACT':
    case 'STRUCT_EXTRACT':
      return element(parts, scope, context);
    default:
      throw new Refused(word(node, 'type').toLowerCase().replaceAll('_', ' '));
  }
}

async function tested(parts: readonly SyntaxNode[], scope: Scope, context: Context): Promise<string> {
  return (await context.expression(parts[0] ?? {}, scope)).text;
}

/** `list[1]`, counted from 1 in both, from the end with a minus; NULL where there is none. */
async function element(parts: readonly SyntaxNode[], scope: Scope, context: Context): Promise<Sql> {
  const of = await context.expression(parts[0] ?? {}, scope);
  const at = constantOf(parts[1]);
  if (of.type.kind === 'struct' && typeof at === 'string') return memberOf(of, at);
  if (of.type.kind !== 'list') throw new Refused(`an element of ${renderType(of.type)}`, 'Use substring() for texts.');
  if (typeof at !== 'number' || at === 0) throw new Refused('a list element whose place is computed');
  return { text: `TRY_ELEMENT_AT(${of.text}, ${at})`, type: of.type.element, whole: true };
}

async function subquery(node: SyntaxNode, scope: Scope, context: Context): Promise<Sql> {
  const query = child(needed(node, 'subquery'), 'node');
  if (query === undefined) throw new Refused('this sub-query');
  const kind = word(node, 'subquery_type');
  const rows = kind === 'ANY' ? rowsOf(node, query) : undefined;
  if (rows !== undefined) return rowIn(rows, scope, context);
  const found = await context.query(query, { ...NO_SCOPE, queries: scope.queries, outer: scope });
  const text = `(\n${indented(found.text)}\n)`;
  if (kind === 'EXISTS') return { text: `(EXISTS ${text})`, type: BOOLEAN };
  const [column, more] = found.columns;
  if (column === undefined || more !== undefined) throw new Refused('a sub-query of several columns');
  if (kind === 'SCALAR') return { text, type: column.type, whole: true };
  if (kind !== 'ANY' || word(node, 'comparison_type') !== 'COMPARE_EQUAL')
    throw new Refused(
      'a comparison with any or all rows of a sub-query',
      'Compare with its min() or max(), or use exists.',
    );
  const one = await context.expression(needed(node, 'child'), scope);
  if (!sameType(one.type, column.type))
    throw new Refused(
      `${renderType(one.type)} in a sub-query of ${renderType(column.type)}`,
      'Cast one to the type of the other.',
    );
  return { text: `(${one.text} IN ${text})`, type: BOOLEAN };
}
