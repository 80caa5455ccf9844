import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { CheckSpec } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { clockReadBy, comparesWithClock, outdatedDay } from '../../core/planning/clock.ts';
import type { Graph, Node } from '../../core/planning/graph.ts';
import { type Cause, definitionChanges, reasonOf } from '../../core/planning/reasons.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger, StepRecord, TestResult } from '../../core/ports/ledger.ts';
import type { CheckComponent } from '../../core/ports/rule.ts';
import { keptDefinition } from '../run/definitions.ts';

/** A publish that moved an input, and in turn why that happened. */
export interface StoryPublish {
  readonly run_id: string;
  readonly version: number;
  readonly reason: string;
  readonly causes: readonly StoryCause[];
}

/** A file that a bronze step took or refused. */
export interface StoryFile {
  readonly path: string;
  readonly status: string;
  readonly records: number;
  readonly rejected: number;
}

/** A cause with what the ledger and the lake know of it. */
export type StoryCause =
  | Exclude<Cause, { kind: 'input' | 'files' }>
  | (Extract<Cause, { kind: 'input' }> & {
      readonly publishes: readonly StoryPublish[];
      /** Data files and rows that came and went between the two versions; undefined when the log no longer tells. */
      readonly moved:
        | {
            readonly files_added: number;
            readonly files_removed: number;
            readonly rows_added: number;
            readonly rows_removed: number;
          }
        | undefined;
    })
  | { readonly kind: 'new_files'; readonly count: number; readonly files: readonly StoryFile[] };

/** What is known of one attempt of a step, and why it came to that. */
export interface StepStory {
  readonly step: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly status: StepRecord['status'];
  /** The words of `plan` and `status`; for a failed step, of its error. */
  readonly reason: string;
  readonly mode: StepRecord['mode'] | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly version: number | null;
  readonly balance: StepRecord['balance'] | null;
  readonly inputs: StepRecord['inputs'];
  readonly causes: readonly StoryCause[];
  /** Tests that did not pass. `clock`: it compares with the time of the run, so it may pass or fail although nothing changed. */
  readonly failed_tests: readonly (TestResult & { readonly clock: boolean })[];
  /** Rules that compare with the clock and have rows in quarantine; these are tried again whenever the step runs. */
  readonly clock_rules: readonly { readonly rule: string; readonly rows: number }[];
  /** The function by which its SQL reads the time of the run: the table is computed again on another day. */
  readonly clock_read: string | null;
  /** What the step's lookups asked and found. */
  readonly lookups: readonly { readonly lookup: string; readonly told: string }[];
  readonly error: StepRecord['error'] | null;
  /** For a failed or skipped step: the version that stays published. */
  readonly kept_version: number | null;
  /** For a skipped step: the one whose failure kept it from running. */
  readonly because_of: StepStory | null;
}

/** What telling needs; it reads only. */
export interface StoryContext {
  readonly graph: Graph;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly checks: ReadonlyMap<string, CheckComponent>;
}

/** How far back a story goes, from gold to the files. */
const DEPTH_MAX = 8;
const PUBLISHES_MAX = 5;
const FILES_MAX = 20;

/** Tells one record: what moved, what changed, what failed. */
export async function tellStep(context: StoryContext, record: StepRecord): Promise<StepStory> {
  const { ledger } = context;
  const unfinished = record.status === 'failed' || record.status === 'skipped';
  return {
    step: record.step,
    run_id: record.run_id,
    step_id: record.step_id,
    status: record.status,
    reason: record.reason,
    mode: record.mode ?? null,
    started_at: record.started_at,
    finished_at: record.finished_at ?? null,
    version: record.output_version ?? null,
    balance: record.balance ?? null,
    inputs: record.inputs,
    causes: record.status === 'skipped' ? [] : await causesOf(context, record, DEPTH_MAX),
    failed_tests: failedTests(context, record),
    clock_rules: clockRules(context, record.step),
    clock_read: clockRead(context, record.step),
    lookups: lookupsOf(context, record),
    error: record.error ?? null,
    kept_version: unfinished ? (ledger.lastSuccess(record.step)?.output_version ?? null) : null,
    because_of: await culprit(context, record),
  };
}

/** Found again from the records: fingerprints and input versions of this one against those of the success before it. */
async function causesOf(context: StoryContext, record: StepRecord, depth: number): Promise<readonly StoryCause[]> {
  const before = context.ledger.successBefore(record);
  const causes = [...askedFor(record), ...definitionCauses(context.ledger, before, record)];
  if (record.step.startsWith('bronze.')) return [...causes, ...newFiles(context.ledger, record)];
  if (before === undefined) return [...causes, { kind: 'never_built' }];
  const node = context.graph.byKey.get(record.step);
  const clock = node === undefined ? undefined : outdatedDay(node, before.started_at, Date.parse(record.started_at));
  if (clock !== undefined) causes.push({ kind: 'clock', ...clock });
  causes.push(...testCauses(before, record));
  for (const [input, to] of Object.entries(record.inputs)) {
    const from = before.inputs[input];
    if (from === to) continue;
    if (isDecisions(input)) causes.push({ kind: 'decided', decisions: to - (from ?? -1) });
    else if (from !== undefined)
      causes.push(await tellInput(context, { kind: 'input', table: input, from, to }, depth));
    else if (before.code_fingerprint !== undefined) causes.push({ kind: 'new_table', tables: [input] });
  }
  return causes;
}

function askedFor(record: StepRecord): StoryCause[] {
  const asked = (['full-refresh', 'force'] as const).map((flag): Cause => ({ kind: 'asked', flag }));
  return asked.filter((cause) => record.reason === reasonOf([cause])) as StoryCause[];
}

