import type { ColumnParity, ComparedRows, ParityResult, RowsParity } from '../model/parity.ts';
import type { Column } from '../model/table.ts';
import { parseType, type TypeNode } from '../types/type-text.ts';

/** Doubles that differ by no more than this part of the larger one count as the same: sums depend on the order of the rows. */
export const DOUBLE_TOLERANCE = 1e-12;
/** The same of floats, which have half the digits. */
export const FLOAT_TOLERANCE = 1e-6;

/** What is compared of two sides, and what rows are matched by. */
export interface ComparePlan {
  /** Columns that both have with the same type, as the first side names and orders them. */
  readonly columns: readonly Column[];
  /** Columns that one side lacks or has with another type. */
  readonly differing: readonly ColumnParity[];
  /** Names that rows are matched by. */
  readonly match: readonly string[];
  /** True when these are the table's key; otherwise all columns that are compared exactly. */
  readonly by_key: boolean;
}

/** Names are compared as Delta does, without case. Columns that stand in another order differ, too: `select *` shows it. */
export function comparePlan(here: readonly Column[], there: readonly Column[], key: readonly string[]): ComparePlan {
  const others = new Map(there.map((column) => [column.name.toLowerCase(), column]));
  const columns: Column[] = [];
  const differing: ColumnParity[] = [];
  for (const column of here) {
    const other = others.get(column.name.toLowerCase());
    if (other?.type === column.type) columns.push(column);
    else differing.push({ column: column.name, here: column.type, there: other?.type ?? null });
  }
  const own = new Set(here.map(({ name }) => name.toLowerCase()));
  for (const { name, type } of there)
    if (!own.has(name.toLowerCase())) differing.push({ column: name, here: null, there: type });
  const common = there.filter(({ name }) => own.has(name.toLowerCase()));
  const ours = here.filter(({ name }) => others.has(name.toLowerCase()));
  for (const [at, { name }] of ours.entries())
    if (common[at]?.name.toLowerCase() !== name.toLowerCase())
      differing.push({ column: name, here: `place ${at + 1}`, there: `place ${placeOf(name, common)}` });
  const wanted = key.map((name) => columns.find((column) => column.name.toLowerCase() === name.toLowerCase()));
  const by_key = wanted.length > 0 && !wanted.includes(undefined);
  const matched = by_key ? wanted : columns.filter(({ type }) => !hasDoubles(parseType(type)));
  return {
    columns,
    differing,
    match: matched.flatMap((column) => (column === undefined ? [] : [column.name])),
    by_key,
  };
}

function placeOf(name: string, columns: readonly Column[]): number {
  return columns.findIndex((one) => one.name.toLowerCase() === name.toLowerCase()) + 1;
}

/** True for types whose values two engines may compute with other last digits. */
export function hasDoubles(type: TypeNode): boolean {
  switch (type.kind) {
    case 'plain':
      return type.name === 'double' || type.name === 'float';
    case 'list':
      return hasDoubles(type.element);
    case 'struct':
      return type.members.some((member) => hasDoubles(member.type));
    case 'map':
      return hasDoubles(type.key) || hasDoubles(type.value);
    default:
      return false;
  }
}

/** Whether the two sides are the same rows of the same columns. */
export function isEqual({ columns, rows }: Pick<RowsParity, 'columns' | 'rows'>): boolean {
  return columns.length === 0 && rows.only_here + rows.only_there + rows.changed === 0;
}

/** What comparing the rows of a table, and those that it rejected, comes to. */
export function resultOf(
  ...sides: readonly (Pick<RowsParity, 'columns' | 'rows'> | null)[]
): Extract<ParityResult, 'equal' | 'different'> {
  return sides.every((side) => side === null || isEqual(side)) ? 'equal' : 'different';
}

/** Rows in words: `120 rows`, or how they differ: `1 only here, 2 in both but different`. */
export function rowsWords(rows: ComparedRows, other: string): string {
  const parts = [
    rows.only_here > 0 ? `${rows.only_here} only here` : '',
    rows.only_there > 0 ? `${rows.only_there} only on ${other}` : '',
    rows.changed > 0 ? `${rows.changed} in both but different` : '',
  ].filter((part) => part !== '');
  const nearly = rows.nearly > 0 ? `, ${rows.nearly} of them with doubles that differ behind the twelfth digit` : '';
  if (parts.length === 0) return `${count(rows.here)}${nearly}`;
  const size =
    rows.here === rows.there ? `${count(rows.here)} each` : `${count(rows.here)} here, ${rows.there} on ${other}`;
  return `${parts.join(', ')} (${size})`;
}

function count(rows: number): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'}`;
}
