import { Origins } from './origins.ts';
import type { SyntaxNode } from './syntax.ts';

/** A column of something that can stand in FROM. */
export interface RelationColumn {
  /** Undefined when the engine would make up a name. */
  readonly name: string | undefined;
  readonly origins: Origins;
}

/** Something in FROM: a table, a query, the rows of a function. */
export interface Relation {
  /** Empty when it cannot be named. */
  readonly alias: string;
  readonly schema: string;
  readonly columns: readonly RelationColumn[];
  /** Set when not all columns are known by name: any other name may come from here, and then has these origins. */
  readonly other?: Origins;
  /** Names that were merged by USING: an unqualified name means the merged column, not this one. */
  readonly merged?: ReadonlySet<string>;
}

/** A query that was resolved: its columns, and what decides about its rows. */
export interface Resolved {
  readonly columns: readonly RelationColumn[];
  readonly rows: Origins;
  /** Not all columns are known. */
  readonly other?: Origins;
}

/** Names that an expression can use. */
export interface Scope {
  readonly relations: readonly Relation[];
  /** WITH names, lower case. */
  readonly queries: ReadonlyMap<string, Resolved>;
  /** Select items by alias, lower case: they can be used by the items after them. */
  readonly aliases: ReadonlyMap<string, Origins>;
  /** Parameters of lambdas around. */
  readonly parameters: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

/** What a resolution shares. */
export interface Context {
  readonly aggregates: ReadonlySet<string>;
  /** Columns of a table of the lake; undefined when they are not known. */
  columnsOf(table: string): readonly string[] | undefined;
  /** Records what could not be resolved. */
  unresolved(what: string): void;
  /** Resolves a query within a scope (for sub-queries). */
  query(node: SyntaxNode, scope: Scope): Resolved;
}

export const EMPTY_SCOPE: Scope = {
  relations: [],
  queries: new Map(),
  aliases: new Map(),
  parameters: new Set(),
  outer: undefined,
};

/** What a name of one or more parts means; undefined when nothing has that name. */
export function lookUp(names: readonly string[], scope: Scope): Origins | undefined {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const [first = ''] = names;
    if (names.length === 1 && here.parameters.has(first.toLowerCase())) return new Origins();
    const found = inRelations(names, here.relations) ?? here.aliases.get(first.toLowerCase());
    if (found !== undefined) return found;
    if (here.parameters.has(first.toLowerCase())) return new Origins();
  }
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const wild = here.relations.filter((relation) => relation.other !== undefined);
    if (wild.length === 1 && wild[0]?.other !== undefined) return wild[0].other;
  }
  return undefined;
}

function inRelations(names: readonly string[], relations: readonly Relation[]): Origins | undefined {
  for (const relation of relations) {
    const found = qualifiedIn(names, relation);
    if (found !== undefined) return found;
  }
  return unqualifiedIn(names, relations) ?? wholeRow(names, relations);
}

/** `alias.column`, `schema.table.column`; what follows is access into the value. */
function qualifiedIn(names: readonly string[], relation: Relation): Origins | undefined {
  const [first = '', second = ''] = names;
  const bare = relation.alias !== '' && same(relation.alias, first);
  const depth = bare ? 1 : same(relation.schema, first) && same(relation.alias, second) && names.length > 2 ? 2 : 0;
  const name = names[depth];
  if (depth === 0 || name === undefined) return undefined;
  const column = columnOf(relation, name) ?? relation.other;
  return column === undefined || names.length === depth + 1 ? column : column.through('transformation');
}

/** `column`, or `column.field`. */
function unqualifiedIn(names: readonly string[], relations: readonly Relation[]): Origins | undefined {
  const [first = ''] = names;
  const found = relations.flatMap((relation) =>
    relation.merged?.has(first.toLowerCase()) === true ? [] : (columnOf(relation, first) ?? []),
  );
  if (found.length === 0) return undefined;
  const all = new Origins();
  for (const one of found) all.add(names.length > 1 ? one.through('transformation') : one);
  return all;
}

/** The name of a relation alone is its whole row. */
function wholeRow(names: readonly string[], relations: readonly Relation[]): Origins | undefined {
  const whole = relations.find((relation) => names.length === 1 && same(relation.alias, names[0] ?? ''));
  return whole === undefined ? undefined : allOf(whole.columns, whole.other).through('transformation');
}

export function columnOf(relation: Pick<Relation, 'columns'>, name: string): Origins | undefined {
  return relation.columns.find((column) => column.name !== undefined && same(column.name, name))?.origins;
}

export function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** All origins of a relation's columns. */
export function allOf(columns: readonly RelationColumn[], other?: Origins): Origins {
  const all = new Origins().add(other ?? []);
  for (const column of columns) all.add(column.origins);
  return all;
}
