import { child, children, isNode, type SyntaxNode, word, words } from '../../../core/lineage/syntax.ts';
import { asofJoin } from './asof.ts';
import { cast, comparedAs } from './casts.ts';
import type { Context } from './context.ts';
import { truth } from './expressions.ts';
import { Refused } from './refusal.ts';
import {
  type From,
  NO_SCOPE,
  type Relation,
  type ResultColumn,
  relationOf,
  type Scope,
  type ScopeColumn,
  sameName,
} from './scope.ts';
import { plain, type Sql } from './types.ts';
import { bare, indented, quoteName } from './words.ts';

/** What stands in FROM; undefined where nothing does. */
export async function fromOf(node: SyntaxNode | undefined, scope: Scope, context: Context): Promise<From | undefined> {
  if (node === undefined || word(node, 'type') === 'EMPTY') return undefined;
  try {
    return await printed(node, scope, context);
  } catch (error) {
    if (error instanceof Refused && error.place?.line === undefined) error.place = context.place(node);
    throw error;
  }
}

function printed(node: SyntaxNode, scope: Scope, context: Context): Promise<From> {
  if (child(node, 'sample') !== undefined) throw new Refused('a sample');
  switch (word(node, 'type')) {
    case 'BASE_TABLE':
      return Promise.resolve(baseTable(node, scope, context));
    case 'SUBQUERY':
      return derived(node, scope, context);
    case 'JOIN':
      return join(node, scope, context);
    case 'EXPRESSION_LIST':
      return valuesList(node, scope, context);
    case 'TABLE_FUNCTION':
      return unnested(node, scope, context);
    default:
      throw new Refused(`${word(node, 'type').toLowerCase().replaceAll('_', ' ')} in FROM`);
  }
}

function baseTable(node: SyntaxNode, scope: Scope, context: Context): From {
  const [schema, name] = [word(node, 'schema_name'), word(node, 'table_name')];
  if (child(node, 'at_clause') !== undefined) throw new Refused('a table as it was (AT)');
  const alias = word(node, 'alias') || name;
  const defined = schema === '' ? namedQuery(name, scope) : undefined;
  const full = schema === '' ? name : `${schema}.${name}`;
  const columns = defined ?? context.tables.get(full.toLowerCase());
  if (columns === undefined) throw new Refused(`the table ${full}, whose columns are not known`);
  const source = defined === undefined ? context.relation(full) : quoteName(name);
  return aliased({ source, alias, schema, columns, names: words(node, 'column_name_alias') }, context);
}

function namedQuery(name: string, scope: Scope): readonly ResultColumn[] | undefined {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = here.queries.get(name.toLowerCase());
    if (found !== undefined) return found;
  }
  return undefined;
}

function aliased(
  from: {
    readonly source: string;
    readonly alias: string;
    readonly schema: string;
    readonly columns: readonly ResultColumn[];
    readonly names: readonly string[];
  },
  context: Context,
): From {
  const columns = from.columns.map((column, index) => ({ ...column, name: from.names[index] ?? column.name }));
  const list = from.names.length === 0 ? '' : `(${columns.map((one) => quoteName(one.name)).join(', ')})`;
  const alias = context.alias(from.alias);
  return {
    text: `${from.source} AS ${quoteName(alias)}${list}`,
    relations: [relationOf(from.alias, from.schema, columns, alias)],
    merged: [],
  };
}

/** Name of what has none: it cannot be meant by anything. */
const UNNAMED = '_';

async function derived(node: SyntaxNode, scope: Scope, context: Context): Promise<From> {
  const query = child(child(node, 'subquery') ?? {}, 'node');
  if (query === undefined) throw new Refused('this sub-query');
  // What stands before it may be meant in it (LATERAL).
  const found = await context.query(query, { ...NO_SCOPE, queries: scope.queries, outer: scope });
  const alias = word(node, 'alias') || UNNAMED;
  const source = `(\n${indented(found.text)}\n)`;
  return aliased(
    { source, alias, schema: '', columns: found.columns, names: words(node, 'column_name_alias') },
    context,
  );
}

