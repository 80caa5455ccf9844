import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { canonicalColumns } from '../../core/types/stored-columns.ts';
import { extraColumns } from './drift.ts';
import type { AcceptedUnit } from './intake.ts';
import type { BronzeStep } from './step.ts';

const ORIGIN: Column = { name: SOURCE_FILE_COLUMN, type: 'varchar', nullable: true };

/** Declared columns, or those of the published table, plus `_file`; undefined when they have to be inferred first. */
export function knownColumns(step: BronzeStep, snapshot: Snapshot | undefined): readonly Column[] | undefined {
  const { columns, schema_change } = step.node.spec;
  if (columns === undefined) return snapshot?.columns;
  // Columns that were added stand behind the declared ones.
  return schema_change === 'evolve' && step.anew !== true && snapshot !== undefined
    ? snapshot.columns
    : declaredColumns(step);
}

/** The columns that the engine sees in the first file; from now on they are frozen. */
export async function inferredColumns(
  step: BronzeStep,
  session: EngineSession,
  accepted: readonly AcceptedUnit[],
): Promise<readonly Column[]> {
  const [first] = accepted;
  if (first === undefined) return [ORIGIN];
  const { unit, inspection } = first;
  const compression = inspection.decoded_uri === undefined ? unit.compression : 'none';
  const inferred = await session.infer({
    format: unit.format,
    files: [{ id: unit.path, uri: inspection.decoded_uri ?? unit.uri, compression }],
    ...(inspection.dialect === undefined ? {} : { dialect: inspection.dialect }),
    ...(inspection.header === undefined ? {} : { header: inspection.header }),
  });
  // A member that came up only beyond the engine's sample is a column all the same.
  const late = extraColumns(first, inferred).map((name) => ({ name, type: 'varchar', nullable: true }));
  return [...canonicalColumns([...inferred, ...late], step.node.key), ORIGIN];
}

export function declaredColumns(step: Pick<BronzeStep, 'node'>): readonly Column[] {
  const declared = Object.entries(step.node.spec.columns ?? {}).map(([name, type]) => ({ name, type, nullable: true }));
  return [...canonicalColumns(declared, step.node.key), ORIGIN];
}
