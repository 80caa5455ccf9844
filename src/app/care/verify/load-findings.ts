import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { isStepNote, outcomeFrom } from '../../../core/model/step-note.ts';
import { tableKey } from '../../../core/model/table.ts';
import type { Node } from '../../../core/planning/graph.ts';
import type { LoggedVersion, LogReport } from '../../../core/ports/lake-care.ts';
import type { InputRecord, Ledger, StepOutcome } from '../../../core/ports/ledger.ts';
import { damage, entryOf, type Finding, holds, newestOf, refreshCommand } from './finding.ts';
import { uniqueColumns } from './row-findings.ts';

/** What each load said of its input files, against the rows that its version brought and against the ledger. No row is read for it. */
export function loadFindings(report: LogReport, ledger: Ledger): readonly Finding[] {
  const findings: Finding[] = [];
  const loads = new Map<number, readonly InputRecord[]>();
  const known = new Map(ledger.inputs(report.table.name).map((input) => [input.path, input]));
  // Files of earlier loads that were touched, copied or restored stand in the note too.
  const cameBefore = ({ path, sha256 }: InputRecord, version: number): boolean => {
    const one = known.get(path);
    return one?.version !== undefined && one.sha256 === sha256 && one.version < version;
  };
  for (const logged of report.versions) {
    const outcome = outcomeOf(report, logged);
    if (outcome?.inputs === undefined || outcome.undo !== undefined) continue;
    const loaded = outcome.inputs.filter((input) => input.status === 'loaded' && !cameBefore(input, logged.version));
    loads.set(logged.version, loaded);
    const rows = loaded.reduce((sum, input) => sum + input.records - input.rejected, 0);
    // A version that replaces files also writes the rows again that stay, and returned rows come from the quarantine.
    if (loaded.length === 0 || logged.rows_removed !== 0 || outcome.returned !== undefined) continue;
    if (rows !== logged.rows_added) findings.push(otherRows(report, logged, rows));
  }
  for (const input of known.values()) {
    const loaded = input.status === 'loaded' ? loads.get(input.version ?? -1) : undefined;
    const finding = loaded === undefined ? undefined : otherInput(report, input, loaded);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

/** Undefined for what is no load of this table, and for a damaged note, which is told of elsewhere. */
function outcomeOf({ table }: LogReport, { version, note, committed_at_ms }: LoggedVersion): StepOutcome | undefined {
  if (note === undefined || !isStepNote(note) || note.step !== tableKey(table)) return undefined;
  try {
    return outcomeFrom(note, version, committed_at_ms);
  } catch (error) {
    if (error instanceof DataflowError) return undefined;
    throw error;
  }
}

function otherRows(report: LogReport, { version, rows_added }: LoggedVersion, rows: number): Finding {
  const table = tableKey(report.table);
  return damage('input', `version ${version} of ${table} holds another number of rows than its input files gave`, {
    table,
    path: entryOf(report, version),
    versions: String(version),
    expected: `${rows} rows`,
    actual: `${rows_added} rows`,
    remedy: `dataflow verify --rows ${table} names the inputs.`,
  });
}

function otherInput(report: LogReport, input: InputRecord, loaded: readonly InputRecord[]): Finding | undefined {
  const said = loaded.find((one) => one.path === input.path && one.sha256 === input.sha256);
  if (said?.records === input.records && said.rejected === input.rejected) return undefined;
  const table = tableKey(report.table);
  const words = (one: InputRecord): string => `${one.records} records, ${one.rejected} rejected`;
  return damage('input', `the log and the ledger differ on ${input.path}, loaded by version ${input.version}`, {
    table,
    path: input.path,
    versions: String(input.version),
    expected: said === undefined ? 'not loaded' : words(said),
    actual: words(input),
    remedy: 'dataflow ledger rebuild makes the ledger anew from the lake.',
  });
}

/** A key of whole numbers cannot have more rows than there are numbers between its least and greatest: the statistics tell, no row is read. */
export function keyRangeFindings(report: LogReport, node: Node | undefined): readonly Finding[] {
  const [name, ...more] = uniqueColumns(node);
  if (name === undefined || more.length > 0) return [];
  const newest = newestOf(report);
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  let rows = 0;
  for (const { versions, stats } of report.files) {
    if (!holds(versions, newest)) continue;
    const [min, max] = [stats?.min_values?.[name], stats?.max_values?.[name]];
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max)) return [];
    least = Math.min(least, Number(min));
    greatest = Math.max(greatest, Number(max));
    rows += (stats?.num_records ?? 0) - (stats?.null_count?.[name] ?? 0);
  }
  const possible = greatest - least + 1;
  if (rows === 0 || rows <= possible) return [];
  const table = tableKey(report.table);
  return [
    damage('key', `${table} has more rows than its key ${name} has values between ${least} and ${greatest}`, {
      table,
      expected: `at most ${possible} rows`,
      actual: `${rows} rows`,
      remedy: refreshCommand(table),
    }),
  ];
}