const JOINS: Readonly<Record<string, string>> = {
  INNER: 'INNER JOIN',
  LEFT: 'LEFT JOIN',
  RIGHT: 'RIGHT JOIN',
  OUTER: 'FULL JOIN',
  FULL: 'FULL JOIN',
  SEMI: 'LEFT SEMI JOIN',
  ANTI: 'LEFT ANTI JOIN',
};

async function join(node: SyntaxNode, scope: Scope, context: Context): Promise<From> {
  const left = await side(node, 'left', scope, context);
  // What looks at its neighbours on the left has to say so in Spark.
  const apart = await context.attempt((trial) => side(node, 'right', scope, trial));
  const beside = { ...scope, relations: [...scope.relations, ...left.relations], merged: left.merged };
  const right = apart ?? (await side(node, 'right', beside, context));
  const kind = word(node, 'ref_type');
  if (kind === 'ASOF') return asof(node, left, right, scope, context);
  const word_of = kind === 'CROSS' ? 'CROSS JOIN' : JOINS[word(node, 'join_type')];
  if (word_of === undefined || (kind !== 'REGULAR' && kind !== 'CROSS'))
    throw new Refused(`a ${kind.toLowerCase()} ${word(node, 'join_type').toLowerCase()} join`, 'Join on a condition.');
  const lateral = apart === undefined ? 'LATERAL ' : '';
  if (lateral !== '' && kind !== 'CROSS')
    throw new Refused('a lateral join on a condition', 'Put it after a comma, and the condition into where.');
  const using = words(node, 'using_columns');
  const together: Scope = {
    ...scope,
    relations: [...left.relations, ...right.relations],
    merged: [...left.merged, ...right.merged],
  };
  const condition = child(node, 'condition');
  const shared = sharedColumns(using, left, right, word(node, 'join_type'));
  const on =
    using.length > 0
      ? ` ON ${shared.conditions.join(' AND ')}`
      : condition === undefined
        ? ''
        : ` ON ${bare(await truth(condition, together, context))}`;
  const text = `${left.text}\n${word_of} ${lateral}${right.text}${on}`;
  if (['SEMI', 'ANTI'].includes(word(node, 'join_type'))) return { ...left, text };
  return { text, relations: shared.relations, merged: [...left.merged, ...right.merged, ...shared.merged] };
}

async function asof(node: SyntaxNode, left: From, right: From, scope: Scope, context: Context): Promise<From> {
  const type = word(node, 'join_type');
  const kind = type === 'INNER' || type === 'LEFT' ? JOINS[type] : undefined;
  if (kind === undefined || words(node, 'using_columns').length > 0)
    throw new Refused(`an asof ${type.toLowerCase()} join`, 'Join with asof join or asof left join on a condition.');
  const text = await asofJoin(node, { left, right, kind }, scope, context);
  return { text, relations: [...left.relations, ...right.relations], merged: left.merged };
}

async function side(node: SyntaxNode, key: 'left' | 'right', scope: Scope, context: Context): Promise<From> {
  const found = await fromOf(child(node, key), scope, context);
  if (found === undefined) throw new Refused('this join');
  const type = word(child(node, key) ?? {}, 'type');
  if (key === 'right' && type === 'JOIN') return { ...found, text: `(${found.text})` };
  return found;
}

interface Shared {
  readonly conditions: readonly string[];
  readonly relations: readonly Relation[];
  readonly merged: readonly ScopeColumn[];
}

