import type { Column } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { ReturnedRows, StepRecord } from '../../core/ports/ledger.ts';
import { storedColumns } from '../../core/types/stored-columns.ts';
import { faultPoint } from '../../kit/fault.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { audit } from '../audit.ts';
import { dropDiscarded, onlyDiscards } from '../discards.ts';
import { publish, recordUnchanged, unchanged } from '../publish.ts';
import { stageQuarantine } from '../quarantine.ts';
import { writeInBatches } from '../smaller-plan.ts';
import { countOf, type SilverCandidate, warningsOf } from './candidate.ts';
import { returnedHere, unmatched } from './decided.ts';
import { defineSilver } from './define.ts';
import { sinceFirstRejected } from './first-rejected.ts';
import { growthInput } from './growth.ts';
import { bindSources, type SilverInput, wholeInput } from './input.ts';
import { mergeRows } from './merge.ts';
import { rejectRows } from './reject.ts';
import { noneCameHome, onlyRejectedAgain } from './rejected-again.ts';
import type { SilverStep, SilverViews } from './sql.ts';
import { chooseRows, tableColumns } from './versions.ts';

/**
 * Builds one silver table. The order is fixed: unite the sources by name → `where` → `select` → `rules` → `key` and `dedupe`
 * (before the rules when `before_rules` is set) → `partition_by` → `tests`. Only new bronze files are read when the sources only grew;
 * a row quarantined for a retryable rule (a missing reference) is tried again.
 */
export async function runSilver(step: SilverStep): Promise<StepRecord> {
  const snapshot = await step.run.lake.snapshot({ layer: 'silver', name: step.node.name });
  if (snapshot !== undefined && (await onlyDiscards(step, snapshot))) {
    const record = unchanged(step, snapshot.version);
    const returned = await dropDiscarded(step, snapshot, { step: record });
    step.run.ledger.finishStep({ step: record, returned });
    return record;
  }
  const returned = await dropDiscarded(step, snapshot);
  const growth = await growthInput(step, snapshot);
  if (growth === 'unaffected' && snapshot !== undefined) return recordUnchanged(step, snapshot.version, returned);
  if (growth !== undefined && growth !== 'unaffected' && snapshot !== undefined) {
    const record = await attempt(step, snapshot, growth, returned);
    if (record !== undefined) return record;
  }
  const record = await attempt(step, snapshot, wholeInput(step));
  if (record === undefined) throw new Error(`${step.node.key}: the whole table could not be computed`);
  return record;
}

/** One way of computing the step; undefined when an incremental attempt finds that only the whole table would be right. */
async function attempt(
  step: SilverStep,
  snapshot: Snapshot | undefined,
  input: SilverInput,
  /** Rows of decisions that were made again; a computation of the whole finds them by itself. */
  made_again: readonly ReturnedRows[] = [],
): Promise<StepRecord | undefined> {
  const cpu = process.cpuUsage();
  const session = await step.run.openTables(`${step.run.run_id}/${step.node.key}`);
  try {
    const source = await bindSources(step, session, input);
    const views = await defineSilver(step, session, source.columns, source.decided);
    const columns = storedColumns(tableColumns(step, views.columns), step.node.key);
    const made =
      input.kind === 'whole'
        ? await computeWhole(step, session, views, columns, snapshot, input)
        : await mergeRows(step, session, views, columns, snapshot, input);
    if (made === undefined) return undefined;
    faultPoint('after-stage');
    if (source.decided && snapshot !== undefined && (await noneCameHome(step, session, snapshot, made)))
      return await onlyRejectedAgain(step, snapshot, made);
    const candidate = { columns, partition_by: step.node.spec.partition_by, files: [...made.keep, ...made.add] };
    const tests = await audit(step, session, candidate, snapshot);
    const used = process.cpuUsage(cpu);
    return await publish(step, {
      snapshot,
      mode: made.mode,
      add: made.add,
      remove: made.remove,
      columns,
      partition_by: step.node.spec.partition_by,
      txns: [],
      inputs: Object.fromEntries([...step.inputs].map(([table, version]) => [table, version.version])),
      balance: {
        rows_in: made.rows_in,
        rows_out: made.rows_out,
        quarantined: made.quarantined,
        deduplicated: made.deduplicated,
        filtered: made.filtered,
      },
      tests: [...made.warnings, ...tests],
      computed: made.computed,
      ...(made.quarantine === undefined ? {} : { quarantine: made.quarantine }),
      quarantine_counts: made.quarantine_counts,
      replaces_quarantine: made.replaces_quarantine,
      returned: [...made.returned, ...made_again],
      usage: session.usage(),
      cpu_ms: Math.round((used.user + used.system) / 1000),
    });
  } finally {
    await session.close();
  }
}

/** All rows of the step: those of the table, and those that it rejects, in staging. */
export async function computeWhole(
  step: SilverStep,
  session: EngineSession,
  views: SilverViews,
  columns: readonly Column[],
  snapshot: Snapshot | undefined,
  input: SilverInput,
): Promise<SilverCandidate> {
  const { run, node } = step;
  const chosen = await chooseRows(step, session, views, columns);
  const names = columns.map((column) => quoteIdent(column.name)).join(', ');
  const add = await writeInBatches(step, session, `select ${names} from ${chosen.from}`, {
    folder: await run.lake.stage(run.run_id, step.step_id, 'data'),
    columns,
    partition_by: node.spec.partition_by,
  });
  const rows_out = add.reduce((sum, file) => sum + file.rows, 0);
  const picked = node.spec.where === undefined ? input.rows : await countOf(session, 'picked');
  const found = await rejectRows(step, session, views, {
    has_losers: chosen.has_losers,
    expected: picked - rows_out - chosen.deduplicated - chosen.deleted,
  });
  const rejected = await sinceFirstRejected(step, session, found, {
    decided: views.decided,
    table_version: snapshot?.version,
  });
  const quarantine = await stageQuarantine(step, session, rejected.sql, 'all');
  return {
    columns,
    mode: 'rewrite',
    computed: 'full',
    add,
    remove: snapshot?.files ?? [],
    keep: [],
    rows_in: input.rows,
    rows_out,
    deduplicated: chosen.deduplicated,
    filtered: input.rows - picked + chosen.deleted,
    quarantined: rejected.rows,
    quarantine,
    quarantine_counts: rejected.counts,
    replaces_quarantine: true,
    returned: views.decided ? await returnedHere(step, session, rejected.rows > 0) : [],
    warnings: [...(await warningsOf(session, views)), ...(views.decided ? await unmatched(session) : [])],
  };
}
