import { estimateTable } from '../core/planning/estimate.ts';
import type { SmallerPlan } from '../core/planning/smaller-plan.ts';
import { withoutLiterals } from '../core/planning/sql-refs.ts';
import type { CandidateFile, EngineSession, WriteTarget } from '../core/ports/engine.ts';
import { quoteIdent } from '../kit/sql.ts';
import type { StepContext } from './context.ts';

/** Part of the memory that the rows of one batch may take. */
const BATCH_SHARE = 0.25;
const BATCHES_MIN = 16;
/** Each batch reads the input again. */
const BATCHES_MAX = 64;

/** A model with one of these may give other rows each time it is evaluated: its batches would not make up one whole. */
const UNSTEADY =
  /\b(random|uuid|uuidv\d|gen_random_uuid|setseed|nextval|any_value|arbitrary|first|last|mode|now|current_timestamp)\b/i;

/** Words of SQL under which the rows of a batch may depend on those of another one, or may have to be found with them. */
const WHOLE_ONLY =
  /\b(having|qualify|limit|offset|over|except|intersect|anti|sample|tablesample|not\s+(?:exists|in)|asof|positional|recursive)\b/i;

/** The word of a query that stands against batches. A filter over an aggregate (a `group by` inside brackets) counts like `having`. */
export function wholeOnlyWord(sql: string): string | undefined {
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

/** One thread; and batches, where the step has columns by which its rows can be told apart. A window of a backfill is a batch already. */
export function smallerPlan(step: StepContext, windowed: boolean): SmallerPlan {
  if (step.node.layer === 'bronze') return { batches: 1, words: 'with 1 thread and smaller batches of files' };
  if (windowed) return { batches: 1, words: 'with 1 thread' };
  const whole = indivisible(step);
  if (whole !== undefined) return { batches: 1, words: `with 1 thread; ${whole}, so it cannot be split into batches` };
  const by = splitColumns(step);
  const files = [...step.inputs.values()].flatMap((input) => input.files);
  const wanted = (estimateTable(files, 'full', undefined).working_bytes ?? 0) / BATCH_SHARE;
  const batches = Math.min(BATCHES_MAX, Math.max(BATCHES_MIN, Math.ceil(wanted / step.run.limits.memory_bytes)));
  return { batches, words: `with 1 thread and in ${batches} batches by ${by.join(', ')}` };
}

/** What stands against batches; undefined when nothing does. */
function indivisible(step: StepContext): string | undefined {
  const { node } = step;
  if (node.layer === 'gold') {
    if (splitColumns(step).length === 0) return 'it has no partition_by, key or refresh';
    const word = wholeOnlyWord(node.spec.sql) ?? UNSTEADY.exec(withoutLiterals(node.spec.sql))?.[1];
    return word === undefined ? undefined : `its query has "${word}"`;
  }
  return splitColumns(step).length === 0 ? 'it has no partition_by or key' : undefined;
}

/** By which columns the rows of the table are divided when it is written. */
function splitColumns({ node }: StepContext): readonly string[] {
  if (node.layer === 'bronze') return [];
  if (node.spec.partition_by.length > 0) return node.spec.partition_by;
  return node.layer === 'gold' && node.spec.refresh !== undefined ? [node.spec.refresh.by] : node.spec.key;
}

/** SQL conditions that divide rows by the value of some columns or of one expression; one that is always true without a smaller plan. */
export function batchesBy({ small }: StepContext, values: readonly string[]): readonly string[] {
  const batches = small?.batches ?? 1;
  if (batches === 1 || values.length === 0) return ['true'];
  const hash = `hash(${values.join(', ')})`;
  const bound = (index: number): bigint => (BigInt(index) * 2n ** 64n) / BigInt(batches);
  // Ranges, because the engine pushes comparisons below a grouping, so that it groups only the rows of the batch; a remainder it does not.
  return Array.from({ length: batches }, (_, index) => {
    const below = index + 1 === batches ? '' : ` and ${hash} < ${bound(index + 1)}`;
    return `${hash} >= ${bound(index)}${below}`;
  });
}

/** Makes a temporary table batch by batch; `sql` gets the condition of the batch. Returns its row count, unless that is not asked for. */
export async function materializeInBatches(
  session: EngineSession,
  name: string,
  batches: readonly string[],
  sql: (batch: string) => string,
  { counted = true }: { readonly counted?: boolean } = {},
): Promise<number> {
  let rows = 0;
  for (const [index, batch] of batches.entries())
    rows = await session.materialize(name, sql(batch), { append: index > 0, counted });
  return rows;
}

/** Writes the rows of a query, batch by batch under a smaller plan. Values that share a file of the target are in one batch. */
export async function writeInBatches(
  step: StepContext,
  session: EngineSession,
  sql: string,
  target: WriteTarget,
): Promise<readonly CandidateFile[]> {
  const values = target.cluster_by === undefined ? splitColumns(step).map(quoteIdent) : [target.cluster_by];
  const batches = batchesBy(step, values);
  if (batches.length === 1) return session.write(sql, target);
  const files: CandidateFile[] = [];
  for (const batch of batches) files.push(...(await session.write(`select * from (${sql}\n) where ${batch}`, target)));
  return files;
}
