import type { DriftEvent } from '../../core/model/drift.ts';
import type { Project } from '../../core/model/project.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { outdatedDay } from '../../core/planning/clock.ts';
import { codeFingerprint, testsFingerprint } from '../../core/planning/fingerprint.ts';
import { type FreshnessVerdict, judgeFreshness } from '../../core/planning/freshness.ts';
import { buildGraph, type Graph, type Node, parentsOf } from '../../core/planning/graph.ts';
import type { ParityStanding } from '../../core/planning/parity-standing.ts';
import { type Cause, filesCause, onlyTests, reasonOf } from '../../core/planning/reasons.ts';
import { type Selection, selectNodes } from '../../core/planning/selection.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { Outlook } from '../../core/ports/pulled-source.ts';
import type { CheckComponent } from '../../core/ports/rule.ts';
import type { Discovery, KnownInput, Source, SourceContext } from '../../core/ports/source.ts';
import type { GoneUnits } from '../../medallion/bronze/gone.ts';
import { lostCause, lostTable } from '../../medallion/bronze/lost.ts';
import { undecided, withDecisions } from '../quarantine/undecided.ts';
import { changesSince } from './definitions.ts';
import { inputsMadeAnew } from './made-anew.ts';

/** What one step would do now. */
export interface PlannedStep {
  readonly step: string;
  readonly action: 'run' | 'depends' | 'skip' | 'wait';
  readonly mode: 'full' | 'incremental';
  /** The words that plan, status and why share. */
  readonly reason: string;
  readonly causes: readonly Cause[];
  /** Estimates from the ledger and the file sizes; undefined when nothing is known. */
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  /** For a source with files that are perhaps still being written: when the last of them may be taken. */
  readonly ready_in_ms?: number;
  /** What changed in the columns of its fresh files, as far as a look at some of them tells. */
  readonly drift?: readonly DriftEvent[];
  /** How the table stands to another engine, where it was compared with one, or the project's own is one. */
  readonly parity?: readonly ParityStanding[];
}

/** What planning needs; it reads and never writes. */
export interface PlanningContext {
  readonly project: Project;
  readonly graph: Graph;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly full_refresh: boolean;
  readonly force: boolean;
  /** What was undone is to be done again. */
  readonly redo?: boolean;
  redact(text: string): string;
  /** What a source that is asked says of what waits, without taking anything. */
  look(node: Extract<Node, { layer: 'bronze' }>): Promise<Outlook>;
  discover(node: Extract<Node, { layer: 'bronze' }>): Promise<{
    readonly source: Source;
    readonly context: SourceContext;
    readonly discovery: Discovery;
    readonly known: ReadonlyMap<string, KnownInput>;
    readonly gone: GoneUnits;
  }>;
}

/** The graph of the project and the steps that the selection names. */
export function selectSteps(
  project: Project,
  checks: ReadonlyMap<string, CheckComponent>,
  selection: Selection,
): { graph: Graph; selected: ReadonlySet<string> } {
  const graph = buildGraph(project, checks);
  return { graph, selected: selectNodes(graph, selection) };
}

/** Plans the selected steps in order: what would run, what depends on what runs, what is up to date, and why. */
export async function planSteps(
  context: PlanningContext,
  selected: ReadonlySet<string>,
): Promise<readonly PlannedStep[]> {
  const planned = new Map<string, PlannedStep>();
  for (const node of context.graph.nodes) {
    if (!selected.has(node.key)) continue;
    planned.set(
      node.key,
      node.layer === 'bronze' ? await planBronze(context, node) : await planTable(context, node, planned),
    );
  }
  return [...planned.values()];
}

