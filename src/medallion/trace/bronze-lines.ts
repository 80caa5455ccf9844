import { quarantineOf } from '../../core/model/table.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake } from '../../core/ports/lake.ts';
import type { InputRecord, Ledger } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';

/** What locating lines needs of a project. */
export interface LineContext {
  readonly lake: Lake;
  readonly ledger: Ledger;
}

/**
 * SQL: rows of a bronze table with their `_file` and `_df_line`. A row's position in its data file gives its place among the good records of
 * the source file; the rejected records before it are added; the first line comes from the ledger. Files whose records span
 * lines have no lines (NULL), and neither have files that the ledger does not know.
 * @param table.positioned the bronze table with `_part` and `_pos`.
 * @param wanted SQL condition on `_file`: which files matter.
 */
export async function lineSql(
  context: LineContext,
  session: EngineSession,
  table: { readonly source: string; readonly positioned: string; readonly prefix: string },
  inputs: readonly InputRecord[],
  wanted: string,
): Promise<string> {
  const { positioned, prefix } = table;
  // An older version still holds the rows of files that were removed since.
  const counted = inputs.filter(
    (input) => !input.multiline_records && (input.status === 'loaded' || input.status === 'removed'),
  );
  const values = counted.map((input) => `(${quoteText(input.path)}, ${input.first_record_line})`);
  await session.materialize(
    `${prefix}_files`,
    values.length === 0
      ? 'select null::varchar as f, null::bigint as l where false'
      : `select * from (values ${values.join(', ')}) as t(f, l)`,
  );
  await rejectedLines(context, session, table.source, prefix);
  await session.materialize(
    `${prefix}_starts`,
    `select _part, _file, min(_pos) as first_pos from ${positioned} where ${wanted} group by all`,
  );
  return `select b.*, f.l + b._pos - s.first_pos + (select count(*) from ${prefix}_rejects as r
      where r.f = b._file and r.l - f.l - (r.i - 1) <= b._pos - s.first_pos) as _df_line
    from (select * from ${positioned} where ${wanted}) as b
    left join ${prefix}_files as f on f.f = b._file
    left join ${prefix}_starts as s on s._part = b._part and s._file = b._file`;
}

/** Lines of records that parsing rejected, numbered per file. */
async function rejectedLines(
  { lake }: LineContext,
  session: EngineSession,
  source: string,
  prefix: string,
): Promise<void> {
  const quarantine = await lake.snapshot(quarantineOf({ layer: 'bronze', name: source }));
  const none = 'select null::varchar as f, null::bigint as l where false';
  if (quarantine !== undefined) await session.bind(relationOf(quarantine, `${prefix}_quarantine`));
  const rows =
    quarantine === undefined
      ? none
      : `select distinct file as f, line as l from ${prefix}_quarantine where line is not null and raw is not null`;
  await session.materialize(
    `${prefix}_rejects`,
    `select f, l, row_number() over (partition by f order by l) as i from (${rows})`,
  );
}
