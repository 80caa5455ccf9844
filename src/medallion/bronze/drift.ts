import { type Column, SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import { descendantsOf } from '../../core/planning/graph.ts';
import { type EngineSession, REJECT_COLUMNS } from '../../core/ports/engine.ts';
import type { TestResult } from '../../core/ports/ledger.ts';
import { canonicalColumns } from '../../core/types/stored-columns.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import type { AcceptedUnit } from './intake.ts';
import type { Parsed } from './parsed.ts';
import type { BronzeStep } from './step.ts';

/** Header names that the columns do not know. */
export function extraColumns(accepted: AcceptedUnit, columns: readonly Column[]): readonly string[] {
  const known = new Set(columns.map((column) => column.name.toLowerCase()));
  return (accepted.inspection.header ?? []).filter((name) => !known.has(name.toLowerCase()));
}

/**
 * `schema_change: evolve`: the table's columns with those that the files bring beyond them, at the end, with the types that the engine sees
 * in the first file that has them. Older files read NULL there.
 */
export async function evolvedColumns(
  step: BronzeStep,
  session: EngineSession,
  accepted: readonly AcceptedUnit[],
  columns: readonly Column[],
): Promise<readonly Column[]> {
  if (step.node.spec.schema_change !== 'evolve') return columns;
  let grown = columns;
  for (const one of accepted) {
    const extra = new Set(extraColumns(one, grown));
    if (extra.size === 0) continue;
    const { unit, inspection } = one;
    const compression = inspection.decoded_uri === undefined ? unit.compression : 'none';
    const inferred = await session.infer({
      format: unit.format,
      files: [{ id: unit.path, uri: inspection.decoded_uri ?? unit.uri, compression }],
      ...(inspection.dialect === undefined ? {} : { dialect: inspection.dialect }),
      ...(inspection.header === undefined ? {} : { header: inspection.header }),
    });
    const added = inferred.filter((column) => extra.has(column.name));
    grown = [...grown, ...canonicalColumns(added, step.node.key)];
  }
  return grown;
}

/** What the engine is asked to read of files with this header. */
export function columnsOfHeader(
  step: BronzeStep,
  accepted: AcceptedUnit,
  columns: readonly Column[],
): readonly Column[] {
  const { header } = accepted.inspection;
  if (header === undefined) return columns;
  const present = new Set([...header.map((name) => name.toLowerCase()), SOURCE_FILE_COLUMN]);
  const wanted = columns.filter((column) => present.has(column.name.toLowerCase()));
  if (step.node.spec.schema_change !== 'discard_row') return wanted;
  return [...wanted, ...extraColumns(accepted, columns).map((name) => ({ name, type: 'varchar', nullable: true }))];
}

/** `schema_change: discard_row`: rows with a value in a column that is not declared are rejected, the others go on without that column. */
export async function discardDrifted(
  step: BronzeStep,
  session: EngineSession,
  parsed: Parsed,
  columns: readonly Column[],
  label: string,
): Promise<Parsed> {
  const [first] = parsed.loaded;
  const extra = first === undefined ? [] : extraColumns(first.accepted, columns);
  if (first === undefined || extra.length === 0 || step.node.spec.schema_change !== 'discard_row') return parsed;
  const all = columnsOfHeader(step, first.accepted, columns);
  await session.bind({ name: 'drifted', columns: all, files: parsed.candidates });
  const valued = extra.map((name) => `${quoteIdent(name)} is not null`).join(' or ');
  const names = columns.map((column) => quoteIdent(column.name)).join(', ');
  const stage = (part: string): Promise<string> => step.run.lake.stage(step.run.run_id, step.step_id, part);
  const candidates = await session.write(`select ${names} from drifted where not (${valued})`, {
    folder: await stage(`data-${label}-kept`),
    columns,
  });
  const culprit = `case ${extra.map((name) => `when ${quoteIdent(name)} is not null then ${quoteText(name)}`).join(' ')} end`;
  const raw = `cast(json_object(${all.flatMap((column) => [quoteText(column.name), `cast(${quoteIdent(column.name)} as varchar)`]).join(', ')}) as varchar)`;
  const rejects = await session.write(
    `select ${quoteIdent(SOURCE_FILE_COLUMN)} as file, cast(null as bigint) as line, cast(null as bigint) as byte_offset, ${culprit} as column_name,
      'column ' || ${culprit} || ' is not declared but has a value (schema_change: discard_row)' as error, ${raw} as raw from drifted where ${valued}`,
    { folder: await stage(`rejects-${label}-drift`), columns: REJECT_COLUMNS },
  );
  const rows = await session.rows(
    `select ${quoteIdent(SOURCE_FILE_COLUMN)} as f, count(*) as n from drifted where ${valued} group by 1`,
    { rows_max: 1_000_000 },
  );
  const discarded = new Map(rows.map((row) => [String(row['f']), Number(row['n'])]));
  const loaded = parsed.loaded.map((one) => {
    const n = discarded.get(one.accepted.unit.path) ?? 0;
    return { ...one, rows: one.rows - n, rejected: one.rejected + n };
  });
  return { ...parsed, candidates, rejects: [...parsed.rejects, ...rejects], loaded };
}

/** Columns that were added or left out, and dialects that moved: told and recorded, with the tables downstream that may care. */
export function driftWarnings(
  step: BronzeStep,
  loaded: Parsed['loaded'],
  columns: readonly Column[],
  before: readonly Column[],
): readonly TestResult[] {
  const told = new Map<string, { test: string; message: string }>();
  const readers = [...descendantsOf(step.run.graph, new Set([step.node.key]))];
  const downstream = readers.length === 0 ? '' : `; read by ${readers.join(', ')}`;
  const old = new Set(before.map((column) => column.name.toLowerCase()));
  for (const { accepted } of loaded) {
    const { path } = accepted.unit;
    for (const name of accepted.inspection.header ?? []) {
      const added = columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
      if (added !== undefined && !old.has(name.toLowerCase()) && before.length > 0 && !told.has(name)) {
        told.set(name, {
          test: 'column_added',
          message: `column ${name} (${added.type}) was added, first seen in ${path}${downstream}`,
        });
      } else if (added === undefined && !told.has(name)) {
        told.set(name, {
          test: 'column_left_out',
          message: `column ${name} of ${path} is not declared and not kept${downstream}`,
        });
      }
    }
    const note = accepted.inspection.notes.find((text) => text.startsWith('dialect changed'));
    if (note !== undefined) told.set(`dialect of ${path}`, { test: 'dialect_changed', message: `${path}: ${note}` });
  }
  return [...told.values()].map((one) => ({ ...one, severity: 'warn', passed: false, failures: 1 }));
}
