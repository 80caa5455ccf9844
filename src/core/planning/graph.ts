import { DataflowError } from '../errors/dataflow-error.ts';
import { lookupTablesOf } from '../model/enrich.ts';
import type { CheckSpec, GoldSpec, Project, SilverSpec, SourceSpec } from '../model/project.ts';
import type { Layer } from '../model/table.ts';
import type { CheckComponent } from '../ports/rule.ts';
import { tablesNamedIn } from './sql-refs.ts';

interface NodeBase {
  /** `silver.achats`: also the step's name. */
  readonly key: string;
  readonly layer: Layer;
  readonly name: string;
  readonly tags: readonly string[];
  /** Tables that rows come from. */
  readonly inputs: readonly string[];
  /** Tables that lookups, rules and tests look into (besides the inputs). */
  readonly references: readonly string[];
}

/** A table of the project and the step that makes it. */
export type Node =
  | (NodeBase & { readonly layer: 'bronze'; readonly spec: SourceSpec })
  | (NodeBase & { readonly layer: 'silver'; readonly spec: SilverSpec })
  | (NodeBase & { readonly layer: 'gold'; readonly spec: GoldSpec });

export interface Graph {
  /** Each after everything it depends on; otherwise in the order of the configuration. */
  readonly nodes: readonly Node[];
  readonly byKey: ReadonlyMap<string, Node>;
}

/** All that a step waits for. */
export function parentsOf(node: Node): readonly string[] {
  return [...new Set([...node.inputs, ...node.references])];
}

/**
 * Builds the dependency graph of a project: bronze from sources, silver from `from` and references, gold from its SQL.
 * @throws DataflowError E_CONFIG_REFERENCE for a table that nothing defines, E_CONFIG_CYCLE for a circle.
 */
export function buildGraph(project: Project, checks: ReadonlyMap<string, CheckComponent>): Graph {
  const all: Node[] = [];
  for (const [name, spec] of Object.entries(project.sources)) {
    all.push({ key: `bronze.${name}`, layer: 'bronze', name, spec, tags: spec.tags, inputs: [], references: [] });
  }
  for (const [name, spec] of Object.entries(project.silver)) {
    const key = `silver.${name}`;
    const inputs = spec.from.map((source) => `bronze.${source}`);
    const reads = [...lookupTablesOf(spec), ...readsOf([...spec.rules, ...spec.tests], checks)];
    const references = [...new Set(reads)].filter((table) => table !== key);
    all.push({ key, layer: 'silver', name, spec, tags: spec.tags, inputs, references });
  }
  for (const [name, spec] of Object.entries(project.gold)) {
    const key = `gold.${name}`;
    const inputs = tablesNamedIn(spec.sql);
    const references = readsOf(spec.tests, checks).filter((table) => table !== key && !inputs.includes(table));
    all.push({ key, layer: 'gold', name, spec, tags: spec.tags, inputs, references });
  }
  const byKey = new Map(all.map((node) => [node.key, node]));
  for (const node of all) refuseUnknown(node, byKey, project);
  return { nodes: sorted(all, byKey), byKey };
}

function readsOf(uses: readonly CheckSpec[], checks: ReadonlyMap<string, CheckComponent>): readonly string[] {
  return [...new Set(uses.flatMap((use) => checks.get(use.check)?.reads?.(use.params) ?? []))];
}

function refuseUnknown(node: Node, byKey: ReadonlyMap<string, Node>, project: Project): void {
  for (const table of parentsOf(node)) {
    if (byKey.has(table) || table.startsWith('quarantine.')) continue;
    const file = node.layer === 'gold' ? node.spec.sql_file : project.config_file;
    throw new DataflowError('E_CONFIG_REFERENCE', `${node.key} reads ${table}, which nothing defines`, {
      place: { file },
      hint: `Define ${table}, or correct the name. Known tables: ${[...byKey.keys()].join(', ')}.`,
    });
  }
}

function sorted(all: readonly Node[], byKey: ReadonlyMap<string, Node>): readonly Node[] {
  const done = new Set<string>();
  const open: string[] = [];
  const order: Node[] = [];
  const visit = (node: Node): void => {
    if (done.has(node.key)) return;
    if (open.includes(node.key)) {
      const circle = [...open.slice(open.indexOf(node.key)), node.key].join(' → ');
      throw new DataflowError('E_CONFIG_CYCLE', `tables depend on each other in a circle: ${circle}`);
    }
    open.push(node.key);
    for (const parent of parentsOf(node)) {
      const next = byKey.get(parent);
      if (next !== undefined) visit(next);
    }
    open.pop();
    done.add(node.key);
    order.push(node);
  };
  for (const node of all) visit(node);
  return order;
}

/** Everything that depends on the given tables, themselves excluded. */
export function descendantsOf(graph: Graph, keys: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (parentsOf(node).some((parent) => keys.has(parent) || found.has(parent))) found.add(node.key);
  }
  return new Set([...found].filter((key) => !keys.has(key)));
}
