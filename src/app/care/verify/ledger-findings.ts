import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { isStepNote, outcomeFrom } from '../../../core/model/step-note.ts';
import { tableKey } from '../../../core/model/table.ts';
import type { LoggedVersion, LogReport } from '../../../core/ports/lake-care.ts';
import type { Ledger, ReleaseRecord, StepRecord } from '../../../core/ports/ledger.ts';
import { damage, entryOf, type Finding, newestOf, remark } from './finding.ts';

const REBUILD = 'dataflow ledger rebuild makes the ledger anew from the lake.';

/** What the ledger knows of a table's steps that its log can be held against, by id. */
export function stepsOf(report: LogReport, ledger: Ledger): ReadonlyMap<string, StepRecord> {
  const versions = report.versions.map(({ version }) => version);
  const log = {
    step_ids: report.versions.flatMap(({ note }) => (note !== undefined && isStepNote(note) ? [note.step_id] : [])),
    from: versions.reduce((oldest, version) => Math.min(oldest, version), Number.MAX_SAFE_INTEGER),
    to: newestOf(report),
  };
  const steps = ledger.pages.provable(tableKey(report.table), log);
  return new Map(steps.map((step) => [step.step_id, step]));
}

/** The log against the ledger and the ledger against the log, for one table. */
export function ledgerFindings(
  report: LogReport,
  ledger: Ledger,
  steps: ReadonlyMap<string, StepRecord>,
): readonly Finding[] {
  const table = tableKey(report.table);
  const findings: Finding[] = [];
  const known = ledger.lastSuccess(table)?.output_version ?? -1;
  for (const logged of report.versions) findings.push(...logAgainstLedger(report, logged, ledger, steps, known));
  const published = new Map(
    report.versions.map(({ version, note }) => [
      version,
      note !== undefined && isStepNote(note) ? note.step_id : undefined,
    ]),
  );
  for (const step of steps.values()) {
    if (step.step !== table || step.status !== 'succeeded' || step.output_version === undefined) continue;
    if (isSuperseded(step.step_id, step.output_version, published, steps)) continue;
    if (isBehindDamage(report, step.output_version)) continue;
    const finding = ledgerAgainstLog(table, step, newestOf(report), published);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

/** It cannot be read for what is told of the log itself, which may well go on that far. */
function isBehindDamage(report: LogReport, version: number): boolean {
  if (version <= newestOf(report)) return false;
  return report.problems.some((one) => (one.kind === 'gap' || one.kind === 'entry') && one.version <= version);
}

/**
 * A later step of the ledger published this number or a lower one: the table had been lost, in whole or its last versions, and was loaded anew. What was
 * made before has the same numbers and is no longer there. Ids of steps are in the order of time.
 */
function isSuperseded(
  step_id: string,
  version: number,
  published: ReadonlyMap<number, string | undefined>,
  steps: ReadonlyMap<string, StepRecord>,
): boolean {
  if ([...published.values()].includes(step_id)) return false;
  for (const [number, owner] of published)
    if (number <= version && owner !== undefined && owner > step_id && steps.get(owner)?.output_version === number)
      return true;
  return false;
}

function logAgainstLedger(
  report: LogReport,
  { version, note, committed_at_ms, operation }: LoggedVersion,
  ledger: Ledger,
  steps: ReadonlyMap<string, StepRecord>,
  known: number,
): readonly Finding[] {
  const table = tableKey(report.table);
  const at = { table, path: entryOf(report, version), versions: String(version) };
  if (note === undefined)
    return [remark('ledger', `version ${version} of ${table} was written by another program (${operation})`, at)];
  if (!isStepNote(note) || note.step !== table) return [];
  let told: StepRecord;
  try {
    told = outcomeFrom(note, version, committed_at_ms).step;
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
    return [damage('log', error.message, { ...at, remedy: error.hint })];
  }
  const step = steps.get(told.step_id);
  if (step === undefined && version > known)
    return [
      remark('ledger', `version ${version} of ${table} is not in the ledger yet`, {
        ...at,
        remedy: 'A run is at work, or died here: the next dataflow run enters it.',
      }),
    ];
  if (step === undefined)
    return [damage('ledger', `the ledger does not know version ${version} of ${table}`, { ...at, remedy: REBUILD })];
  const findings: Finding[] = [];
  if (ledger.run(told.run_id) === undefined)
    findings.push(
      damage('ledger', `the ledger does not know the run ${told.run_id} of ${table} version ${version}`, {
        ...at,
        remedy: REBUILD,
      }),
    );
  for (const [what, expected, actual] of differences(told, step))
    findings.push(
      damage('ledger', `the log and the ledger differ on ${what} of ${table} version ${version}`, {
        ...at,
        expected,
        actual,
        remedy: REBUILD,
      }),
    );
  return findings;
}

/** What the log says, and what the ledger says. */
function differences(log: StepRecord, ledger: StepRecord): readonly (readonly [string, string, string])[] {
  const facts = ({ step, run_id, status, output_version, balance, inputs, code_fingerprint }: StepRecord) => ({
    'the table': step,
    'the run': run_id,
    'the outcome': status,
    'the version': output_version ?? null,
    'the balance': balance ?? null,
    'the input versions': Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1)),
    'the fingerprint': code_fingerprint ?? null,
  });
  const [said, recorded] = [facts(log), facts(ledger)];
  return (Object.keys(said) as (keyof typeof said)[])
    .map((what) => [what, JSON.stringify(said[what]), JSON.stringify(recorded[what])] as const)
    .filter(([, expected, actual]) => expected !== actual);
}

function ledgerAgainstLog(
  table: string,
  step: StepRecord,
  newest: number,
  published: ReadonlyMap<number, string | undefined>,
): Finding | undefined {
  const version = step.output_version ?? -1;
  const at = { table, versions: String(version), remedy: REBUILD };
  if (version > newest)
    return damage('log', `the ledger knows version ${version} of ${table}, but its log ends at ${newest}`, {
      ...at,
      expected: `version ${version}`,
      actual: `version ${newest}`,
      remedy: 'Restore the log from a backup or a mirror; or dataflow ledger rebuild, then dataflow run.',
    });
  // A step that changed nothing names the version that it found; only those that used the engine published one.
  const owner = published.get(version);
  if (step.resources === undefined || !published.has(version) || owner === step.step_id) return undefined;
  return damage('ledger', `the ledger says that step ${step.step_id} made version ${version} of ${table}`, {
    ...at,
    expected: owner ?? 'no step',
    actual: step.step_id,
  });
}

/** The tables of a release must be readable: all of them for the newest, whatever was kept of the older ones. */
export function releaseFindings(
  releases: readonly ReleaseRecord[],
  reports: ReadonlyMap<string, LogReport>,
): readonly Finding[] {
  const [newest] = releases;
  if (newest === undefined) return [];
  return Object.entries(newest.tables).flatMap(([table, version]) => {
    const report = reports.get(table);
    if (report === undefined || report.versions.some((one) => one.version === version)) return [];
    return [
      damage('release', `release ${newest.release_id} names version ${version} of ${table}, which cannot be read`, {
        table,
        versions: String(version),
        releases: [newest.release_id],
        remedy: `Restore the log of ${table} from a backup or a mirror; or dataflow run, which records a new release.`,
      }),
    ];
  });
}
