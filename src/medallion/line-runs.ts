import { linesOf } from '../core/model/record-lines.ts';
import { quarantineOf } from '../core/model/table.ts';
import type { EngineSession } from '../core/ports/engine.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { InputRecord } from '../core/ports/ledger.ts';
import { quoteText } from '../kit/sql.ts';
import { relationOf } from './context.ts';
import { discardedLines } from './discarded-lines.ts';

/**
 * Lines of rows of a bronze table. A row's place in its data file gives its place among the records of the source file that are in the table; the
 * records that are not, since they were rejected or discarded, are added; and the ledger knows where the records of a file begin.
 */
export interface LineRelations {
  /** `f`, `i`, `l`, `k`: records of a file from number `i` on begin on line `l` and take `k` lines each. Files without known lines are not in it. */
  readonly runs: string;
  /** `f`, `b`: for each absent record, how many others come before it. */
  readonly absent: string;
}

/** Keeps both relations for the loaded files `inputs` of a source. @param prefix of their names, and of what they are made from. */
export async function materializeLines(
  lake: Lake,
  session: EngineSession,
  source: string,
  inputs: readonly InputRecord[],
  prefix: string,
): Promise<LineRelations> {
  const relations = { runs: `${prefix}_runs`, absent: `${prefix}_absent` };
  const lines = inputs.length === 0 ? NONE : await absentLinesSql(lake, session, source, inputs, prefix);
  await session.materialize(`${prefix}_lines`, lines, CHEAP);
  await session.materialize(
    relations.runs,
    // Where a record may stand anywhere, no other can be placed.
    `select * from (${lineRunsSql(inputs)}) where f not in (select f from ${prefix}_lines where l is null and f is not null)`,
    CHEAP,
  );
  await session.materialize(
    relations.absent,
    `select f, n - (row_number() over (partition by f order by n) - 1) as b from (
       select j.f, r.i + (j.l - r.l) // r.k as n from (select * from ${prefix}_lines where l is not null) as j
       asof join ${relations.runs} as r on r.f = j.f and j.l >= r.l)`,
    CHEAP,
  );
  return relations;
}

/** These are rows of the quarantine and of the ledger. */
const CHEAP = { cheap: true };
const NONE = 'select null::varchar as f, null::bigint as l where false';

/** SQL of such runs; files whose lines are not known are not in it. */
export function lineRunsSql(inputs: readonly InputRecord[]): string {
  const rows = inputs.flatMap((input) =>
    linesOf(input).map(({ record, line, lines }) => `(${quoteText(input.path)}, ${record}, ${line}, ${lines})`),
  );
  return rows.length === 0
    ? 'select null::varchar as f, null::bigint as i, null::bigint as l, null::bigint as k where false'
    : `select f, i::bigint as i, l::bigint as l, k::bigint as k from (values ${rows.join(', ')}) as t(f, i, l, k)`;
}

/** SQL: `f` and `l` of records that are in the files and not in the table. Discarded ones have left the quarantine; they are in the file all the same. */
async function absentLinesSql(
  lake: Lake,
  session: EngineSession,
  source: string,
  inputs: readonly InputRecord[],
  prefix: string,
): Promise<string> {
  const bronze = { layer: 'bronze' as const, name: source };
  const open = `${prefix}_open`;
  const rejected = await lake.snapshot(quarantineOf(bronze));
  if (rejected !== undefined) await session.bind(relationOf(rejected, `${prefix}_rejects`));
  await session.materialize(
    open,
    rejected === undefined ? NONE : `select file as f, line as l from ${prefix}_rejects where raw is not null`,
    CHEAP,
  );
  const discarded = await discardedLines(lake, session, bronze, { inputs, open, prefix });
  return `select * from ${open}${discarded === undefined ? '' : ` union select * from ${discarded}`}`;
}

/**
 * SQL: the rows of `placed`, which has `_df_f` (file) and `_df_p` (place among the records that are in the table), without these and with
 * `_df_line`: where the row's record begins; NULL where that is not known.
 */
export function withLinesSql(placed: string, { runs, absent }: LineRelations): string {
  const counted = `select x.*, x._df_p + (select count(*) from ${absent} as b where b.f = x._df_f and b.b <= x._df_p) as _df_i from ${placed} as x`;
  return `select c.* exclude (_df_f, _df_p, _df_i), r.l + (c._df_i - r.i) * r.k as _df_line
    from (${counted}) as c asof left join ${runs} as r on r.f = c._df_f and c._df_i >= r.i`;
}
