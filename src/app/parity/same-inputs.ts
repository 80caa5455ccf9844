import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey } from '../../core/model/table.ts';
import { type Node, parentsOf } from '../../core/planning/graph.ts';
import { sampleOf } from '../../core/planning/parity-sample.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { decidedInput, decidedOf } from '../../medallion/decisions.ts';
import { inputsOf, type Making, makingOf } from '../explain/trace-context.ts';
import type { OpenProject } from '../run/open-project.ts';

/** What both engines read to compute one table. */
export interface SameInputs {
  readonly inputs: ReadonlyMap<string, Snapshot>;
  readonly decided: Snapshot | undefined;
  /** The newest published version of the table itself. */
  readonly published: Snapshot | undefined;
  /** As if a run had read these versions. */
  readonly making: Making;
  /** Some rows were left out. */
  readonly sampled: boolean;
}

type Open = Pick<OpenProject, 'lake' | 'ledger'>;

/**
 * The versions that the newest version of a table was made from; the newest ones where nobody knows those any more, or the table was never made. The clock
 * of its rules stands where it stood then.
 * @returns the name of an input that has no data yet, when there is one.
 */
export async function sameInputs(
  open: Open,
  node: Node,
  sample: number | undefined,
): Promise<SameInputs | { readonly missing: string }> {
  const published = await open.lake.snapshot({ layer: node.layer, name: node.name });
  const recorded = published === undefined ? undefined : await recordedInputs(open, node, published);
  const found = new Map(recorded?.inputs);
  for (const parent of parentsOf(node)) {
    const table = parseTableKey(parent);
    const newest = found.has(parent) || table === undefined ? undefined : await open.lake.snapshot(table);
    if (newest !== undefined) found.set(parent, newest);
  }
  const missing = node.inputs.find((table) => !found.has(table));
  if (missing !== undefined) return { missing };
  const decisions = decidedInput(node);
  const decided =
    found.get(decisions) ?? (recorded === undefined ? await open.lake.snapshot(decidedOf(node)) : undefined);
  const versions = Object.fromEntries([...found].map(([table, { version }]) => [table, version]));
  found.delete(decisions);
  const taken = sample === undefined ? found : sampled(node, found, sample);
  return {
    inputs: taken,
    decided,
    published,
    making: { inputs: versions, now_ms: recorded?.now_ms ?? Date.now(), redefined: false },
    sampled: taken !== found,
  };
}

async function recordedInputs(
  open: Open,
  node: Node,
  published: Snapshot,
): Promise<{ readonly inputs: ReadonlyMap<string, Snapshot>; readonly now_ms: number } | undefined> {
  try {
    const making = await makingOf(open, node, published.version);
    const parents = new Set([...parentsOf(node), decidedInput(node)]);
    const known = Object.fromEntries(Object.entries(making.inputs).filter(([table]) => parents.has(table)));
    return { inputs: await inputsOf(open, { ...making, inputs: known }), now_ms: making.now_ms };
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LAKE_NO_VERSION') return undefined;
    throw error;
  }
}

/** Tables that rules and lookups look into are taken whole: with part of them most rows would be rejected. The same map when no row is left out. */
function sampled(node: Node, inputs: ReadonlyMap<string, Snapshot>, sample: number): ReadonlyMap<string, Snapshot> {
  const taken = new Map<string, Snapshot>();
  let left_out = false;
  for (const [table, snapshot] of inputs) {
    const part = node.inputs.includes(table) && !node.references.includes(table) ? sampleOf(snapshot, sample) : 'all';
    left_out ||= part !== 'all';
    taken.set(table, part === 'all' ? snapshot : part === 'rows' ? { ...snapshot, sample } : partOf(snapshot, part));
  }
  return left_out ? taken : inputs;
}

function partOf(snapshot: Snapshot, files: Snapshot['files']): Snapshot {
  return { ...snapshot, files, file_count: files.length, rows: files.reduce((sum, file) => sum + file.rows, 0) };
}
