import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ParityResult, TableParity } from '../../core/model/parity.ts';
import type { EngineSpec, Project } from '../../core/model/project.ts';
import { codeFingerprint } from '../../core/planning/fingerprint.ts';
import type { Selection } from '../../core/planning/selection.ts';
import type { Engine } from '../../core/ports/engine.ts';
import type { Rooms } from '../rooms.ts';
import { openLedgerFor } from '../run/open-project.ts';
import { withResults } from '../run/plan-pipeline.ts';
import { selectSteps } from '../run/plan-run.ts';
import { type Comparing, compareTable } from './compare-table.ts';

export interface ParityOptions {
  readonly selection: Selection;
  /** The other engine: `spark`. */
  readonly engine: string;
  /** Rows per 10,000; absent: all. */
  readonly sample?: number;
  /** Rows that are shown of each kind of difference. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Told before each table. */
  readonly tell: (table: string, at: number, of: number) => void;
}

export interface ParityReport {
  readonly engine: string;
  readonly totals: Readonly<Record<ParityResult, number>>;
  readonly tables: readonly TableParity[];
}

/**
 * Computes the selected tables of silver and gold by the embedded engine and by another one, from the same versions of their inputs, and compares rows and
 * types. Publishes nothing; what was found goes into the ledger.
 */
export async function checkParity(rooms: Rooms, project: Project, options: ParityOptions): Promise<ParityReport> {
  const { engine: name, sample, limit, signal } = options;
  const { near, far } = enginesOf(project, name);
  const checks = await rooms.checks();
  const lake = await rooms.openLake(project);
  const ledger = await openLedgerFor(rooms, project, lake);
  const lease = await (await rooms.openLeases(project)).open('parity');
  const opened: Engine[] = [];
  try {
    const { graph, selected } = selectSteps(project, checks, withResults(options.selection, ledger));
    const here = await rooms.openEngine({ ...project, engine: near });
    opened.push(here);
    const comparing: Comparing = {
      open: { project, lake, ledger, checks, graph },
      staging_id: lease.lease_id,
      here,
      there: once(async () => {
        const there = await rooms.openTableEngine({ ...project, engine: far }, here);
        if (there === undefined) throw sameEngine(name);
        opened.push(there);
        return there;
      }),
      sample,
      limit,
      signal,
    };
    const nodes = graph.nodes.flatMap((node) => (selected.has(node.key) && node.layer !== 'bronze' ? [node] : []));
    const tables: TableParity[] = [];
    for (const [at, node] of nodes.entries()) {
      options.tell(node.key, at, nodes.length);
      const table = await compareTable(comparing, node);
      await lake.discardStaging(lease.lease_id);
      ledger.parity.record({
        table: node.key,
        engine: name,
        result: table.result,
        code_fingerprint: codeFingerprint(node),
        inputs: table.inputs,
        ...(table.sample_percent === null ? {} : { sample_percent: table.sample_percent }),
        checked_at: new Date().toISOString(),
      });
      tables.push(table);
    }
    return { engine: name, totals: totalsOf(tables), tables };
  } finally {
    for (const engine of opened.reverse()) await engine.close();
    await lake.discardStaging(lease.lease_id);
    await lease.release();
    ledger.close();
  }
}

/** The project's options count for the engine that it names; beside it the other one needs none, or has them from the environment. */
function enginesOf(project: Project, name: string): { readonly near: EngineSpec; readonly far: EngineSpec } {
  if (name === 'duckdb') throw sameEngine(name);
  const own = project.engine;
  return {
    near: own.type === 'duckdb' ? own : { type: 'duckdb' },
    far: own.type === name ? own : { type: name },
  };
}

function sameEngine(name: string): DataflowError {
  return new DataflowError('E_USAGE', `${name} is the engine that others are compared with`, {
    hint: 'dataflow parity --engine spark',
  });
}

function totalsOf(tables: readonly TableParity[]): ParityReport['totals'] {
  const count = (result: ParityResult): number => tables.filter((table) => table.result === result).length;
  return {
    equal: count('equal'),
    different: count('different'),
    refused: count('refused'),
    not_comparable: count('not_comparable'),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
