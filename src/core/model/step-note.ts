import { DataflowError } from '../errors/dataflow-error.ts';
import type { CsvDialect } from '../ports/engine.ts';
import type { CommitNote } from '../ports/lake.ts';
import type {
  InputRecord,
  QuarantineCount,
  ReleaseRecord,
  Resources,
  StepOutcome,
  StepRecord,
  TestResult,
} from '../ports/ledger.ts';
import type { BackfillProgress } from './backfill.ts';
import type { Balance } from './balance.ts';
import { returnedFrom } from './decision-note.ts';
import { driftFrom } from './drift-note.ts';
import {
  asArray,
  asBoolean,
  asInteger,
  asIntegers,
  asNumber,
  asObject,
  asText,
  asWord,
  field,
  type JsonObject,
  NoteProblem,
} from './note-fields.ts';
import { pulledFrom } from './pulled.ts';
import { type NoteParts, undoFrom, undoNote } from './undo-note.ts';

/** Format of the notes; a reader refuses a higher one. */
const NOTE_FORMAT = 1;

const STATUSES = ['running', 'succeeded', 'failed', 'skipped', 'up_to_date'] as const;
const MODES = ['full', 'incremental'] as const;
const SEVERITIES = ['fail', 'warn'] as const;
const INPUT_STATUSES = ['loaded', 'duplicate', 'quarantined', 'removed'] as const;

/**
 * All that the ledger learns from a publish, in the form in which the commit itself carries it (`commitInfo.dataflow`), so that the
 * ledger can be made anew from the lake. Plain JSON; what repeats the step (run id, source, table) is left out.
 * The output version is not in it: the commit's own version is the truth.
 */
export function noteFor(outcome: StepOutcome, release?: ReleaseRecord): CommitNote {
  const { run_id, step_id, step, code_fingerprint, inputs, output_version: _, ...rest } = outcome.step;
  return {
    format: NOTE_FORMAT,
    kind: 'step',
    run_id,
    step_id,
    step,
    ...(code_fingerprint === undefined ? {} : { code_fingerprint }),
    inputs,
    ...rest,
    ...(outcome.inputs === undefined
      ? {}
      : { input_files: outcome.inputs.map((input) => shortInput(input, outcome.step)) }),
    ...(outcome.quarantine === undefined
      ? {}
      : { quarantine: outcome.quarantine.map((count) => shortCount(count, outcome.step)) }),
    ...(outcome.replaces_quarantine === undefined ? {} : { replaces_quarantine: outcome.replaces_quarantine }),
    ...(outcome.returned === undefined ? {} : { returned: outcome.returned }),
    ...(outcome.dialect === undefined ? {} : { dialect: outcome.dialect }),
    ...(outcome.drift === undefined ? {} : { drift: outcome.drift }),
    ...(outcome.definition === undefined ? {} : { definition: outcome.definition }),
    ...(outcome.undo === undefined ? {} : { undo: undoNote(outcome.undo, (input) => shortInput(input, outcome.step)) }),
    ...(outcome.backfill === undefined ? {} : { backfill: outcome.backfill }),
    ...(outcome.pulled === undefined ? {} : { pulled: outcome.pulled }),
    ...(release === undefined ? {} : { release }),
  };
}

/**
 * The outcome that a note tells of, completed by what only the commit knew: its version (also that of the files it loaded) and, when
 * the step had not ended, its time. Notes without a format give the little they have.
 * @throws DataflowError E_LAKE_CORRUPT when a field is not what it should be, E_LEDGER_NEWER for a higher format.
 */
export function outcomeFrom(note: CommitNote, version: number, committed_at_ms: number): StepOutcome {
  return reading(note, version, () => {
    const fields = asObject(note, 'note');
    const step = stepFrom(fields, version, new Date(committed_at_ms).toISOString());
    return {
      step,
      ...field(fields, 'input_files', 'inputs', (value, at) =>
        asArray(value, at, (one, its) => inputFrom(one, its, step, version)),
      ),
      ...field(fields, 'quarantine', 'quarantine', (value, at) =>
        asArray(value, at, (one, its) => countFrom(one, its, step)),
      ),
      ...field(fields, 'replaces_quarantine', 'replaces_quarantine', asBoolean),
      ...field(fields, 'returned', 'returned', (value, at) => asArray(value, at, returnedFrom)),
      ...field(fields, 'dialect', 'dialect', dialectFrom),
      ...field(fields, 'drift', 'drift', (value, at) => asArray(value, at, driftFrom)),
      ...field(fields, 'definition', 'definition', asText),
      ...field(fields, 'undo', 'undo', (value, at) => undoFrom(value, at, undoParts(step, version))),
      ...field(fields, 'backfill', 'backfill', backfillFrom),
      ...field(fields, 'pulled', 'pulled', pulledFrom),
    };
  });
}

