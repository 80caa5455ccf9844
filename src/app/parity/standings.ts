import type { Project } from '../../core/model/project.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import { type ParityStanding, parityStanding } from '../../core/planning/parity-standing.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { CheckComponent } from '../../core/ports/rule.ts';

/**
 * How the tables of silver and gold stand to the other engine: the project's own where that is not the embedded one, else any that they were compared with.
 * Nothing where neither is so; and a table that was never compared only counts for the project's own engine.
 */
export function parityStandings(
  { project, ledger }: { readonly project: Pick<Project, 'engine'>; readonly ledger: Pick<Ledger, 'parity'> },
  graph: () => Graph,
): readonly ParityStanding[] {
  const own = project.engine.type === 'duckdb' ? undefined : project.engine.type;
  const records = ledger.parity.records();
  const engines = own === undefined ? [...new Set(records.map(({ engine }) => engine))] : [own];
  if (engines.length === 0) return [];
  const nodes = graph().nodes.filter(({ layer }) => layer !== 'bronze');
  return engines
    .flatMap((engine) => nodes.map((node) => parityStanding(node.key, engine, codeFingerprint(node), records)))
    .filter(({ state }) => state !== 'never' || own !== undefined);
}

/** The same for commands that only read the ledger: the graph is made only where there is something to tell. */
export async function ledgerStandings(
  project: Project,
  ledger: Pick<Ledger, 'parity'>,
  checks: () => Promise<ReadonlyMap<string, CheckComponent>>,
): Promise<readonly ParityStanding[]> {
  if (project.engine.type === 'duckdb' && ledger.parity.records().length === 0) return [];
  const graph = buildGraph(project, await checks());
  return parityStandings({ project, ledger }, () => graph);
}
