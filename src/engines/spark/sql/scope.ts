import type { SyntaxNode } from '../../../core/lineage/syntax.ts';
import type { TypeNode } from '../../../core/types/type-text.ts';
import { Refused } from './refusal.ts';
import { familyOf, type Sql } from './types.ts';
import { quoteName } from './words.ts';

/** A column that names can mean. */
export interface ScopeColumn extends Sql {
  readonly name: string;
  /** Not meant by its bare name nor by `*`: the other side's column of a USING stands for it. */
  readonly hidden?: boolean;
}

/** What FROM brings in under one alias. */
export interface Relation {
  readonly alias: string;
  readonly schema: string;
  readonly columns: readonly ScopeColumn[];
}

/** FROM in Spark's dialect, and the names that it brings. */
export interface From {
  readonly text: string;
  readonly relations: readonly Relation[];
  readonly merged: readonly ScopeColumn[];
}

/** A query's result, as what reads it sees it. */
export interface ResultColumn {
  readonly name: string;
  readonly type: TypeNode;
}

/** What names mean at one place of a query. */
export interface Scope {
  readonly relations: readonly Relation[];
  /** Columns of a full join's USING, which are neither side's. */
  readonly merged: readonly ScopeColumn[];
  /** Expressions of the select list by their names in lower case; a column of that name goes before. */
  readonly aliases: ReadonlyMap<string, SyntaxNode>;
  /** Results of WITH, by name in lower case. */
  readonly queries: ReadonlyMap<string, readonly ResultColumn[]>;
  readonly outer?: Scope;
}

export const NO_SCOPE: Scope = { relations: [], merged: [], aliases: new Map(), queries: new Map() };

export function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The column of a reference, or the expression of the select list that it names. */
export type Meaning = { readonly column: Sql } | { readonly alias: SyntaxNode };

/** @throws Refused for a name that means nothing that is known, or several things. */
export function meaningOf(names: readonly string[], scope: Scope): Meaning {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = within(names, here);
    if (found !== undefined) return { column: found };
    const alias = names.length === 1 ? here.aliases.get(String(names[0]).toLowerCase()) : undefined;
    if (alias !== undefined) return { alias };
  }
  throw new Refused(
    `the name ${names.join('.')}`,
    'Name the table and the column: table.column, with an alias where an expression has none.',
  );
}

/** The column that names mean among those of one query; undefined where there is none. */
export function within(names: readonly string[], scope: Scope): Sql | undefined {
  const [first = '', second, ...rest] = names;
  if (second !== undefined) {
    const [third, ...deeper] = rest;
    const named = scope.relations.find((one) => sameName(one.alias, first));
    const column = named?.columns.find((one) => sameName(one.name, second));
    if (column !== undefined) return members(column, rest);
    const of_schema = scope.relations.find((one) => sameName(one.schema, first) && sameName(one.alias, second));
    const there = third === undefined ? undefined : of_schema?.columns.find((one) => sameName(one.name, third));
    if (there !== undefined) return members(there, deeper);
  }
  const merged = scope.merged.find((one) => sameName(one.name, first));
  if (merged !== undefined) return members(merged, names.slice(1));
  const found = scope.relations.flatMap((one) =>
    one.columns.filter((column) => column.hidden !== true && sameName(column.name, first)),
  );
  if (found.length > 1) throw new Refused(`the name ${first}, which several tables have`, 'Name the table, too.');
  const [one] = found;
  // A table of that name further out goes before a member of what is no struct.
  return one === undefined || (second !== undefined && one.type.kind !== 'struct')
    ? undefined
    : members(one, names.slice(1));
}

/** Members of a struct below a column. */
function members(column: Sql, names: readonly string[]): Sql {
  return names.reduce(memberOf, column);
}

/** A member of a struct. @throws Refused for what is none. */
export function memberOf(of: Sql, name: string): Sql {
  if (of.type.kind !== 'struct') throw new Refused(`.${name} of what is no struct`);
  const member = of.type.members.find((one) => sameName(one.name, name));
  if (member === undefined) throw new Refused(`.${name}, which the struct does not have`);
  return { text: `${of.text}.${quoteName(member.name)}`, type: member.type, whole: true };
}

/** The columns that `*` stands for, in DuckDB's order. */
export function allColumns(scope: Scope): readonly ScopeColumn[] {
  const merged = new Map(scope.merged.map((one) => [one.name.toLowerCase(), one]));
  const seen = new Set<string>();
  return scope.relations.flatMap((relation) =>
    relation.columns.flatMap((column) => {
      const key = column.name.toLowerCase();
      const instead = merged.get(key);
      if (instead === undefined) return column.hidden === true ? [] : [column];
      if (seen.has(key)) return [];
      seen.add(key);
      return [instead];
    }),
  );
}

/** A relation of the given columns under an alias, and under which Spark knows it. */
export function relationOf(
  alias: string,
  schema: string,
  columns: readonly ResultColumn[],
  spark_alias: string = alias,
): Relation {
  return {
    alias,
    schema,
    columns: columns.map(({ name, type }) => ({
      name,
      type,
      text: `${quoteName(spark_alias)}.${quoteName(name)}`,
      whole: true,
    })),
  };
}

/** True for a value that equal rows of both engines group and join alike. */
export function isPlainValue(type: TypeNode): boolean {
  return !['list', 'struct', 'interval', 'other', 'null'].includes(familyOf(type));
}

/** True for lists and structs whose members both engines compare alike, too. */
export function isOfPlainValues(type: TypeNode): boolean {
  if (familyOf(type) === 'list') return type.kind === 'list' && isOfPlainValues(type.element);
  return type.kind === 'struct' ? type.members.every((one) => isOfPlainValues(one.type)) : isPlainValue(type);
}
