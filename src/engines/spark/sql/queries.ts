import { child, children, type SyntaxNode, withOf, word, words } from '../../../core/lineage/syntax.ts';
import { cast } from './casts.ts';
import type { Context, Query } from './context.ts';
import { Refused } from './refusal.ts';
import { NO_SCOPE, type ResultColumn, type Scope } from './scope.ts';
import { limitOf, orderOf, type Parts, selectOf } from './select.ts';
import { plain, REFUSED_TYPE, sameType } from './types.ts';
import { indented, quoteName } from './words.ts';

/** A query of any shape, its WITH included. */
export async function queryOf(
  node: SyntaxNode,
  scope: Scope,
  context: Context,
  names: readonly string[] = [],
): Promise<Query> {
  const definitions: string[] = [];
  let within_scope = scope;
  for (const { name, value } of withOf(node)) {
    const inner = child(child(value, 'query') ?? {}, 'node');
    if (inner === undefined) throw new Refused(`the query ${name} of WITH`);
    const found = await context.query(inner, {
      ...NO_SCOPE,
      queries: within_scope.queries,
      ...(scope.outer === undefined ? {} : { outer: scope.outer }),
    });
    const aliases = words(value, 'aliases');
    const columns = found.columns.map((one, at) => ({ ...one, name: aliases[at] ?? one.name }));
    const list = aliases.length === 0 ? '' : `(${columns.map((one) => quoteName(one.name)).join(', ')})`;
    definitions.push(`${quoteName(name)}${list} AS (\n${indented(found.text)}\n)`);
    within_scope = { ...within_scope, queries: new Map(within_scope.queries).set(name.toLowerCase(), columns) };
  }
  const body = await bodyOf(node, within_scope, context, names);
  if (definitions.length === 0) return body;
  return { ...body, text: `WITH ${definitions.join(',\n')}\n${body.text}` };
}

async function bodyOf(node: SyntaxNode, scope: Scope, context: Context, names: readonly string[]): Promise<Query> {
  switch (word(node, 'type')) {
    case 'SELECT_NODE':
      return selectOf(node, scope, context, names);
    case 'SET_OPERATION_NODE':
      return setOf(node, scope, context, names);
    default:
      throw new Refused(
        word(node, 'type')
          .toLowerCase()
          .replaceAll('_', ' ')
          .replace(/ node$/, ''),
      );
  }
}

const SETS: Readonly<Record<string, string>> = {
  UNION: 'UNION',
  UNION_BY_NAME: 'UNION',
  EXCEPT: 'EXCEPT',
  INTERSECT: 'INTERSECT',
};

async function setOf(node: SyntaxNode, scope: Scope, context: Context, names: readonly string[]): Promise<Query> {
  const type = word(node, 'setop_type');
  const sign = SETS[type];
  if (sign === undefined) throw new Refused(type.toLowerCase().replaceAll('_', ' '));
  const sides = [child(node, 'left'), child(node, 'right'), ...children(node, 'children')].filter(
    (one) => one !== undefined,
  );
  const by_name = type === 'UNION_BY_NAME';
  const found: Query[] = [];
  for (const [at, one] of sides.entries())
    found.push(await context.query(one, scope, at === 0 && !by_name ? names : []));
  const queries = by_name ? sideBySide(found) : found;
  const columns: ResultColumn[] = [];
  for (const [at, column] of (queries[0]?.columns ?? []).entries()) {
    const types = queries.map((query) => query.columns[at]?.type ?? REFUSED_TYPE);
    const parts = types.map((one) => ({ node: { class: 'COLUMN_REF', column_names: [] }, type: one }));
    columns.push({ name: column.name, type: await context.oracle.common(parts) });
  }
  const joint = `\n${sign}${node['setop_all'] === true ? ' ALL' : ''}\n`;
  const text = queries.map((query) => `(\n${indented(inTypes(query, columns))}\n)`).join(joint);
  const parts: Parts = { node, items: [], columns, clauses: [], scope };
  const order = await orderOf(parts, true, { ...scope, relations: [], aliases: new Map() }, context);
  return { text: [text, ...order, ...limitOf(node, order.length > 0)].join('\n'), columns };
}

/** The queries with the columns of all of them, in the order in which they first come; NULL where one has none of that name. */
function sideBySide(queries: readonly Query[]): readonly Query[] {
  const all = new Map<string, string>();
  for (const { columns } of queries)
    for (const { name } of columns) if (!all.has(name.toLowerCase())) all.set(name.toLowerCase(), name);
  return queries.map(({ text, columns }) => {
    const own = new Map(columns.map((one) => [one.name.toLowerCase(), one]));
    if (own.size < columns.length) throw new Refused('a union by name of a query with two columns of one name');
    const list = [...all].map(([key, name]) => {
      const column = own.get(key);
      return {
        name,
        type: column?.type ?? plain('null'),
        text: column === undefined ? 'NULL' : quoteName(column.name),
      };
    });
    const items = list.map((one) => `${one.text} AS ${quoteName(one.name)}`);
    return {
      text: `SELECT\n${indented(items.join(',\n'))}\nFROM (\n${indented(text)}\n) AS ${quoteName('_')}`,
      columns: list.map(({ name, type }) => ({ name, type })),
    };
  });
}

/** The query with its columns in these types. Two of them may have one name, so each is meant by its place. */
export function inTypes(query: Query, columns: readonly ResultColumn[]): string {
  if (query.columns.every((one, at) => sameType(one.type, columns[at]?.type ?? one.type))) return query.text;
  const places = query.columns.map((_, at) => quoteName(`_${at}`));
  const list = query.columns.map((one, at) => {
    const text = places[at] ?? '';
    return `${cast({ text, type: one.type }, columns[at]?.type ?? one.type).text} AS ${quoteName(one.name)}`;
  });
  const source = `(\n${indented(query.text)}\n) AS ${quoteName('_')}(${places.join(', ')})`;
  return `SELECT\n${indented(list.join(',\n'))}\nFROM ${source}`;
}
