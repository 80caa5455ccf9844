import { child, children, type SyntaxNode, word, words } from '../../core/lineage/syntax.ts';
import type { InputRelation } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { relationOf } from '../context.ts';
import { type Refreshable, sameName, type TouchedValues } from './refresh.ts';
import type { GoldStep } from './step.ts';

/** An input with fewer files and rows than this is opened as fast as the query is looked at. */
const FILES_MIN = 40;
const ROWS_MIN = 20_000_000;

/** An input of a refresh, whole or cut down. */
export interface TouchedInput {
  whole(): InputRelation;
  /** Undefined when all of it is needed. */
  readonly needed: InputRelation | undefined;
}

/** Types whose values stand in partition values as the engine shows them. */
const SHOWN_ALIKE = /^(date|varchar|bigint|integer|smallint|tinyint)$/i;

/**
 * The files that may hold a touched value, by their partition where the table is partitioned by the column, else by their statistics. Of a large
 * table no other file is looked at.
 */
export function filesToLookAt(table: Snapshot, column: string, touched: TouchedValues): readonly DataFile[] {
  const name = table.partition_by.find((one) => sameName(one, column));
  const type = table.columns.find((one) => sameName(one.name, column))?.type ?? '';
  if (name === undefined || !SHOWN_ALIKE.test(type)) return table.files.filter((file) => touched.mayHold(file, column));
  const values = new Set(touched.values);
  // An empty text counts as no value where tables are partitioned.
  const with_null = touched.has_null || values.has('');
  return table.filesIn((partition) => {
    const value = partition[name];
    if (value === undefined) return true;
    return value === null || value === '' ? with_null : values.has(value);
  });
}

/** The inputs of a refresh; where the query shows that files without a touched value have no part in it, they are left out. */
export function touchedInputs(
  step: GoldStep,
  { tree }: Refreshable,
  touched: TouchedValues,
  by: string,
): readonly TouchedInput[] {
  const large = [...step.inputs.values()].some((one) => one.file_count >= FILES_MIN || one.rows >= ROWS_MIN);
  const carrier = large && !touched.has_null ? carrierOf(step, tree, by) : undefined;
  return [...step.inputs].map(([table, input]) => {
    const whole = (): InputRelation => relationOf(input, table);
    if (table !== carrier?.table) return { whole, needed: undefined };
    const files = filesToLookAt(input, carrier.column, touched);
    const needed = files.length < input.file_count ? relationOf(input, table, false, files) : undefined;
    return { whole, needed };
  });
}

interface NamedTable {
  readonly table: string;
  /** What the query calls it. */
  readonly alias: string;
  readonly input: Snapshot;
}

/**
 * The input, and its column, whose value an output row has in `by` unchanged: `select date, … from t`. Only for a query of one level that names
 * each table once: no row of that input with another value has a part in the row then, as `refresh` declares.
 */
function carrierOf(
  step: GoldStep,
  tree: SyntaxNode,
  by: string,
): { readonly table: string; readonly column: string } | undefined {
  if (!isPlain(tree)) return undefined;
  const tables = tablesIn(child(tree, 'from_table'), step.inputs);
  const item = children(tree, 'select_list').find((one) => sameName(nameOf(one), by));
  const path = item === undefined || word(item, 'class') !== 'COLUMN_REF' ? [] : words(item, 'column_names');
  if (tables === undefined || path.length === 0 || path.length > 2) return undefined;
  if (new Set(tables.map(({ table }) => table)).size < tables.length) return undefined;
  const candidates = tables
    .filter(({ alias }) => path.length === 1 || sameName(alias, path[0] ?? ''))
    .flatMap(({ table, input }) => input.columns.map(({ name }) => ({ table, column: name })))
    .filter(({ column }) => sameName(column, path.at(-1) ?? ''));
  return candidates.length === 1 ? candidates[0] : undefined;
}

/** One SELECT without another in it, and nothing in it that looks beyond a row's own group. */
function isPlain(tree: SyntaxNode): boolean {
  const text = JSON.stringify(tree);
  return (
    word(tree, 'type') === 'SELECT_NODE' &&
    text.split('"type":"SELECT_NODE"').length === 2 &&
    !text.includes('"class":"WINDOW"') &&
    children(tree, 'modifiers').every((one) => word(one, 'type') === 'ORDER_MODIFIER')
  );
}

/** The tables of a FROM that only joins tables; undefined for any other. */
function tablesIn(
  from: SyntaxNode | undefined,
  inputs: ReadonlyMap<string, Snapshot>,
): readonly NamedTable[] | undefined {
  if (from === undefined || child(from, 'sample') !== undefined) return undefined;
  if (word(from, 'type') === 'JOIN') {
    // Which row an ASOF join finds depends on rows of other values.
    if (!['REGULAR', 'CROSS', 'NATURAL'].includes(word(from, 'ref_type'))) return undefined;
    const sides = [tablesIn(child(from, 'left'), inputs), tablesIn(child(from, 'right'), inputs)];
    return sides.some((side) => side === undefined) ? undefined : sides.flatMap((side) => side ?? []);
  }
  if (word(from, 'type') !== 'BASE_TABLE' || words(from, 'column_name_alias').length > 0) return undefined;
  const name = `${word(from, 'schema_name')}.${word(from, 'table_name')}`;
  const found = [...inputs].find(([table]) => sameName(table, name));
  return found && [{ table: found[0], input: found[1], alias: word(from, 'alias') || word(from, 'table_name') }];
}

/** What the engine calls an item of the select list that is a column. */
function nameOf(item: SyntaxNode): string {
  return word(item, 'alias') || (words(item, 'column_names').at(-1) ?? '');
}
