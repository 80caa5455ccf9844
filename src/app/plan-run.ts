import type { Project } from '../core/model/project.ts';
import { parseTableKey } from '../core/model/table.ts';
import { codeFingerprint } from '../core/planning/fingerprint.ts';
import { type FreshnessVerdict, judgeFreshness } from '../core/planning/freshness.ts';
import { buildGraph, type Graph, type Node, parentsOf } from '../core/planning/graph.ts';
import { type Selection, selectNodes } from '../core/planning/selection.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import type { Discovery, KnownInput } from '../core/ports/source.ts';

/** What one step would do now. */
export interface PlannedStep {
  readonly step: string;
  readonly action: 'run' | 'depends' | 'skip' | 'wait';
  readonly mode: 'full' | 'incremental';
  /** The words that plan, status and why share. */
  readonly reason: string;
  /** Estimates from the ledger and the file sizes; undefined when nothing is known. */
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  /** For a source with files that are perhaps still being written: when the last of them may be taken. */
  readonly ready_in_ms?: number;
}

/** What planning needs; it reads and never writes. */
export interface PlanningContext {
  readonly project: Project;
  readonly graph: Graph;
  readonly lake: Lake;
  readonly ledger: Ledger;
  readonly full_refresh: boolean;
  discover(
    node: Extract<Node, { layer: 'bronze' }>,
  ): Promise<{ readonly discovery: Discovery; readonly known: ReadonlyMap<string, KnownInput> }>;
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
  const { discovery: found, known } = await context.discover(node);
  const bytes = found.fresh.reduce((sum, unit) => sum + unit.size_bytes, 0);
  const waiting = found.waiting.length === 0 ? '' : `, ${found.waiting.length} still being written`;
  const ready_in_ms = Math.max(0, ...found.waiting.map((one) => one.ready_in_ms));
  const base = { step: node.key, mode: 'incremental' as const, ...(ready_in_ms > 0 ? { ready_in_ms } : {}) };
  const fresh = found.fresh.length + found.refused.filter((one) => !known.has(one.path)).length;
  const last = context.ledger.lastSuccess(node.key);
  if (last?.code_fingerprint !== undefined && last.code_fingerprint !== codeFingerprint(node)) {
    return {
      ...base,
      mode: 'full',
      action: 'run',
      reason: 'its columns changed',
      rows: rowsFor(context, node.key, bytes),
      bytes,
    };
  }
  if (fresh > 0) {
    return {
      ...base,
      action: 'run',
      reason: `${fresh} new or changed ${fresh === 1 ? 'file' : 'files'}${waiting}`,
      rows: rowsFor(context, node.key, bytes),
      bytes,
    };
  }
  const reason =
    found.unchanged === 0 ? `no input found${waiting}` : `up to date: ${files(found.unchanged)} unchanged${waiting}`;
  return { ...base, action: 'skip', reason, rows: 0, bytes: 0 };
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

/** Rows of new bytes, by the bytes per row seen so far. */
function rowsFor(context: PlanningContext, key: string, bytes: number): number | undefined {
  const source = key.slice('bronze.'.length);
  const known = context.ledger.inputs(source).filter((input) => input.records > 0);
  const records = known.reduce((sum, input) => sum + input.records, 0);
  const size = known.reduce((sum, input) => sum + input.size_bytes, 0);
  return size === 0 ? undefined : Math.round((bytes * records) / size);
}

async function planTable(
  context: PlanningContext,
  node: Exclude<Node, { layer: 'bronze' }>,
  planned: ReadonlyMap<string, PlannedStep>,
): Promise<PlannedStep> {
  const moving = parentsOf(node).filter((parent) => ['run', 'depends'].includes(planned.get(parent)?.action ?? ''));
  const verdict = await verdictOf(context, node);
  const last = context.ledger.lastSuccess(node.key);
  const rows = last?.balance?.rows_in;
  const bytes = last?.resources?.bytes_read;
  if (moving.length > 0) {
    const reason = verdict.run ? verdict.reason : `if ${moving.join(' or ')} publishes a new version`;
    return { step: node.key, action: verdict.run ? 'run' : 'depends', mode: verdict.mode, reason, rows, bytes };
  }
  if (verdict.run) return { step: node.key, action: 'run', mode: verdict.mode, reason: verdict.reason, rows, bytes };
  const waits = verdict.reason.startsWith('waits');
  return {
    step: node.key,
    action: waits ? 'wait' : 'skip',
    mode: verdict.mode,
    reason: verdict.reason,
    rows: 0,
    bytes: 0,
  };
}

/** Compares a step's definition and input versions with its last success. */
export async function verdictOf(context: Omit<PlanningContext, 'discover'>, node: Node): Promise<FreshnessVerdict> {
  const inputs = new Map<string, number | undefined>();
  for (const parent of parentsOf(node)) inputs.set(parent, await versionOf(context.lake, parent));
  return judgeFreshness({
    code_fingerprint: codeFingerprint(node),
    inputs,
    output_version: await versionOf(context.lake, node.key),
    last: context.ledger.lastSuccess(node.key),
    full_refresh: context.full_refresh,
  });
}

async function versionOf(lake: Lake, key: string): Promise<number | undefined> {
  const table = parseTableKey(key);
  return table === undefined ? undefined : await lake.latestVersion(table);
}
