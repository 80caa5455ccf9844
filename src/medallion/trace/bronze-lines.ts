import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { InputRecord, Ledger } from '../../core/ports/ledger.ts';
import { materializeLines, withLinesSql } from '../line-runs.ts';

/** What locating lines needs of a project. */
export interface LineContext {
  readonly lake: Lake;
  readonly ledger: Ledger;
}

/**
 * SQL: rows of a bronze table with their `_file` and `_df_line`, the line on which the row's record begins. Files of which that is not known, by the
 * ledger or because rejected records have no line, have no lines (NULL).
 * @param table.positioned the bronze table with `_part` and `_pos`.
 * @param wanted SQL condition on `_file`: which files matter.
 */
export async function lineSql(
  { lake }: LineContext,
  session: EngineSession,
  table: { readonly source: string; readonly positioned: string; readonly prefix: string },
  inputs: readonly InputRecord[],
  wanted: string,
): Promise<string> {
  const { positioned, prefix } = table;
  // An older version still holds the rows of files that were removed since.
  const counted = inputs.filter((input) => input.status === 'loaded' || input.status === 'removed');
  const lines = await materializeLines(lake, session, table.source, counted, prefix);
  await session.materialize(
    `${prefix}_starts`,
    `select _part, _file, min(_pos) as first_pos from ${positioned} where ${wanted} group by all`,
  );
  const placed = `(select b.*, b._file as _df_f, b._pos - s.first_pos as _df_p from (select * from ${positioned} where ${wanted}) as b
    left join ${prefix}_starts as s on s._part = b._part and s._file = b._file)`;
  return withLinesSql(placed, lines);
}
