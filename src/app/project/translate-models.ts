import { relative } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph, type Node } from '../../core/planning/graph.ts';
import type { DialectRefusal } from '../../core/ports/dialect.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { buildLineage } from '../explain/build-lineage.ts';
import type { Rooms } from '../rooms.ts';

/** What becomes of one model on an engine of another dialect. */
export interface ModelTranslation {
  /** `gold.kpi_ca_par_mois`. */
  readonly table: string;
  /** `own`: its SQL for that engine was written by somebody; `refused`: there is none. */
  readonly result: 'ok' | 'own' | 'refused';
  /** Of the query, relative to the project's folder. */
  readonly file: string;
  /** True where the query is a file of its own, so that places in it are places in the file. */
  readonly own_file: boolean;
  /** The query in the other dialect; absent when it is refused. */
  readonly sql?: string;
  readonly refusals: readonly DialectRefusal[];
}

type GoldNode = Extract<Node, { layer: 'gold' }>;

/**
 * Every model in the dialect of another engine, in the order of the pipeline. Columns are asked of the engine by binding every table empty: no data is read, and nothing
 * need have run.
 */
export async function translateModels(
  rooms: Rooms,
  project: Project,
  dialect_name: string,
): Promise<readonly ModelTranslation[]> {
  const [checks, lake, dialect] = [
    await rooms.checks(),
    await rooms.openLake(project),
    await rooms.dialect(dialect_name),
  ];
  const graph = buildGraph(project, checks);
  const engine = await rooms.openEngine(project);
  try {
    const session = await engine.openSession({ label: 'translate' });
    try {
      const lineage = await buildLineage({ graph, checks, lake, session });
      const tables = new Map(
        lineage.map((one) => [one.table, Object.entries(one.types).map(([name, type]) => ({ name, type }))]),
      );
      const made: ModelTranslation[] = [];
      for (const node of graph.nodes) {
        if (node.layer !== 'gold') continue;
        const about = {
          table: node.key,
          file: relative(project.root, node.spec.sql_file),
          own_file: node.spec.sql_file.endsWith('.sql'),
        };
        const { spark_sql } = node.spec;
        if (spark_sql !== undefined) made.push({ ...about, result: 'own', sql: spark_sql, refusals: [] });
        else made.push({ ...about, ...(await translated(node, tables, session)) });
      }
      return made;
    } finally {
      await session.close();
    }
  } finally {
    await engine.close();
  }

  async function translated(
    node: GoldNode,
    tables: ReadonlyMap<string, readonly { readonly name: string; readonly type: string }[]>,
    session: EngineSession,
  ): Promise<Pick<ModelTranslation, 'result' | 'sql' | 'refusals'>> {
    try {
      const made = await dialect.translate({ sql: node.spec.sql, tables, session });
      return 'sql' in made
        ? { result: 'ok', sql: made.sql, refusals: [] }
        : { result: 'refused', refusals: made.refusals };
    } catch (error) {
      if (!(error instanceof DataflowError)) throw error;
      const { place, message, hint } = error;
      const where = place?.line === undefined ? {} : { line: place.line, column: place.column ?? 1 };
      return { result: 'refused', refusals: [{ ...where, construct: message, remedy: hint }] };
    }
  }
}
