import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { canonicalColumns } from '../../core/types/stored-columns.ts';
import { extraColumns } from './drift.ts';
import { engineFile } from './engine-file.ts';
import type { AcceptedUnit } from './intake.ts';
import { readLimits, unfitFor } from './isolate.ts';
import type { Unfit } from './parsed.ts';
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

/** Columns, and the files that are left to be read into them. */
export interface Layout {
  readonly columns: readonly Column[];
  readonly fit: readonly AcceptedUnit[];
  /** Files that could not even be looked at. */
  readonly unfit: readonly Unfit[];
}

/** The known columns, else {@link inferredColumns}. */
export async function layoutOf(
  step: BronzeStep,
  session: EngineSession,
  accepted: readonly AcceptedUnit[],
  known: readonly Column[] | undefined,
): Promise<Layout> {
  return known === undefined
    ? await inferredColumns(step, session, accepted)
    : { columns: known, fit: accepted, unfit: [] };
}

/** The columns that the engine sees in the first file that it can read; from now on they are frozen. */
async function inferredColumns(
  step: BronzeStep,
  session: EngineSession,
  accepted: readonly AcceptedUnit[],
): Promise<Layout> {
  const unfit: Unfit[] = [];
  for (const [index, one] of accepted.entries()) {
    try {
      const inferred = await session.infer(inferRequest(step, one));
      // A member that came up only beyond the engine's sample is a column all the same.
      const late = extraColumns(one, inferred).map((name) => ({ name, type: 'varchar', nullable: true }));
      const columns = canonicalColumns([...inferred, ...late], step.node.key);
      return { columns: [...columns, ORIGIN], fit: accepted.slice(index), unfit };
    } catch (error) {
      unfit.push(unfitFor(error, one));
    }
  }
  return { columns: [ORIGIN], fit: [], unfit };
}

/** What the engine is asked about the columns of one file. */
export function inferRequest(step: BronzeStep, accepted: AcceptedUnit): Parameters<EngineSession['infer']>[0] {
  const { unit, inspection } = accepted;
  return {
    format: unit.format,
    files: [{ id: unit.path, ...engineFile(unit, inspection) }],
    limits: readLimits(step, [accepted]),
    ...(inspection.dialect === undefined ? {} : { dialect: inspection.dialect }),
    ...(inspection.header === undefined ? {} : { header: inspection.header }),
    ...(inspection.forms === undefined ? {} : { forms: inspection.forms }),
  };
}

export function declaredColumns(step: Pick<BronzeStep, 'node'>): readonly Column[] {
  const declared = Object.entries(step.node.spec.columns ?? {}).map(([name, type]) => ({ name, type, nullable: true }));
  return [...canonicalColumns(declared, step.node.key), ORIGIN];
}
