import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { SyntaxNode } from '../../core/lineage/syntax.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { Annotated, Annotating, Link, Source } from './annotated.ts';
import { HIDDEN, type Names, tablesIn, withNames } from './rewrite.ts';

/** WITH names in scope; each is evaluated when it is first read. */
export type Scope = ReadonlyMap<string, () => Promise<Annotated>>;

/** A promise that is made when it is first asked for. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** A WITH that names its columns anew. */
export async function renamed(context: Annotating, from: Annotated, aliases: readonly string[]): Promise<Annotated> {
  if (aliases.length === 0) return from;
  const columns = from.columns.map((column, index) => aliases[index] ?? column);
  const relation = context.fresh('d');
  const list = from.columns.map((column, index) => `${quoteIdent(column)} as ${quoteIdent(columns[index] ?? column)}`);
  await context.session.materialize(
    relation,
    `select ${list.join(', ')}, rowid as ${HIDDEN}wide from ${from.relation}`,
  );
  const link: Link = { kind: 'row', source: { query: from }, id: `${HIDDEN}wide` };
  return {
    relation,
    columns,
    links: [link],
    windows: [],
    ...(from.moves === undefined ? {} : { moves: 'rows' }),
    at_most: [],
  };
}

/** Names of what a query may read, as plain relations. */
export async function plainNames(context: Annotating, node: SyntaxNode, scope: Scope): Promise<Names> {
  const names = new Map([...context.tables].map(([name, bound]) => [name, bound.plain]));
  const used = new Set(tablesIn(node));
  for (const [name, query] of scope) {
    if (!used.has(name)) continue;
    const annotated = await query();
    const view = context.fresh('p');
    const list = annotated.columns.map(quoteIdent).join(', ');
    await context.session.define(view, `select ${list} from ${annotated.relation}`);
    names.set(name, view);
  }
  return names;
}

/** Evaluated as it stands and linked to all rows that it may read. */
export async function opaque(context: Annotating, node: SyntaxNode, scope: Scope, why: string): Promise<Annotated> {
  const names = await plainNames(context, node, scope);
  const { relation, columns } = await evaluate(context, withNames(node, names));
  const links = (await sourcesIn(context, node, scope)).map((source): Link => ({ kind: 'all', source }));
  return { relation, columns, links, windows: [], moves: 'rows', at_most: [why] };
}

/** Everything that a part of a query names: tables of the lake and WITH queries. */
export async function sourcesIn(context: Annotating, node: SyntaxNode, scope: Scope): Promise<readonly Source[]> {
  const sources: Source[] = [];
  for (const name of tablesIn(node)) {
    const query = scope.get(name);
    if (query !== undefined) sources.push({ query: await query() });
    else if (context.tables.has(name)) sources.push({ table: name });
  }
  return sources;
}

/** Runs a query into a temporary table; its own columns are those that are not hidden. */
export async function evaluate(
  context: Annotating,
  node: SyntaxNode,
): Promise<{ readonly relation: string; readonly columns: readonly string[] }> {
  const relation = context.fresh('d');
  await context.session.materialize(relation, await context.session.sqlOf(node));
  const described = await context.session.describe(`select * from ${relation}`);
  if (described.some((column) => column.name.toLowerCase() === 'rowid'))
    throw new DataflowError('E_SQL', 'rows cannot be followed through a column that is named rowid', {
      hint: 'Give the column another name.',
    });
  return { relation, columns: described.map((column) => column.name).filter((name) => !name.startsWith(HIDDEN)) };
}

/** True for a query that looks at nothing around it. */
export async function standsAlone(context: Annotating, query: SyntaxNode, scope: Scope): Promise<boolean> {
  try {
    const names = await plainNames(context, query, scope);
    await context.session.describe(await context.session.sqlOf(withNames(query, names)));
    return true;
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_SQL') return false;
    throw error;
  }
}