/** The release that was recorded with a commit, when the note names one. */
export function releaseFrom(note: CommitNote): ReleaseRecord | undefined {
  return reading(note, undefined, () => field(asObject(note, 'note'), 'release', 'release', releaseOf).release);
}

/** True for the notes that {@link noteFor} writes; other commits (maintenance, quarantine) carry notes of another kind. */
export function isStepNote(note: CommitNote): boolean {
  return note['kind'] === 'step';
}

function reading<T>(note: CommitNote, version: number | undefined, read: () => T): T {
  const format = note['format'];
  if (typeof format === 'number' && format > NOTE_FORMAT) {
    throw new DataflowError('E_LEDGER_NEWER', `${note.step} was published by a newer dataflow (note format ${format})`);
  }
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NoteProblem)) throw error;
    const where = version === undefined ? note.step : `${note.step} version ${version}`;
    throw new DataflowError('E_LAKE_CORRUPT', `the commit note of ${where} is damaged: ${error.message}`, {
      hint: 'Restore this log entry from a backup, or remove the table and load it again.',
      cause: error,
    });
  }
}

function stepFrom(note: JsonObject, version: number, committed_at: string): StepRecord {
  return {
    run_id: asText(note['run_id'], 'run_id'),
    step_id: asText(note['step_id'], 'step_id'),
    step: asText(note['step'], 'step'),
    status: field(note, 'status', 'status', asWord(STATUSES)).status ?? 'succeeded',
    reason: field(note, 'reason', 'reason', asText).reason ?? 'published; the commit does not say why',
    ...field(note, 'mode', 'mode', asWord(MODES)),
    ...field(note, 'code_fingerprint', 'code_fingerprint', asText),
    ...field(note, 'tests_fingerprint', 'tests_fingerprint', asText),
    inputs: field(note, 'inputs', 'inputs', asIntegers).inputs ?? {},
    output_version: version,
    ...field(note, 'balance', 'balance', balanceFrom),
    tests: field(note, 'tests', 'tests', (value, at) => asArray(value, at, testFrom)).tests ?? [],
    ...field(note, 'resources', 'resources', resourcesFrom),
    ...field(note, 'error', 'error', errorFrom),
    started_at: field(note, 'started_at', 'started_at', asText).started_at ?? committed_at,
    finished_at: field(note, 'finished_at', 'finished_at', asText).finished_at ?? committed_at,
  };
}

function shortInput(input: InputRecord, step: StepRecord): JsonObject {
  const { source, run_id, ...rest } = input;
  return { ...rest, ...(source === sourceOf(step) ? {} : { source }), ...(run_id === step.run_id ? {} : { run_id }) };
}

function inputFrom(value: unknown, at: string, step: StepRecord, version: number): InputRecord {
  const o = asObject(value, at);
  const status = asWord(INPUT_STATUSES)(o['status'], `${at}.status`);
  const loaded = status === 'loaded' ? { version } : {};
  return {
    source: field(o, 'source', 'source', asText, at).source ?? sourceOf(step),
    path: asText(o['path'], `${at}.path`),
    size_bytes: asInteger(o['size_bytes'], `${at}.size_bytes`),
    mtime_ns: asText(o['mtime_ns'], `${at}.mtime_ns`),
    inode: asText(o['inode'], `${at}.inode`),
    sha256: asText(o['sha256'], `${at}.sha256`),
    status,
    run_id: field(o, 'run_id', 'run_id', asText, at).run_id ?? step.run_id,
    records: asInteger(o['records'], `${at}.records`),
    rejected: asInteger(o['rejected'], `${at}.rejected`),
    ...loaded,
    ...field(o, 'version', 'version', asInteger, at),
    ...field(o, 'same_as', 'same_as', asText, at),
    ...field(o, 'reason', 'reason', asText, at),
    first_record_line: asInteger(o['first_record_line'], `${at}.first_record_line`),
    multiline_records: asBoolean(o['multiline_records'], `${at}.multiline_records`),
    ...field(o, 'record_lines', 'record_lines', asText, at),
  };
}

function undoParts(step: StepRecord, version: number): NoteParts {
  return { input: (value, at) => inputFrom(value, at, step, version), dialect: layoutFrom };
}

function sourceOf(step: StepRecord): string {
  return step.step.slice(step.step.indexOf('.') + 1);
}

