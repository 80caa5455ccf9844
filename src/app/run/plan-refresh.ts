import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { type Graph, parentsOf } from '../../core/planning/graph.ts';
import { type Cause, reasonOf } from '../../core/planning/reasons.ts';
import { refreshObstacle } from '../../core/planning/refreshable.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { GoldNode } from '../../medallion/gold/step.ts';
import type { Rooms } from '../rooms.ts';
import type { PlannedStep } from './plan-run.ts';

/** Says of tables that ask for a refresh which their query does not allow that they are computed whole. Without such a table no engine is opened. */
export async function withRefresh(
  rooms: Pick<Rooms, 'openEngine'>,
  project: Project,
  graph: Graph,
  planned: readonly PlannedStep[],
): Promise<readonly PlannedStep[]> {
  const asking = planned.filter((step) => refreshedNode(graph, step) !== undefined);
  if (asking.length === 0) return planned;
  const moves = new Set(
    planned.filter(({ action }) => action === 'run' || action === 'depends').map(({ step }) => step),
  );
  // A plan can be told without it, too: of a lake that may only be read, for example.
  const engine = await rooms.openEngine(project).catch(() => undefined);
  if (engine === undefined) return planned;
  try {
    const session = await engine.openSession({ label: 'plan' });
    const told: PlannedStep[] = [];
    for (const step of planned) told.push(await withObstacle(session, refreshedNode(graph, step), step, moves));
    await session.close();
    return told;
  } finally {
    await engine.close();
  }
}

function refreshedNode(graph: Graph, { step, action, mode }: PlannedStep): GoldNode | undefined {
  const node = graph.byKey.get(step);
  const runs = (action === 'run' || action === 'depends') && mode === 'incremental';
  return runs && node?.layer === 'gold' && node.spec.refresh !== undefined ? node : undefined;
}

async function withObstacle(
  session: EngineSession,
  node: GoldNode | undefined,
  step: PlannedStep,
  moves: ReadonlySet<string>,
): Promise<PlannedStep> {
  if (node?.spec.refresh === undefined) return step;
  const { sql, refresh } = node.spec;
  const changed = new Set(step.causes.flatMap((cause) => (cause.kind === 'input' ? [cause.table] : [])));
  const inputs = parentsOf(node);
  const moved = inputs.filter((table) => moves.has(table) || changed.has(table));
  const why = await obstacleOf(session, { sql, by: refresh.by, inputs, moved });
  if (why === undefined) return step;
  const causes: readonly Cause[] = [{ kind: 'no_refresh', why }, ...step.causes];
  return { ...step, mode: 'full', causes, reason: reasonOf(causes) };
}

/** A query that is wrong is left to the run, which has the words for it. */
async function obstacleOf(
  session: EngineSession,
  question: Omit<Parameters<typeof refreshObstacle>[0], 'tree'>,
): Promise<string | undefined> {
  try {
    const { tree } = await session.syntaxOf(question.sql, { functions: false });
    return refreshObstacle({ ...question, tree });
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_SQL') return undefined;
    throw error;
  }
}