function testCauses(before: StepRecord, record: StepRecord): readonly StoryCause[] {
  const [then, now] = [before.tests_fingerprint, record.tests_fingerprint];
  if (then === undefined || now === undefined || then === now) return [];
  const held = new Set(before.tests.map(({ test }) => test));
  return [{ kind: 'tests_changed', added: record.tests.map(({ test }) => test).filter((test) => !held.has(test)) }];
}

function definitionCauses(ledger: Ledger, before: StepRecord | undefined, record: StepRecord): readonly StoryCause[] {
  if (before === undefined || record.code_fingerprint === before.code_fingerprint) return [];
  if (before.code_fingerprint === undefined) return [{ kind: 'partly_built' }];
  return record.code_fingerprint === undefined ? [] : [definitionCause(ledger, before, record)];
}

/** The decisions about a table's rejected rows are kept among its inputs. */
function isDecisions(input: string): boolean {
  return input.startsWith('quarantine.decided_');
}

function definitionCause(ledger: Ledger, before: StepRecord, record: StepRecord): StoryCause {
  const old_parts = keptDefinition(ledger, before.step, before.code_fingerprint);
  const new_parts = keptDefinition(ledger, record.step, record.code_fingerprint);
  const known = old_parts !== undefined && new_parts !== undefined;
  return { kind: 'definition', changes: known ? definitionChanges(old_parts, new_parts) : undefined };
}

function newFiles(ledger: Ledger, record: StepRecord): readonly StoryCause[] {
  const source = record.step.slice('bronze.'.length);
  const files = ledger.inputs(source).filter((input) => input.run_id === record.run_id);
  if (files.length === 0) return [];
  const shown = files
    .slice(0, FILES_MAX)
    .map(({ path, status, records, rejected }) => ({ path, status, records, rejected }));
  return [{ kind: 'new_files', count: files.length, files: shown }];
}

/** A move of an input with the publishes that made it, each with its own causes. */
export async function tellInput(
  context: StoryContext,
  cause: Extract<Cause, { kind: 'input' }>,
  depth = DEPTH_MAX,
): Promise<StoryCause> {
  const { table, from, to } = cause;
  const records = from < to ? context.ledger.publishes(table, from, to).slice(-PUBLISHES_MAX) : [];
  const publishes: StoryPublish[] = [];
  for (const record of records) {
    publishes.push({
      run_id: record.run_id,
      version: record.output_version ?? to,
      reason: record.reason,
      causes: depth > 1 ? await causesOf(context, record, depth - 1) : [],
    });
  }
  return { ...cause, publishes, moved: await movedRows(context.lake, cause) };
}

async function movedRows(lake: Lake, { table, from, to }: Extract<Cause, { kind: 'input' }>) {
  const id = parseTableKey(table);
  if (id === undefined || from > to) return undefined;
  try {
    const { added, removed } = await lake.changes(id, from, to);
    const rows = (files: typeof added): number => files.reduce((sum, file) => sum + file.rows, 0);
    return {
      files_added: added.length,
      files_removed: removed.length,
      rows_added: rows(added),
      rows_removed: rows(removed),
    };
  } catch (error) {
    if (error instanceof DataflowError) return undefined;
    throw error;
  }
}

function failedTests(context: StoryContext, record: StepRecord): StepStory['failed_tests'] {
  const node = context.graph.byKey.get(record.step);
  const uses = node === undefined || node.layer === 'bronze' ? [] : [...node.spec.tests, ...rulesOf(node)];
  return record.tests
    .filter((test) => !test.passed)
    .map((test) => {
      const use = uses.find((one) => one.name === test.test);
      return { ...test, clock: use !== undefined && comparesWithClock(use, context.checks) };
    });
}

function clockRules(context: StoryContext, step: string): StepStory['clock_rules'] {
  const node = context.graph.byKey.get(step);
  const counts = context.ledger.quarantine(step);
  return (node === undefined ? [] : rulesOf(node)).flatMap((rule) => {
    const rows = counts.filter((count) => count.rule === rule.name).reduce((sum, count) => sum + count.rows, 0);
    return rows > 0 && comparesWithClock(rule, context.checks) ? [{ rule: rule.name, rows }] : [];
  });
}

function clockRead({ graph }: StoryContext, step: string): string | null {
  const node = graph.byKey.get(step);
  return (node === undefined ? undefined : clockReadBy(node)) ?? null;
}

/** They are kept among the tests. One that left rows without their values is told there. */
function lookupsOf({ graph }: StoryContext, record: StepRecord): StepStory['lookups'] {
  const node = graph.byKey.get(record.step);
  const names = node?.layer === 'silver' ? (node.spec.enrich ?? []).map(({ name }) => name) : [];
  return record.tests
    .filter(({ test, passed }) => passed && names.includes(test))
    .map(({ test, message }) => ({ lookup: test, told: message }));
}

function rulesOf(node: Node): readonly CheckSpec[] {
  return node.layer === 'silver' ? node.spec.rules : [];
}

/** The step that a skipped one waited for, in the same run. */
async function culprit(context: StoryContext, record: StepRecord): Promise<StepStory | null> {
  if (record.status !== 'skipped') return null;
  const others = context.ledger.steps(record.run_id).filter((other) => other.step !== record.step);
  const table = others.find((other) =>
    [false, true].some(
      (fail_fast) => reasonOf([{ kind: 'parent_failed', table: other.step, fail_fast }]) === record.reason,
    ),
  );
  return table === undefined ? null : tellStep(context, table);
}
