import { DataflowError } from '../core/errors/dataflow-error.ts';
import { testsFingerprint } from '../core/planning/fingerprint.ts';
import { onlyTests } from '../core/planning/reasons.ts';
import type { EngineSession } from '../core/ports/engine.ts';
import type { Snapshot } from '../core/ports/lake.ts';
import type { StepRecord } from '../core/ports/ledger.ts';
import { requirePassed, runTests } from './audit.ts';
import { relationOf, type StepContext } from './context.ts';
import { unchanged } from './publish.ts';

/** Binds a published table as `this` and by its own name, beside the tables that its tests may read. */
export async function bindPublished(
  session: EngineSession,
  key: string,
  published: Snapshot,
  inputs: Iterable<readonly [table: string, snapshot: Snapshot]>,
): Promise<void> {
  for (const [table, input] of inputs) await session.bind(relationOf(input, table));
  for (const name of ['this', key]) await session.bind(relationOf(published, name));
}

/**
 * The work of a step, held against its tests: where they alone are others the published version is audited again and nothing is computed; so
 * it is when the work turned out to touch no row, and audited none.
 * @throws DataflowError E_TESTS_FAILED as {@link auditPublished}; whatever the work throws.
 */
export async function withOtherTests(step: StepContext, work: () => Promise<StepRecord>): Promise<StepRecord> {
  const { causes } = step.verdict;
  if (onlyTests(causes)) return await auditPublished(step);
  const record = await work();
  const left = record.status === 'succeeded' && record.tests_fingerprint !== testsFingerprint(step.node);
  return left && causes.some(({ kind }) => kind === 'tests_changed') ? await auditPublished(step) : record;
}

/**
 * Runs the tests as they are configured now on the version that is published. Nothing is computed and nothing is committed.
 * @throws DataflowError E_TESTS_FAILED: the version stays, and the next run audits it again.
 */
async function auditPublished(step: StepContext): Promise<StepRecord> {
  const { run, node } = step;
  const published =
    node.layer === 'bronze' ? undefined : await run.lake.snapshot({ layer: node.layer, name: node.name });
  if (node.layer === 'bronze' || published === undefined)
    throw new DataflowError('E_INTERNAL', `${node.key} has nothing to be audited`);
  const session = await run.openTables(`${run.run_id}/${node.key}`);
  try {
    await bindPublished(session, node.key, published, step.inputs);
    const tests = await runTests(run, session, node.spec.tests, published.columns, undefined);
    requirePassed(node.key, tests, {
      kept: `the published version ${published.version} of ${node.key} stays as it is, although it does not pass`,
      hint: `Look at it with: dataflow query "select * from ${node.key} limit 20"; mend what it is made of, or the tests.`,
    });
    const last = run.ledger.lastSuccess(node.key);
    const fingerprint = testsFingerprint(node);
    const record: StepRecord = {
      ...unchanged(step, published.version),
      reason: `${step.verdict.reason}; the published version ${published.version} was audited again and passes`,
      ...(last === undefined ? {} : { inputs: last.inputs }),
      ...(fingerprint === undefined ? {} : { tests_fingerprint: fingerprint }),
      tests,
    };
    run.ledger.finishStep({ step: record });
    return record;
  } finally {
    await session.close();
  }
}