async function planBronze(context: PlanningContext, node: Extract<Node, { layer: 'bronze' }>): Promise<PlannedStep> {
  if (node.spec.pulled === true) return await planPulled(context, node);
  const { discovery: found, known, gone } = await context.discover(node);
  const bytes = found.fresh.reduce((sum, unit) => sum + unit.size_bytes, 0);
  const ready_in_ms = Math.max(0, ...found.waiting.map((one) => one.ready_in_ms));
  const base = { step: node.key, mode: 'incremental' as const, ...(ready_in_ms > 0 ? { ready_in_ms } : {}) };
  const files = filesCause(found, known, gone);
  const moves = files.fresh > 0 || gone.paths.length > 0;
  const last = context.ledger.lastSuccess(node.key);
  const causes: Cause[] = [];
  const lost = await lostTable(context.lake, context.ledger, node.key);
  if (context.full_refresh && context.force) causes.push({ kind: 'asked', flag: 'full-refresh' });
  else if (lost !== undefined) causes.push(lostCause(lost));
  else if (last?.code_fingerprint !== undefined && last.code_fingerprint !== codeFingerprint(node)) {
    const changes = changesSince(context.ledger, node, last.code_fingerprint, context.redact);
    causes.push({ kind: 'definition', changes }, ...(await columnsDiffer(context, node)));
  } else causes.push(files, ...(moves ? await columnsDiffer(context, node) : []));
  const all_again = causes[0]?.kind !== 'files';
  const decided = await undecided(context, node);
  if (decided !== undefined && !moves && !all_again) causes.splice(0, 1, decided);
  const why = { causes, reason: reasonOf(causes) };
  if (all_again || moves || decided !== undefined) {
    const rows = rowsFor(context, node.key, bytes);
    return { ...base, ...why, mode: all_again ? 'full' : 'incremental', action: 'run', rows, bytes };
  }
  const empty = last === undefined && files.unchanged + (files.undone ?? 0) === 0;
  return { ...base, ...why, action: empty ? 'wait' : 'skip', rows: 0, bytes: 0 };
}

/** What a run would refuse: columns other than the declared ones, unless everything is loaded anew. */
async function columnsDiffer(
  context: PlanningContext,
  node: Extract<Node, { layer: 'bronze' }>,
): Promise<readonly Cause[]> {
  if (context.full_refresh) return [];
  // A run with nothing to do is to start without it.
  const { columnsChanged, columnsWords } = await import('../../medallion/bronze/columns-changed.ts');
  const snapshot = await context.lake.snapshot({ layer: 'bronze', name: node.name });
  return columnsChanged({ node }, snapshot)
    ? [{ kind: 'columns_differ', words: columnsWords({ node }, snapshot) }]
    : [];
}

/** A source that is asked: it is asked what waits, and nothing is taken. */
async function planPulled(context: PlanningContext, node: Extract<Node, { layer: 'bronze' }>): Promise<PlannedStep> {
  const base = { step: node.key, bytes: undefined };
  const last = context.ledger.lastSuccess(node.key);
  const decided = await undecided(context, node);
  const asked = context.full_refresh && context.force;
  const changed = last?.code_fingerprint !== undefined && last.code_fingerprint !== codeFingerprint(node);
  const lost = await lostTable(context.lake, context.ledger, node.key);
  const causes: Cause[] = asked
    ? [{ kind: 'asked', flag: 'full-refresh' }]
    : lost !== undefined
      ? [lostCause(lost)]
      : changed
        ? [{ kind: 'definition', changes: changesSince(context.ledger, node, last?.code_fingerprint, context.redact) }]
        : [];
  if (causes.length > 0)
    return { ...base, action: 'run', mode: 'full', causes, reason: reasonOf(causes), rows: undefined };
  const found = await context.look(node);
  const runs = found.pending !== 'none' || decided !== undefined;
  causes.push({ kind: 'source', words: context.redact(found.words) }, ...(decided === undefined ? [] : [decided]));
  const why = { mode: 'incremental' as const, causes, reason: reasonOf(causes) };
  return runs
    ? { ...base, ...why, action: 'run', rows: found.records }
    : { ...base, ...why, action: 'skip', rows: 0, bytes: 0 };
}

