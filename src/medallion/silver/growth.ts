import { needsAllRows } from '../../core/model/history.ts';
import { quarantineOf } from '../../core/model/table.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { nowIso, relationOf } from '../context.ts';
import { appliedDecision, bindDecisions } from '../decisions.ts';
import { quarantineRanAhead } from '../quarantine.ts';
import { countOf } from './candidate.ts';
import { answersSame } from './enrich/grown.ts';
import type { SilverInput } from './input.ts';
import { qualified, type SilverStep } from './sql.ts';

/**
 * What an incremental computation would read: only the bronze files added since the last success, and the quarantined rows worth
 * another try. Undefined when only the whole table would be right (rows were taken away, the definition changed, …);
 * `unaffected` when the inputs moved but no row of this table depends on what moved.
 */
export async function growthInput(
  step: SilverStep,
  snapshot: Snapshot | undefined,
): Promise<SilverInput | 'unaffected' | undefined> {
  const { run, node, verdict } = step;
  const last = run.ledger.lastSuccess(node.key);
  if (verdict.mode !== 'incremental' || snapshot === undefined || last === undefined) return undefined;
  if (needsAllRows(node.spec)) return undefined;
  const { dedupe } = node.spec;
  // The first row of a key may be a bad one only under before_rules; "last" or "by" would then also take good rows away again.
  if (dedupe?.before_rules === true && (dedupe.keep !== 'first' || dedupe.by !== undefined)) return undefined;
  if (await quarantineRanAhead(step, snapshot.version)) return undefined;
  if (await needsWhole(step)) return undefined;
  const files = new Map<string, readonly DataFile[]>();
  for (const table of node.inputs) {
    const added = await addedFiles(step, table, last.inputs[table]);
    if (added === undefined) return undefined;
    files.set(table, added);
  }
  for (const table of node.references.filter((name) => verdict.changed.includes(name))) {
    if (!(await onlyGrew(step, table, last.inputs[table]))) return undefined;
  }
  const retry = mayRetry(step, snapshot) ? await retryable(step) : undefined;
  const fresh = [...files.values()].flat().reduce((sum, file) => sum + file.rows, 0);
  // A discard alone, with no input that moved, is no reason to try other rows again.
  if (fresh === 0 && (retry === undefined || verdict.changed.length === 0)) return 'unaffected';
  return { kind: 'growth', files, rows: fresh + (retry?.rows ?? 0), ...(retry === undefined ? {} : { retry }) };
}

/**
 * A row that is sent again may belong anywhere in the order of arrival, so decisions of this kind make the whole table be computed; so does
 * a corrected row that is still refused but may pass later, since its source holds the uncorrected one.
 */
async function needsWhole(step: SilverStep): Promise<boolean> {
  if (step.decided === undefined) return false;
  const quarantine = await step.run.lake.snapshot(quarantineOf({ layer: 'silver', name: step.node.name }));
  const session = await step.run.openSession(`${step.run.run_id}/${step.node.key}/decisions`);
  try {
    if (!(await bindDecisions(session, step.decided))) return false;
    if (quarantine !== undefined) await session.bind(relationOf(quarantine, 'open_quarantine'));
    const waiting =
      quarantine === undefined
        ? 'false'
        : `mended is not null and quarantine_id in (select quarantine_id from open_quarantine where retryable)`;
    const [row] = await session.rows(
      `select count(*) as n from in_force where (decision > ${appliedDecision(step)} and action <> 'discard') or (${waiting})`,
    );
    return Number(row?.['n'] ?? 0) > 0;
  } finally {
    await session.close();
  }
}

async function addedFiles(
  step: SilverStep,
  table: string,
  from: number | undefined,
): Promise<readonly DataFile[] | undefined> {
  const input = step.inputs.get(table);
  if (input === undefined || from === undefined) return undefined;
  if (from === input.version) return [];
  const changes = await step.run.lake.changes(input.table, from, input.version);
  return changes.schema_changed || changes.removed.length > 0 ? undefined : changes.added;
}

/** True when every key that rules could find in the referenced table before is still there, and lookups find in it what they found. */
async function onlyGrew(step: SilverStep, table: string, from: number | undefined): Promise<boolean> {
  const input = step.inputs.get(table);
  if (input === undefined || from === undefined) return false;
  const changes = await step.run.lake.changes(input.table, from, input.version);
  if (changes.schema_changed) return false;
  if (!(await answersSame(step, table, from, input))) return false;
  if (changes.removed.length === 0) return true;
  const columns = referencedColumns(step, table);
  const session = await step.run.openTables(`${step.run.run_id}/${step.node.key}/references`);
  try {
    await session.bind(relationOf(input, table));
    await session.bind({ ...relationOf(input, 'gone'), files: changes.removed });
    for (const column of columns.map(quoteIdent)) {
      const sql = `select count(*) as n from gone where ${column} is not null and ${column} not in (select ${column} from ${qualified(table)} where ${column} is not null)`;
      const [row] = await session.rows(sql);
      if (Number(row?.['n'] ?? 1) > 0) return false;
    }
    return true;
  } finally {
    await session.close();
  }
}

function referencedColumns(step: SilverStep, table: string): readonly string[] {
  const context = { columns: [], now_iso: nowIso(step.run) };
  const found = step.node.spec.rules.flatMap((use) => step.run.checks.get(use.check)?.row?.(use.params, context) ?? []);
  return [
    ...new Set(found.flatMap((condition) => (condition.reference?.table === table ? [condition.reference.on] : []))),
  ];
}

/** Some rule, or a lookup, refuses rows that may pass later; without one nothing in the quarantine is worth a look. */
function mayRetry({ node: { spec }, run }: SilverStep, { columns }: Snapshot): boolean {
  if ((spec.enrich ?? []).length > 0) return true;
  const context = { columns, now_iso: nowIso(run) };
  return spec.rules.some((use) =>
    run.checks
      .get(use.check)
      ?.row?.(use.params, context)
      .some((one) => one.retryable),
  );
}

async function retryable(step: SilverStep): Promise<SilverInput['retry']> {
  const snapshot = await step.run.lake.snapshot(quarantineOf({ layer: 'silver', name: step.node.name }));
  if (snapshot === undefined || snapshot.rows === 0) return undefined;
  const where = 'retryable';
  const session = await step.run.openSession(`${step.run.run_id}/${step.node.key}/retry`);
  try {
    await session.bind(relationOf(snapshot, 'open_quarantine'));
    const rows = await countOf(session, `open_quarantine where ${where}`);
    return rows === 0 ? undefined : { snapshot, where, rows };
  } finally {
    await session.close();
  }
}
