import type { SyntaxNode } from '../../core/lineage/syntax.ts';
import type { Column } from '../../core/model/table.ts';
import { refreshObstacle } from '../../core/planning/refreshable.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot, VersionChanges } from '../../core/ports/lake.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import type { GoldStep } from './step.ts';

/** Above this many distinct values a refresh is no longer "a few partitions" and the whole table is computed. */
const TOUCHED_VALUES_MAX = 1000;

/** The values of `refresh.by` whose rows may differ after the inputs changed. */
export interface TouchedValues {
  /** As the engine's text of the value. */
  readonly values: readonly string[];
  readonly has_null: boolean;
  mayHold(file: DataFile, column: string): boolean;
}

/** A model that may be refreshed by value. */
export interface Refreshable {
  /** SELECT of the model's rows, with the values of `by` as they are stored. */
  readonly rows_sql: string;
  /** SQL of the value of `by` in those rows, and in those of the table: values are told apart by the text of this. */
  readonly value_sql: string;
  /** The parse tree of the model's own SQL. */
  readonly tree: SyntaxNode;
}

/** Lists and structs are compared as texts: there is no way back from a text to them. */
const NESTED = /[[{]|^(struct|map|union)\b/;

/** Why not, when rows of other values than the touched ones could change, too: what {@link refreshObstacle} says, which `plan` and `why` tell. */
export async function refreshable(
  { node, inputs, verdict }: GoldStep,
  session: EngineSession,
  columns: readonly Column[],
  by: string,
): Promise<Refreshable | { readonly obstacle: string }> {
  const { sql } = node.spec;
  const { tree } = await session.syntaxOf(sql, { functions: false });
  const question = { sql, tree, by, inputs: [...inputs.keys()], moved: verdict.changed };
  const obstacle = refreshObstacle(question);
  if (obstacle !== undefined) return { obstacle };
  const column = columns.find(({ name }) => sameName(name, by));
  const own = quoteIdent(by);
  const items = column?.kept_as === undefined ? '*' : `* replace (cast(${own} as ${column.type}) as ${own})`;
  const value_sql = NESTED.test(column?.type ?? '') ? `cast(${own} as varchar)` : own;
  return { rows_sql: `select ${items} from (${sql}\n)`, value_sql, tree };
}

/**
 * Finds the touched values: the model's own SQL is evaluated with one changed input at a time cut down to the rows of the
 * files that were added or removed, the other changed inputs being taken with what they had and have, and the distinct values of `by` in its output are
 * collected. That finds every value for models that are {@link refreshable}.
 * Undefined when it cannot be told (history is gone, columns changed) or when too many values are touched. Leaves the inputs bound as they were looked at last.
 */
export async function touchedValues(
  step: GoldStep,
  session: EngineSession,
  { rows_sql, value_sql }: Refreshable,
): Promise<TouchedValues | undefined> {
  const moved = await movedInputs(step);
  if (moved === undefined) return undefined;
  const values = new Set<string>();
  let has_null = false;
  for (const [table, input] of step.inputs)
    if (!moved.some((one) => one.table === table)) await session.bind(relationOf(input, table));
  for (const { table, input, changes } of moved) {
    const files = [...changes.added, ...changes.removed];
    if (files.length === 0) continue;
    for (const other of moved.filter((one) => one.table !== table))
      await session.bind(relationOf(other.input, other.table, false, [...other.input.files, ...other.changes.removed]));
    await session.bind(relationOf(input, table, false, files));
    const sql = `select distinct cast(${value_sql} as varchar) as v from (${rows_sql}) order by 1 limit ${TOUCHED_VALUES_MAX + 1}`;
    const rows = await session.rows(sql);
    for (const row of rows) {
      if (row['v'] === null || row['v'] === undefined) has_null = true;
      else values.add(String(row['v']));
    }
    if (values.size > TOUCHED_VALUES_MAX) return undefined;
  }
  const sorted = [...values].sort();
  // No SQL text can hold it.
  if (sorted.some((value) => value.includes('\0'))) return undefined;
  return { values: sorted, has_null, mayHold: (file, column) => mayHold(file, column, sorted, has_null) };
}

interface MovedInput {
  readonly table: string;
  readonly input: Snapshot;
  readonly changes: VersionChanges;
}

/** What changed in each input since the last success; undefined when the log does not tell. */
async function movedInputs(step: GoldStep): Promise<readonly MovedInput[] | undefined> {
  const last = step.run.ledger.lastSuccess(step.node.key);
  const moved: MovedInput[] = [];
  for (const table of step.verdict.changed) {
    const input = step.inputs.get(table);
    const from = last?.inputs[table];
    if (input === undefined || from === undefined) return undefined;
    const changes = await step.run.lake.changes(input.table, from, input.version);
    if (changes.schema_changed) return undefined;
    moved.push({ table, input, changes });
  }
  return moved;
}

/** Uses the file's statistics; a file without them may hold anything. Text order equals value order for dates, times and strings. */
function mayHold(file: DataFile, column: string, values: readonly string[], has_null: boolean): boolean {
  const name = Object.keys(file.stats?.min_values ?? {}).find((key) => sameName(key, column));
  const min = name === undefined ? undefined : file.stats?.min_values[name];
  const max = name === undefined ? undefined : file.stats?.max_values[name];
  if (has_null || typeof min !== 'string' || typeof max !== 'string') return true;
  // Beyond the first plane the order of JavaScript is not that of the engine.
  if (/[\ud800-\udfff]/.test(`${min}${max}${values.join('')}`)) return true;
  const [low, high] = [comparable(min), comparable(max)];
  return values.some((value) => liesWithin(comparable(value), low, high) || liesWithin(value, min, max));
}

/** A text that is longer than a bound is compared by as much of it. */
function liesWithin(value: string, low: string, high: string): boolean {
  return value.slice(0, low.length) >= low && value.slice(0, high.length) <= high;
}

/** `2025-03-01T00:00:00.000Z` and `2025-03-01 00:00:00+00` compare as their common leading part; texts are compared as they are, too. */
function comparable(text: string): string {
  return /^\d{4}-\d\d-\d\d[T ]/.test(text) ? text.slice(0, 19).replace('T', ' ') : text;
}

/** SQL condition: the row belongs to a touched value. The range comes first: the engine skips row groups by it. */
export function touchedWhere(touched: TouchedValues, value_sql: string): string {
  const alternatives: string[] = [];
  const [first, last] = [touched.values[0], touched.values.at(-1)];
  if (first !== undefined && last !== undefined) {
    const list = touched.values.map(quoteText).join(', ');
    alternatives.push(`(${value_sql} in (${list}))`);
  }
  if (touched.has_null) alternatives.push(`${value_sql} is null`);
  return alternatives.length === 0 ? 'false' : `(${alternatives.join(' or ')})`;
}

/** SQL condition: the row does not belong to any touched value. Never NULL. */
export function withoutTouched(touched: TouchedValues, value_sql: string): string {
  return `not coalesce(${touchedWhere(touched, value_sql)}, false)`;
}

/** Names of columns and tables are compared without case. */
export function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
