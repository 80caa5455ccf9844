import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Assignment } from '../../core/model/quarantine.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { cellsJson, presentCell } from './cells.ts';

/**
 * Defines `fixes` (`_id`, `mended`, `mended_raw`) by expressions over the record's cells, which are texts as they were rejected, or as an earlier
 * correction that did not help left them. An expression reads nothing else: its only table is the record. Records that it leaves as they are are no fixes.
 * @throws DataflowError E_USAGE for an unknown column, E_SQL or E_SQL_SANDBOX for the expression.
 */
export async function mendBySql(
  session: EngineSession,
  columns: readonly string[],
  set: readonly Assignment[],
  with_raw: boolean,
): Promise<void> {
  const known = new Map(columns.map((name) => [name.toLowerCase(), name]));
  const values = new Map<string, string>();
  for (const { column, sql } of set) {
    const name = known.get(column.toLowerCase()) ?? (with_raw && column.toLowerCase() === 'raw' ? '_raw' : undefined);
    if (name === undefined) {
      throw new DataflowError('E_USAGE', `--set: the records have no column ${column}`, {
        hint: `They have ${[...columns, ...(with_raw ? ['raw'] : [])].join(', ')}.`,
      });
    }
    await vet(session, sql);
    values.set(name, sql);
  }
  const exprs = [...values].map(([, sql], index) => `(${sql}\n) as _v${index}`);
  const present = columns.map((name) => `${presentCell(name)} as ${quoteIdent(name)}`);
  await session.define(
    'assigned',
    `select _id, ${exprs.join(', ')} from (select ${['c._id', 'c._raw', 'c._raw as raw', ...present].join(', ')} from cells c join matched m on m.quarantine_id = c._id)`,
  );
  const at = [...values.keys()];
  const cellOf = (name: string): string => (at.includes(name) ? `v._v${at.indexOf(name)}` : presentCell(name));
  const some_cell = at.some((name) => name !== '_raw');
  const cells = some_cell ? `case when c._apart then ${cellsJson(columns, cellOf)} end` : 'm.mended_before';
  const text = at.includes('_raw') ? `cast(v._v${at.indexOf('_raw')} as varchar)` : 'cast(null as varchar)';
  await session.materialize(
    'fixes',
    `select * from (select c._id, ${cells} as mended, ${text} as mended_raw, c._raw, c._apart or m.mended_before is not null as _apart, ${cellsJson(columns, presentCell)} as present
       from cells c join matched m on m.quarantine_id = c._id join assigned v on v._id = c._id)
     where (_apart and mended is distinct from present) or (mended_raw is not null and mended_raw <> _raw)`,
  );
}

/** One expression over the record, and nothing else. */
async function vet(session: EngineSession, sql: string): Promise<void> {
  const tables = await session.tablesOf(`select (${sql}\n) from cells`);
  if (tables.some((table) => table !== 'cells')) {
    throw new DataflowError(
      'E_SQL_SANDBOX',
      `--set reads only the record, not ${tables.filter((t) => t !== 'cells').join(', ')}`,
      {
        hint: "Write an expression over the record's columns: --set \"prix = replace(prix, ',', '.')\".",
      },
    );
  }
  await session.describe(`select (${sql}\n) as v from (select *, _raw as raw from cells)`);
}

/**
 * Defines `fixes` from `edited`: rows of an export with some cells changed. Only what differs from the export counts: an untouched cell stays as it
 * is even if a spreadsheet shows it otherwise. Text that was disarmed for spreadsheets is taken back. Returns what the edited file holds beside fixes.
 */
export async function mendByEdit(
  session: EngineSession,
  columns: readonly string[],
  edited_columns: ReadonlyMap<string, string>,
  with_raw: boolean,
): Promise<{ readonly unknown: number }> {
  const present = columns.filter((name) => edited_columns.has(name));
  const editedCell = (name: string): string => `e.${quoteIdent(edited_columns.get(name) ?? name)}`;
  const isSame = (edit: string, was: string): string =>
    `(coalesce(${edit}, '') = coalesce(${was}, '') or ${edit} = '''' || ${was})`;
  const newValue = (edit: string): string =>
    `case when regexp_matches(${edit}, '^''[=+@\\-\\t\\r]') then substr(${edit}, 2) else nullif(${edit}, '') end`;
  const cellOf = (name: string): string => {
    if (!present.includes(name)) return presentCell(name);
    return `case when ${isSame(editedCell(name), presentCell(name))} then ${presentCell(name)} else ${newValue(editedCell(name))} end`;
  };
  const changed = present.map((name) => `not ${isSame(editedCell(name), presentCell(name))}`);
  const any_cell =
    changed.length === 0 ? 'false' : `(c._apart and (${changed.map((one) => `coalesce(${one}, true)`).join(' or ')}))`;
  const raw = with_raw && edited_columns.has('raw') ? `e.${quoteIdent(edited_columns.get('raw') ?? 'raw')}` : undefined;
  const any_raw = raw === undefined ? 'false' : `coalesce(not ${isSame(raw, 'c._raw')}, false)`;
  await session.materialize(
    'fixes',
    `select * from (select c._id, case when ${any_cell} then ${cellsJson(columns, cellOf)} else m.mended_before end as mended,
         cast(case when not ${any_cell} and ${any_raw} then ${raw === undefined ? 'null' : newValue(raw)} end as varchar) as mended_raw, ${any_cell} or ${any_raw} as _changed
       from cells c join matched m on m.quarantine_id = c._id join edited e on e.${quoteIdent(ID)} = c._id)
     where _changed`,
  );
  const [row] = await session.rows(
    `select count(*) as n from edited where ${quoteIdent(ID)} is null or ${quoteIdent(ID)} not in (select quarantine_id from matched)`,
  );
  return { unknown: Number(row?.['n'] ?? 0) };
}

/** The column of an export that says which row it is. */
export const ID = 'quarantine_id';
