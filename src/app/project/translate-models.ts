import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { buildGraph, type Node } from '../../core/planning/graph.ts';
import type { Dialect, DialectRefusal, DialectRequest } from '../../core/ports/dialect.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { FarEngine } from '../../core/ports/far-engine.ts';
import { storageOf } from '../../core/types/types.ts';
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
  /** The engine itself looked at the query, over tables without rows. */
  readonly analysed: boolean;
  readonly refusals: readonly DialectRefusal[];
}

type GoldNode = Extract<Node, { layer: 'gold' }>;
type Tables = DialectRequest['tables'];
type Outcome = Pick<ModelTranslation, 'result' | 'sql' | 'analysed' | 'refusals'>;

/** What translating one model needs. */
interface Workshop {
  readonly dialect: Dialect;
  readonly session: EngineSession;
  readonly tables: Tables;
  /** The engine itself, where the project names one. */
  readonly far: FarEngine | undefined;
}

/**
 * Every model in the dialect of another engine, in the order of the pipeline. Columns are asked of DuckDB by binding every table empty: no data is read, nothing is written,
 * and nothing need have run. Where the project names such an engine, it analyses each query, too.
 */
export async function translateModels(
  rooms: Rooms,
  project: Project,
  {
    dialect: name,
    ...reach
  }: { readonly dialect: string; readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<readonly ModelTranslation[]> {
  const [dialect, checks, lake] = [await rooms.dialect(name), await rooms.checks(), await rooms.openLake(project)];
  const graph = buildGraph(project, checks);
  const far = await reached(rooms, project, name, { ...reach, lake_url: project.lake.url });
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-validate-'));
  const engine = await rooms.openBareEngine({ type: 'duckdb' }, folder);
  try {
    const session = await engine.openSession({ label: 'translate' });
    try {
      const lineage = await buildLineage({ graph, checks, lake, session });
      const tables = new Map(
        lineage.map((one) => [one.table, Object.entries(one.types).map(([column, type]) => ({ name: column, type }))]),
      );
      const made: ModelTranslation[] = [];
      for (const node of graph.nodes)
        if (node.layer === 'gold') made.push(await translated(node, project, { dialect, session, tables, far }));
      return made;
    } finally {
      await session.close();
    }
  } finally {
    await far?.close();
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The engine itself, where the project or the environment says where it is. */
async function reached(
  rooms: Rooms,
  project: Project,
  type: string,
  reach: Parameters<Rooms['reachEngine']>[1],
): Promise<FarEngine | undefined> {
  if (project.engine.type === type) return rooms.reachEngine(project.engine, reach);
  return reach.env['SPARK_REMOTE'] ? rooms.reachEngine({ type }, reach) : undefined;
}

async function translated(node: GoldNode, project: Project, shop: Workshop): Promise<ModelTranslation> {
  const { spark_sql, sql_file } = node.spec;
  const about = {
    table: node.key,
    file: relative(project.root, sql_file),
    own_file: sql_file.endsWith('.sql'),
  };
  if (spark_sql !== undefined) return { ...about, result: 'own', sql: spark_sql, analysed: false, refusals: [] };
  try {
    return { ...about, ...(await outcomeOf(node, shop)) };
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
    const { place, message, hint } = error;
    const where = place?.line === undefined ? {} : { line: place.line, column: place.column ?? 1 };
    return { ...about, result: 'refused', analysed: false, refusals: [{ ...where, construct: message, remedy: hint }] };
  }
}

async function outcomeOf(node: GoldNode, { dialect, session, tables, far }: Workshop): Promise<Outcome> {
  const request = { sql: node.spec.sql, tables, session };
  const made = await dialect.translate(request);
  if ('refusals' in made) return { result: 'refused', analysed: false, refusals: made.refusals };
  if (far === undefined) return { result: 'ok', sql: made.sql, analysed: false, refusals: [] };
  const differs = await analysed(request, dialect, far);
  return { result: differs.length === 0 ? 'ok' : 'refused', sql: made.sql, analysed: true, refusals: differs };
}

/** What the engine itself says about a query: nothing when it understands it and gives its columns the same types. */
async function analysed(request: DialectRequest, dialect: Dialect, far: FarEngine): Promise<readonly DialectRefusal[]> {
  const made = await dialect.translate({ ...request, relation: (name) => `\`${wordOf(name)}\`` });
  if ('refusals' in made) return made.refusals;
  const read = new Set((await request.session.tablesOf(request.sql)).map((name) => name.toLowerCase()));
  const given = new Map(
    [...request.tables]
      .filter(([name]) => read.has(name.toLowerCase()))
      .map(([name, columns]) => [wordOf(name), columns]),
  );
  const remedy = 'Write the query for Spark yourself: `sql.spark` beside `sql.duckdb`; and tell us.';
  try {
    const columns = await far.describe(dialect.overNothing(made.sql, given));
    return made.columns.flatMap((column, at) => {
      const [wanted, found] = [storageOf(column.type, column.name).column_type, columns[at]?.type ?? 'nothing'];
      if (wanted === found) return [];
      return [{ construct: `${column.name} would be ${found} instead of ${wanted}`, remedy }];
    });
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
    return [{ construct: error.message, remedy }];
  }
}

/** A table's name as one word. */
function wordOf(name: string): string {
  return name.replaceAll('.', '__').toLowerCase();
}
