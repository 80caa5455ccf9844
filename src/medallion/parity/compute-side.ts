import type { Column } from '../../core/model/table.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { storedColumns } from '../../core/types/stored-columns.ts';
import { relationOf, type StepContext } from '../context.ts';
import { computeModel, modelColumns } from '../gold/run-gold.ts';
import type { GoldStep } from '../gold/step.ts';
import { QUARANTINE_COLUMNS } from '../quarantine.ts';
import { defineSilver } from '../silver/define.ts';
import { bindSources, wholeInput } from '../silver/input.ts';
import { computeWhole } from '../silver/run-silver.ts';
import type { SilverStep } from '../silver/sql.ts';
import { tableColumns } from '../silver/versions.ts';
import type { Side } from './compare-rows.ts';

/** A step that computes a table from tables. */
export type TableStep = StepContext<Exclude<Node, { layer: 'bronze' }>>;

/** What one engine computes of a step, as files in staging. */
export interface ComputedSide {
  readonly accepted: Side;
  /** Rows that broke a rule, with {@link REJECTED_COLUMNS}. */
  readonly rejected: Side;
}

/** When and by which run a row was rejected is no matter of the engine. */
export const REJECTED_COLUMNS: readonly Column[] = QUARANTINE_COLUMNS.filter(
  ({ name }) => !['run_id', 'quarantined_at', 'byte_offset', 'layout'].includes(name),
);

/**
 * Computes the whole table in a session of either engine, by the same functions as a run, and publishes nothing: gold by the model's SQL, silver from the
 * selection to rules, duplicates and references. Partitions and windows of refreshing play no part: they change where rows lie, not which.
 */
export async function computeSide(step: TableStep, session: EngineSession): Promise<ComputedSide> {
  const { node } = step;
  if (node.layer === 'silver')
    return computeSilver({ ...step, node: { ...node, spec: { ...node.spec, partition_by: [] } } }, session);
  const { refresh: _, ...spec } = node.spec;
  return computeGold({ ...step, node: { ...node, spec: { ...spec, partition_by: [] } } }, session);
}

async function computeGold(step: GoldStep, session: EngineSession): Promise<ComputedSide> {
  for (const [table, input] of step.inputs) await session.bind(relationOf(input, table, false, []));
  const columns = await modelColumns(step, session);
  const { sql, spark_sql } = step.node.spec;
  if (spark_sql !== undefined) session.spell?.(sql, { spark: spark_sql });
  const { add } = await computeModel(step, session, columns, undefined);
  return { accepted: { columns, files: add }, rejected: { columns: REJECTED_COLUMNS, files: [] } };
}

async function computeSilver(step: SilverStep, session: EngineSession): Promise<ComputedSide> {
  const input = wholeInput(step);
  const source = await bindSources(step, session, input);
  const views = await defineSilver(step, session, source.columns, source.decided);
  const columns = storedColumns(tableColumns(step, views.columns), step.node.key);
  const made = await computeWhole(step, session, views, columns, undefined, input);
  return {
    accepted: { columns, files: made.add },
    rejected: { columns: REJECTED_COLUMNS, files: made.quarantine?.add ?? [] },
  };
}