function shortCount(count: QuarantineCount, step: StepRecord): JsonObject {
  const { table, run_id, ...rest } = count;
  return { ...rest, ...(table === step.step ? {} : { table }), ...(run_id === step.run_id ? {} : { run_id }) };
}

function countFrom(value: unknown, at: string, step: StepRecord): QuarantineCount {
  const o = asObject(value, at);
  return {
    run_id: field(o, 'run_id', 'run_id', asText, at).run_id ?? step.run_id,
    table: field(o, 'table', 'table', asText, at).table ?? step.step,
    rule: asText(o['rule'], `${at}.rule`),
    file: asText(o['file'], `${at}.file`),
    rows: asInteger(o['rows'], `${at}.rows`),
  };
}

function testFrom(value: unknown, at: string): TestResult {
  const o = asObject(value, at);
  return {
    test: asText(o['test'], `${at}.test`),
    severity: asWord(SEVERITIES)(o['severity'], `${at}.severity`),
    passed: asBoolean(o['passed'], `${at}.passed`),
    failures: asInteger(o['failures'], `${at}.failures`),
    message: asText(o['message'], `${at}.message`),
  };
}

function balanceFrom(value: unknown, at: string): Balance {
  const o = asObject(value, at);
  return {
    rows_in: asInteger(o['rows_in'], `${at}.rows_in`),
    rows_out: asInteger(o['rows_out'], `${at}.rows_out`),
    quarantined: asInteger(o['quarantined'], `${at}.quarantined`),
    deduplicated: asInteger(o['deduplicated'], `${at}.deduplicated`),
    filtered: asInteger(o['filtered'], `${at}.filtered`),
  };
}

function resourcesFrom(value: unknown, at: string): Resources {
  const o = asObject(value, at);
  return {
    wall_ms: asNumber(o['wall_ms'], `${at}.wall_ms`),
    cpu_ms: asNumber(o['cpu_ms'], `${at}.cpu_ms`),
    peak_memory_bytes: asNumber(o['peak_memory_bytes'], `${at}.peak_memory_bytes`),
    bytes_read: asNumber(o['bytes_read'], `${at}.bytes_read`),
    bytes_written: asNumber(o['bytes_written'], `${at}.bytes_written`),
  };
}

function errorFrom(value: unknown, at: string): NonNullable<StepRecord['error']> {
  const o = asObject(value, at);
  return {
    code: asText(o['code'], `${at}.code`),
    message: asText(o['message'], `${at}.message`),
    ...field(o, 'hint', 'hint', asText, at),
  };
}

function dialectFrom(value: unknown, at: string): NonNullable<StepOutcome['dialect']> {
  const o = asObject(value, at);
  return { source: asText(o['source'], `${at}.source`), dialect: layoutFrom(o['dialect'], `${at}.dialect`) };
}

function layoutFrom(value: unknown, at: string): CsvDialect {
  const d = asObject(value, at);
  return {
    delimiter: asText(d['delimiter'], `${at}.delimiter`),
    quote: asText(d['quote'], `${at}.quote`),
    escape: asText(d['escape'], `${at}.escape`),
    has_header: asBoolean(d['has_header'], `${at}.has_header`),
    skip_lines: asInteger(d['skip_lines'], `${at}.skip_lines`),
  };
}

function backfillFrom(value: unknown, at: string): BackfillProgress {
  const o = asObject(value, at);
  const j = asObject(o['job'], `${at}.job`);
  return {
    position: asInteger(o['position'], `${at}.position`),
    job: {
      backfill_id: asText(j['backfill_id'], `${at}.job.backfill_id`),
      step: asText(j['step'], `${at}.job.step`),
      column: asText(j['column'], `${at}.job.column`),
      from: asText(j['from'], `${at}.job.from`),
      to: asText(j['to'], `${at}.job.to`),
      window: asText(j['window'], `${at}.job.window`),
      windows: asInteger(j['windows'], `${at}.job.windows`),
      code_fingerprint: asText(j['code_fingerprint'], `${at}.job.code_fingerprint`),
      inputs: asIntegers(j['inputs'], `${at}.job.inputs`),
    },
  };
}

function releaseOf(value: unknown, at: string): ReleaseRecord {
  const o = asObject(value, at);
  return {
    release_id: asText(o['release_id'], `${at}.release_id`),
    run_id: asText(o['run_id'], `${at}.run_id`),
    created_at: asText(o['created_at'], `${at}.created_at`),
    tables: asIntegers(o['tables'], `${at}.tables`),
  };
}
