import { type Balance, imbalance } from '../../../core/model/balance.ts';
import { isStepNote } from '../../../core/model/step-note.ts';
import { tableKey } from '../../../core/model/table.ts';
import { codeFingerprint } from '../../../core/planning/fingerprint.ts';
import type { Node } from '../../../core/planning/graph.ts';
import type { LoggedVersion, LogReport } from '../../../core/ports/lake-care.ts';
import type { Ledger, StepRecord } from '../../../core/ports/ledger.ts';
import { damage, type Finding, refreshCommand } from './finding.ts';

/** Adds every balance again, and holds it against the rows that the log says are there. */
export function balanceFindings(
  report: LogReport,
  steps: ReadonlyMap<string, StepRecord>,
  reports: ReadonlyMap<string, LogReport>,
  node: Node | undefined,
): readonly Finding[] {
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const logged of report.versions) {
    findings.push(...rearranged(report, logged));
    const step = logged.note !== undefined && isStepNote(logged.note) ? stepOf(logged, steps) : undefined;
    if (step?.balance === undefined) continue;
    told.add(step.step_id);
    findings.push(
      ...sums(step, step.balance, logged.version),
      ...growth(report, step, step.balance, logged),
      ...inputRows(step, step.balance, logged.version, reports, node),
    );
  }
  for (const step of steps.values()) {
    if (step.step !== tableKey(report.table) || step.balance === undefined || told.has(step.step_id)) continue;
    findings.push(...sums(step, step.balance, step.output_version ?? -1));
  }
  return findings;
}

function stepOf(logged: LoggedVersion, steps: ReadonlyMap<string, StepRecord>): StepRecord | undefined {
  return steps.get(logged.note?.step_id ?? '');
}

function sums(step: StepRecord, b: Balance, version: number): readonly Finding[] {
  const missing = imbalance(b);
  if (missing === 0) return [];
  return [
    damage('balance', `the balance of ${step.step} version ${version} does not add up`, {
      table: step.step,
      versions: String(version),
      expected: `${b.rows_in} rows in`,
      actual: `${b.rows_out} out + ${b.quarantined} quarantined + ${b.deduplicated} deduplicated + ${b.filtered} filtered`,
      remedy: refreshCommand(step.step),
    }),
  ];
}

/** Compaction moves rows from file to file and loses none. */
function rearranged(report: LogReport, { version, data_change, ...rows }: LoggedVersion): readonly Finding[] {
  if (data_change || Number.isNaN(rows.rows_removed) || rows.rows_added === rows.rows_removed) return [];
  const table = tableKey(report.table);
  return [
    damage('balance', `version ${version} of ${table} only rearranges files, yet its number of rows differs`, {
      table,
      versions: String(version),
      expected: `${rows.rows_removed} rows`,
      actual: `${rows.rows_added} rows`,
      remedy: `dataflow query --as-of ${version - 1} reads the version before it.`,
    }),
  ];
}

/** Rows out are what the table grew by, or all of it when it was computed as a whole. */
function growth(report: LogReport, step: StepRecord, b: Balance, logged: LoggedVersion): readonly Finding[] {
  const { layer } = report.table;
  const grown = logged.rows_added - logged.rows_removed;
  // A bronze version that replaces files also writes the rows again that stay: their number is not in the balance.
  const comparable = layer === 'bronze' ? logged.rows_removed === 0 : !Number.isNaN(grown);
  const actual = layer !== 'bronze' && step.mode === 'full' ? logged.rows : grown;
  if (!comparable || actual === b.rows_out) return [];
  return [
    damage('balance', `version ${logged.version} of ${step.step} holds another number of rows than its step put out`, {
      table: step.step,
      versions: String(logged.version),
      expected: `${b.rows_out} rows`,
      actual: `${actual} rows`,
      remedy: refreshCommand(step.step),
    }),
  ];
}

/** A silver table that was computed as a whole has read every row of its inputs. */
function inputRows(
  step: StepRecord,
  b: Balance,
  version: number,
  reports: ReadonlyMap<string, LogReport>,
  node: Node | undefined,
): readonly Finding[] {
  if (node?.layer !== 'silver' || step.mode !== 'full' || step.code_fingerprint !== codeFingerprint(node)) return [];
  const rows = node.inputs.map((input) => {
    const at = step.inputs[input];
    const read = reports.get(input)?.versions.find((one) => one.version === at);
    // Made after it was read: the table was lost and loaded anew since, under the same numbers.
    return read?.note !== undefined && read.note.step_id > step.step_id ? undefined : read?.rows;
  });
  if (rows.some((one) => one === undefined)) return [];
  const expected = rows.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  if (expected === b.rows_in) return [];
  return [
    damage('balance', `version ${version} of ${step.step} read another number of rows than its inputs held`, {
      table: step.step,
      versions: String(version),
      expected: `${expected} rows`,
      actual: `${b.rows_in} rows`,
      remedy: refreshCommand(step.step),
    }),
  ];
}

/** Rows that the ledger says are in a table's quarantine, and those that are. */
export function quarantineFindings(
  table: string,
  quarantine: LogReport | undefined,
  ledger: Ledger,
): readonly Finding[] {
  const counted = ledger.quarantine(table).reduce((sum, one) => sum + one.rows, 0);
  const rows = quarantine?.versions.at(-1)?.rows ?? 0;
  if (counted === rows) return [];
  return [
    damage('quarantine', `the ledger counts other rows in quarantine of ${table} than its quarantine table holds`, {
      table,
      expected: `${rows} rows in the table`,
      actual: `${counted} rows in the ledger`,
      remedy: 'dataflow ledger rebuild counts them again from the lake.',
    }),
  ];
}