/** Rows of new bytes, by the bytes per row seen so far. */
function rowsFor(context: PlanningContext, key: string, bytes: number): number | undefined {
  const source = key.slice('bronze.'.length);
  const { records, size_bytes } = context.ledger.inputTotals(source);
  return size_bytes === 0 ? undefined : Math.round((bytes * records) / size_bytes);
}

async function planTable(
  context: PlanningContext,
  node: Exclude<Node, { layer: 'bronze' }>,
  planned: ReadonlyMap<string, PlannedStep>,
): Promise<PlannedStep> {
  const moving = parentsOf(node).filter((parent) => mayPublish(planned.get(parent)));
  const verdict = await verdictOf(context, node);
  const last = context.ledger.lastSuccess(node.key);
  const rows = last?.balance?.rows_in;
  const bytes = last?.resources?.bytes_read;
  const { mode } = verdict;
  const why = (causes: readonly Cause[]) => ({ causes, reason: reasonOf(causes) });
  if (verdict.run) return { step: node.key, action: 'run', mode, ...why(verdict.causes), rows, bytes };
  if (moving.length > 0) {
    const causes: Cause[] = [{ kind: 'parent_moves', tables: moving }];
    return { step: node.key, action: 'depends', mode, ...why(causes), rows, bytes };
  }
  const waits = verdict.causes.some((cause) => cause.kind === 'no_data');
  return { step: node.key, action: waits ? 'wait' : 'skip', mode, ...why(verdict.causes), rows: 0, bytes: 0 };
}

/** An audit of what is published makes no new version. */
function mayPublish(parent: PlannedStep | undefined): boolean {
  return parent !== undefined && ['run', 'depends'].includes(parent.action) && !onlyTests(parent.causes);
}

/** Compares a step's definition and input versions with its last success. */
export async function verdictOf(
  context: Omit<PlanningContext, 'discover' | 'look'>,
  node: Node,
): Promise<FreshnessVerdict> {
  const last = context.ledger.lastSuccess(node.key);
  const hold = context.ledger.hold(node.key);
  const inputs = new Map<string, number | undefined>();
  for (const parent of parentsOf(node))
    inputs.set(parent, await versionByRows(context.lake, parent, [last?.inputs[parent], hold?.inputs[parent]]));
  const outdated = outdatedDay(node, last?.started_at, Date.now());
  const verdict = judgeFreshness({
    code_fingerprint: codeFingerprint(node),
    ...testsOf(node),
    inputs,
    output_version: await versionOf(context.lake, node.key),
    last,
    anew: last === undefined ? [] : inputsMadeAnew(context.ledger, last, hold),
    full_refresh: context.full_refresh,
    force: context.force,
    redo: context.redo === true,
    ...(hold === undefined ? {} : { hold }),
    ...(outdated === undefined ? {} : { outdated }),
    definitionChanges: () => changesSince(context.ledger, node, last?.code_fingerprint, context.redact),
  });
  return withDecisions(verdict, await undecided(context, node));
}

function testsOf(node: Node): Pick<Parameters<typeof judgeFreshness>[0], 'tests'> {
  const fingerprint = testsFingerprint(node);
  if (node.layer === 'bronze' || fingerprint === undefined) return {};
  return { tests: { fingerprint, names: node.spec.tests.map(({ name }) => name) } };
}

/** A version that only rearranges the files of one that a step has read counts as that one: compaction makes nothing run. */
export async function versionByRows(
  lake: Lake,
  key: string,
  read: readonly (number | undefined)[],
): Promise<number | undefined> {
  const version = await versionOf(lake, key);
  const table = parseTableKey(key);
  if (version === undefined || table === undefined || read.includes(version)) return version;
  for (const one of read)
    if (one !== undefined && one < version && (await lake.onlyRearranged(table, one, version))) return one;
  return version;
}

async function versionOf(lake: Lake, key: string): Promise<number | undefined> {
  const table = parseTableKey(key);
  return table === undefined ? undefined : await lake.latestVersion(table);
}
