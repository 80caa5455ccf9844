import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { CheckSpec } from '../core/model/project.ts';
import type { Column } from '../core/model/table.ts';
import type { CandidateFile, EngineSession, InputFile, Row } from '../core/ports/engine.ts';
import type { Snapshot } from '../core/ports/lake.ts';
import type { TestResult } from '../core/ports/ledger.ts';
import type { TableCondition } from '../core/ports/rule.ts';
import { nowIso, type RunContext, type StepContext } from './context.ts';
import { keptMessage } from './publish.ts';

/** The table as it would be after publishing: the candidate and the published files that stay. */
export interface Candidate {
  readonly columns: readonly Column[];
  readonly partition_by: readonly string[];
  readonly files: readonly (CandidateFile | InputFile)[];
}

/**
 * Runs a table's tests on the candidate, before anyone can see it (decision 4). The candidate is `this` and also goes by the table's own name.
 * @throws DataflowError E_TESTS_FAILED when a test of severity `fail` does not pass; the staged files stay for inspection.
 */
export async function audit(
  step: StepContext,
  session: EngineSession,
  candidate: Candidate,
  published: Snapshot | undefined,
): Promise<readonly TestResult[]> {
  const tests = step.node.layer === 'bronze' ? [] : step.node.spec.tests;
  if (tests.length === 0) return [];
  const counts = tests.map((test) => conditionOf(step.run, test, candidate.columns, published?.rows).count);
  await session.bind({ name: 'this', ...candidate });
  // Each name costs a look into every file, and few tests use the second one.
  if (counts.some((sql) => sql.toLowerCase().includes(step.node.name.toLowerCase())))
    await session.bind({ name: step.node.key, ...candidate });
  const results = await runTests(step.run, session, tests, candidate.columns, published?.rows);
  requirePassed(step.node.key, results, {
    kept: `${keptMessage(step, published)}; the candidate is kept in step ${step.step_id}`,
    hint: `Look at it with: dataflow query --candidate ${step.node.key} "select * from this limit 20"`,
  });
  return results;
}

/** @throws DataflowError E_TESTS_FAILED with the results when a test of severity `fail` did not pass. */
export function requirePassed(
  key: string,
  results: readonly TestResult[],
  details: { readonly kept: string; readonly hint: string },
): void {
  const failed = results.filter((result) => !result.passed && result.severity === 'fail');
  if (failed.length === 0) return;
  const said = failed.map((result) => `${result.test}: ${result.message}`).join('; ');
  const message = `${key}: ${failed.length} of ${results.length} tests failed (${said})`;
  throw Object.assign(new DataflowError('E_TESTS_FAILED', message, details), { tests: results });
}

/** The results that a failed audit carries, for the ledger. */
export function testsOf(error: unknown): readonly TestResult[] {
  const { tests } = (error ?? {}) as { readonly tests?: readonly TestResult[] };
  return Array.isArray(tests) ? tests : [];
}

/** Runs tests over the bound relation `this`. */
export async function runTests(
  run: Pick<RunContext, 'checks' | 'now_ms'>,
  session: EngineSession,
  tests: readonly CheckSpec[],
  columns: readonly Column[],
  rows_before: number | undefined,
): Promise<readonly TestResult[]> {
  const results: TestResult[] = [];
  const conditions = tests.map((test) => conditionOf(run, test, columns, rows_before));
  const together = session.asks_together === true ? await answersTogether(session, conditions) : undefined;
  for (const [at, test] of tests.entries()) {
    const condition = conditions[at] as TableCondition;
    const [row] = together?.[at] ?? (await session.rows(condition.count, { rows_max: 1 }));
    const failures = Number(row?.['failures'] ?? 0);
    const observed = row?.['observed'];
    const detail = observed === undefined || observed === null ? '' : ` (${String(observed)})`;
    results.push({
      test: test.name,
      severity: test.severity,
      passed: failures === 0,
      failures,
      message: failures === 0 ? condition.summary : `${condition.summary}: ${failures} failing${detail}`,
    });
  }
  return results;
}

/** The answers to all tests by one question, in their order; undefined where they have to be asked one by one, which tells whose query is wrong. */
async function answersTogether(
  session: EngineSession,
  conditions: readonly TableCondition[],
): Promise<readonly (readonly Row[])[] | undefined> {
  if (conditions.length < 2) return undefined;
  try {
    const parts: string[] = [];
    for (const [at, { count }] of conditions.entries()) {
      const observed = (await session.describe(count)).some(({ name }) => name === 'observed');
      const words = observed ? 'cast(observed as varchar)' : 'cast(null as varchar)';
      parts.push(`select ${at} as test, failures, ${words} as observed from (${count}\n)`);
    }
    const rows = await session.rows(parts.join(' union all '), { rows_max: conditions.length });
    return conditions.map((_, at) => rows.filter((row) => row['test'] === at));
  } catch (error) {
    if (error instanceof DataflowError && ONE_BY_ONE.has(error.code)) return undefined;
    throw error;
  }
}

const ONE_BY_ONE = new Set(['E_SQL', 'E_SQL_SANDBOX', 'E_ENGINE_DIALECT']);

function conditionOf(
  run: Pick<RunContext, 'checks' | 'now_ms'>,
  test: CheckSpec,
  columns: readonly Column[],
  rows_before: number | undefined,
): TableCondition {
  const component = run.checks.get(test.check);
  if (component?.table === undefined)
    throw new DataflowError('E_CONFIG_INVALID', `"${test.check}" cannot be used as a test`);
  return component.table(test.params, {
    columns,
    now_iso: nowIso(run),
    ...(rows_before === undefined ? {} : { rows_before }),
  });
}