/** USING as a condition: Spark would put the shared columns before all others. */
function sharedColumns(names: readonly string[], left: From, right: From, kind: string): Shared {
  const conditions: string[] = [];
  const merged: ScopeColumn[] = [];
  const hidden = new Set(names.map((name) => name.toLowerCase()));
  for (const name of names) {
    const [a, b] = [visible(left, name), visible(right, name)];
    const [x, y] = comparedPair(a, b);
    conditions.push(`${x} = ${y}`);
    if (kind === 'RIGHT') merged.push({ ...b, name: a.name });
    if (kind === 'OUTER' || kind === 'FULL')
      merged.push({ name: a.name, type: a.type, text: `COALESCE(${x}, ${y})`, whole: true });
  }
  const hide = (relation: Relation): Relation => ({
    ...relation,
    columns: relation.columns.map((one) => (hidden.has(one.name.toLowerCase()) ? { ...one, hidden: true } : one)),
  });
  return { conditions, merged, relations: [...left.relations, ...right.relations.map(hide)] };
}

function comparedPair(a: ScopeColumn, b: ScopeColumn): readonly [string, string] {
  const type = comparedAs(a.type, b.type);
  return type === undefined ? [a.text, b.text] : [cast(a, type).text, cast(b, type).text];
}

function visible(from: From, name: string): ScopeColumn {
  const merged = from.merged.find((one) => sameName(one.name, name));
  const found =
    merged ??
    from.relations.flatMap((one) => one.columns).find((one) => one.hidden !== true && sameName(one.name, name));
  if (found === undefined) throw new Refused(`the column ${name} in USING`);
  return found;
}

/** VALUES, each column in one type. */
async function valuesList(node: SyntaxNode, scope: Scope, context: Context): Promise<From> {
  const given = node['values'];
  const rows: readonly (readonly SyntaxNode[])[] = Array.isArray(given)
    ? given.map((row: unknown) => (Array.isArray(row) ? row.filter(isNode) : []))
    : [];
  const width = rows[0]?.length ?? 0;
  const printedRows = await Promise.all(
    rows.map((row) => Promise.all(row.map((one) => context.expression(one, scope)))),
  );
  const types = await Promise.all(
    Array.from({ length: width }, (_, at) =>
      context.oracle.common(
        rows.map((row, index) => ({ node: row[at] ?? {}, type: printedRows[index]?.[at]?.type ?? plain('null') })),
      ),
    ),
  );
  const lines = printedRows.map(
    (row) => `(${row.map((one: Sql, at) => cast(one, types[at] ?? one.type).text).join(', ')})`,
  );
  const alias = word(node, 'alias') || 'valueslist';
  const given_names = words(node, 'column_name_alias');
  const columns = types.map((type, at) => ({ name: given_names[at] ?? `col${at}`, type }));
  const names = columns.map((one) => quoteName(one.name)).join(', ');
  return {
    text: `VALUES\n${indented(lines.join(',\n'))}\nAS ${quoteName(context.alias(alias))}(${names})`,
    relations: [relationOf(alias, '', columns, context.alias(alias))],
    merged: [],
  };
}

/** `unnest(list)`: a row for each element, none for an empty list. */
async function unnested(node: SyntaxNode, scope: Scope, context: Context): Promise<From> {
  const call = child(node, 'function');
  const name = word(call ?? {}, 'function_name').toLowerCase();
  const [list, more] = children(call ?? {}, 'children');
  if (
    name !== 'unnest' ||
    list === undefined ||
    more !== undefined ||
    word(node, 'with_ordinality') === 'WITH_ORDINALITY'
  )
    throw new Refused(`${name}() in FROM`);
  const found = await context.expression(list, { ...NO_SCOPE, queries: scope.queries, outer: scope });
  if (found.type.kind !== 'list') throw new Refused('unnest() of what is no list');
  const alias = word(node, 'alias') || 'unnest';
  const column = words(node, 'column_name_alias')[0] ?? (word(node, 'alias') || 'unnest');
  return {
    text: `(\n  SELECT EXPLODE(${found.text}) AS ${quoteName(column)}\n) AS ${quoteName(context.alias(alias))}`,
    relations: [relationOf(alias, '', [{ name: column, type: found.type.element }], context.alias(alias))],
    merged: [],
  };
}
