import type { Column } from '../../core/model/table.ts';
import type { CandidateFile, EngineSession } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import { canonicalColumns } from '../../core/types/stored-columns.ts';
import { commonType, isWider } from '../../core/types/widening.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { inferRequest } from './columns.ts';
import { extraColumns, isDeclared, retypedColumns } from './drift.ts';
import type { AcceptedUnit } from './intake.ts';
import { unfitFor } from './isolate.ts';
import type { BronzeStep } from './step.ts';

/** The columns of a table with what its new files bring. */
export interface Evolved {
  readonly columns: readonly Column[];
  /** Types that are not the table's, by file and column, as far as they were looked at. */
  readonly types: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/**
 * `schema_change: evolve`: the table's columns with those that the files bring beyond them, at the end, with the types that the engine sees
 * in the first file that has them (older files read NULL there), and with the types that are needed to hold what the files bring.
 */
export async function evolvedColumns(
  step: BronzeStep,
  session: EngineSession,
  accepted: readonly AcceptedUnit[],
  columns: readonly Column[],
): Promise<Evolved> {
  const types = new Map<string, ReadonlyMap<string, string>>();
  if (step.node.spec.schema_change !== 'evolve') return { columns, types };
  let grown = columns;
  for (const one of accepted) {
    const seen = await typesOf(step, session, one, grown);
    if (seen.size > 0) types.set(one.unit.path, seen);
    grown = widenedBy(step, grown, seen);
    const extra = new Set(extraColumns(one, grown));
    if (extra.size === 0) continue;
    const taken = new Set(grown.map((column) => column.name.toLowerCase()));
    const inferred = await infer(step, session, one);
    const added = inferred.filter((column) => extra.has(column.name) && !taken.has(column.name.toLowerCase()));
    grown = [...grown, ...canonicalColumns(added, step.node.key)];
  }
  return { columns: grown, types };
}

/** A file that cannot be looked at brings no columns; parsing it will tell what is wrong with it. */
async function infer(step: BronzeStep, session: EngineSession, accepted: AcceptedUnit): Promise<readonly Column[]> {
  try {
    return await session.infer(inferRequest(step, accepted));
  } catch (error) {
    unfitFor(error, accepted);
    return [];
  }
}

/** The unit's types that differ from the table's: Parquet says them; text is looked at only where some cell was not plain. */
async function typesOf(
  step: BronzeStep,
  session: EngineSession,
  accepted: AcceptedUnit,
  columns: readonly Column[],
): Promise<ReadonlyMap<string, string>> {
  const typed = retypedColumns(accepted, columns).map(({ column, type }) => [column.name, type] as const);
  const doubtful = (accepted.inspection.doubtful ?? []).filter((name) => !isDeclared(step.node.spec, name));
  if (doubtful.length === 0) return new Map(typed);
  const inferred = canonicalColumns(await infer(step, session, accepted), step.node.key);
  const seen = doubtful.flatMap((name) => {
    const found = inferred.find((column) => column.name.toLowerCase() === name.toLowerCase());
    return found === undefined ? [] : [[name, found.type] as const];
  });
  return new Map([...typed, ...seen]);
}

/** The columns in the types that hold these too. A declared type stays what was declared. */
export function widenedBy(
  step: Pick<BronzeStep, 'node'>,
  columns: readonly Column[],
  types: ReadonlyMap<string, string>,
): readonly Column[] {
  if (types.size === 0) return columns;
  return columns.map((column) => {
    const type = types.get(column.name);
    if (type === undefined || isDeclared(step.node.spec, column.name) || column.kept_as !== undefined) return column;
    const wide = commonType(column.type, type);
    return wide === undefined || wide === column.type ? column : { ...column, type: wide };
  });
}

/** True when some column of the table gets a wider type: its data files have to be written anew. */
export function isWidened(snapshot: Snapshot | undefined, columns: readonly Column[]): boolean {
  return (snapshot?.columns ?? []).some((old) => {
    const now = columns.find((column) => column.name === old.name);
    return now !== undefined && isWider(now.type, old.type);
  });
}

/**
 * The published rows in the wider types, file by file and row by row in their order. A reader of Delta wants each file in the types of the
 * schema: widening in place is a table feature that few readers know, so the files are written anew in the commit that changes the schema.
 */
export async function rewriteWidened(
  step: BronzeStep,
  session: EngineSession,
  snapshot: Snapshot,
  columns: readonly Column[],
  /** Source files whose rows go away. */
  without: readonly string[],
): Promise<{ add: readonly CandidateFile[]; remove: readonly DataFile[] }> {
  const kept = columns.filter((column) => snapshot.columns.some((old) => old.name === column.name));
  const names = kept.map((column) => quoteIdent(column.name)).join(', ');
  const folder = await step.run.lake.stage(step.run.run_id, step.step_id, 'widened');
  const where = without.length === 0 ? '' : ` where _file not in (${without.map(quoteText).join(', ')})`;
  const add: CandidateFile[] = [];
  for (const file of snapshot.files) {
    await session.bind({ ...relationOf(snapshot, 'widened'), files: [file] });
    add.push(
      ...(await session.write(`select ${names} from widened${where}`, {
        folder,
        columns: kept,
      })),
    );
  }
  return { add, remove: snapshot.files };
}
