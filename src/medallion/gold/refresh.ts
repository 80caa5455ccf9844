import { withoutLiterals } from '../../core/planning/sql-refs.ts';
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

/**
 * Words of SQL under which a cut-down input says nothing certain about the output: a row may appear or vanish because of rows that did
 * not change. Such models are computed as a whole.
 */
const WHOLE_ONLY =
  /\b(having|qualify|limit|offset|over|except|intersect|anti|sample|tablesample|not\s+(?:exists|in)|asof|positional|recursive)\b/i;

/**
 * Undefined when the model may be refreshed by value; else what stands against it. A filter over an aggregate (a `group by` inside
 * brackets) counts like `having`.
 */
export function refreshObstacle(sql: string): string | undefined {
  const text = withoutLiterals(sql);
  const word = WHOLE_ONLY.exec(text)?.[1];
  if (word !== undefined) return word.toLowerCase();
  let depth = 0;
  for (const match of text.matchAll(/[()]|\bgroup\s+by\b|\bdistinct\b/gi)) {
    if (match[0] === '(') depth += 1;
    else if (match[0] === ')') depth -= 1;
    else if (depth > 0 && match[0].toLowerCase() !== 'distinct') return 'group by in a subquery';
  }
  return undefined;
}

/**
 * Finds the touched values: the model's own SQL is evaluated with one changed input at a time cut down to the rows of the
 * files that were added or removed, the other changed inputs being taken with what they had and have, and the distinct values of `by` in its output are
 * collected. That finds every value for models in which an input row only influences output rows that carry its own value of
 * `by`; declaring `refresh` states just that, and {@link refreshObstacle} refuses the plain contradictions.
 * Undefined when it cannot be told (history is gone, columns changed) or when too many values are touched. Leaves the inputs bound as they were looked at last.
 */
export async function touchedValues(
  step: GoldStep,
  session: EngineSession,
  by: string,
): Promise<TouchedValues | undefined> {
  const { node } = step;
  if (refreshObstacle(node.spec.sql) !== undefined) return undefined;
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
      await session.bind({
        ...relationOf(other.input, other.table),
        files: [...other.input.files, ...other.changes.removed],
      });
    await session.bind({ ...relationOf(input, table), files });
    const sql = `select distinct cast(${quoteIdent(by)} as varchar) as v from (${node.spec.sql}\n) limit ${TOUCHED_VALUES_MAX + 1}`;
    const rows = await session.rows(sql);
    for (const row of rows) {
      if (row['v'] === null || row['v'] === undefined) has_null = true;
      else values.add(String(row['v']));
    }
    if (values.size > TOUCHED_VALUES_MAX) return undefined;
  }
  const sorted = [...values].sort();
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
  const name = Object.keys(file.stats?.min_values ?? {}).find((key) => key.toLowerCase() === column.toLowerCase());
  const min = name === undefined ? undefined : file.stats?.min_values[name];
  const max = name === undefined ? undefined : file.stats?.max_values[name];
  if (has_null || typeof min !== 'string' || typeof max !== 'string') return true;
  const low = comparable(min);
  const high = comparable(max);
  return values.some(
    (value) => comparable(value).slice(0, low.length) >= low && comparable(value).slice(0, high.length) <= high,
  );
}

/** `2025-03-01T00:00:00.000Z` and `2025-03-01 00:00:00+00` compare as their common leading part. */
function comparable(text: string): string {
  return /^\d{4}-\d\d-\d\d[T ]/.test(text) ? text.slice(0, 19).replace('T', ' ') : text;
}

/** SQL condition: the row belongs to a touched value. The range comes first: the engine skips row groups by it. */
export function touchedWhere(touched: TouchedValues, by: string): string {
  const column = quoteIdent(by);
  const alternatives: string[] = [];
  const [first, last] = [touched.values[0], touched.values.at(-1)];
  if (first !== undefined && last !== undefined) {
    const list = touched.values.map(quoteText).join(', ');
    alternatives.push(`(${column} in (${list}))`);
  }
  if (touched.has_null) alternatives.push(`${column} is null`);
  return alternatives.length === 0 ? 'false' : `(${alternatives.join(' or ')})`;
}

/** SQL condition: the row does not belong to any touched value. Never NULL. */
export function withoutTouched(touched: TouchedValues, by: string): string {
  return `not coalesce(${touchedWhere(touched, by)}, false)`;
}
