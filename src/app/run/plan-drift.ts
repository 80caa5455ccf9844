import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DriftEvent } from '../../core/model/drift.ts';
import type { Column } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import { declaredColumns } from '../../medallion/bronze/columns.ts';
import { driftOf, retypedColumns, type SeenUnit } from '../../medallion/bronze/drift.ts';
import { widenedBy } from '../../medallion/bronze/evolve.ts';
import type { PlannedStep, PlanningContext } from './plan-run.ts';

/** Files of a source that are looked at, in the order of their paths. */
const LOOKS_MAX = 50;

/** Adds to each source that would run what changed in the columns of its new files, and whom that concerns: told before anything runs. */
export async function withDrift(
  context: PlanningContext,
  planned: readonly PlannedStep[],
): Promise<readonly PlannedStep[]> {
  const told: PlannedStep[] = [];
  for (const step of planned) {
    const node = context.graph.byKey.get(step.step);
    const drift = step.action === 'run' && node?.layer === 'bronze' ? await planDrift(context, node) : [];
    told.push(drift.length === 0 ? step : { ...step, drift });
  }
  return told;
}

async function planDrift(
  context: PlanningContext,
  node: Extract<Node, { layer: 'bronze' }>,
): Promise<readonly DriftEvent[]> {
  // Nothing is taken from a source that is asked, so there is nothing to look at.
  if (node.spec.pulled === true) return [];
  const before = await columnsBefore(context, node);
  if (before === undefined) return [];
  const units = await lookAtFresh(context, node, before);
  const evolves = node.spec.schema_change === 'evolve';
  const after = evolves ? units.reduce((columns, unit) => widened(node, columns, unit), before) : before;
  return driftOf(node, context.graph, units, before, after);
}

async function columnsBefore(
  context: PlanningContext,
  node: Extract<Node, { layer: 'bronze' }>,
): Promise<readonly Column[] | undefined> {
  const snapshot = await context.lake.snapshot({ layer: 'bronze', name: node.name });
  if (snapshot !== undefined) return snapshot.columns;
  return node.spec.columns === undefined ? undefined : declaredColumns({ node });
}

function widened(
  node: Extract<Node, { layer: 'bronze' }>,
  columns: readonly Column[],
  unit: SeenUnit,
): readonly Column[] {
  const types = retypedColumns(unit, columns).map(({ column, type }) => [column.name, type] as const);
  return widenedBy({ node }, columns, new Map(types));
}

/** Decoded copies, where a look needs one, lie in a folder of the system's and are gone afterwards. */
async function lookAtFresh(
  context: PlanningContext,
  node: Extract<Node, { layer: 'bronze' }>,
  columns: readonly Column[],
): Promise<readonly SeenUnit[]> {
  const { source, context: discovered, discovery } = await context.discover(node);
  const temp_folder = await mkdtemp(join(tmpdir(), 'dataflow-look-'));
  try {
    const seen: SeenUnit[] = [];
    for (const unit of discovery.fresh.slice(0, LOOKS_MAX)) {
      const inspection = await source
        .look?.(unit, { ...discovered, temp_folder, columns }, context.ledger.dialect(node.name))
        .catch(() => undefined);
      if (inspection !== undefined && inspection.problem === undefined) seen.push({ unit, inspection });
    }
    return seen;
  } finally {
    await rm(temp_folder, { recursive: true, force: true });
  }
}
