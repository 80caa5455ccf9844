import { SOURCE_FILE_COLUMN } from '../../core/model/table.ts';
import type { ParseRequest } from '../../core/ports/engine.ts';
import { culpritSql, forbiddenColumns, misfitSql, RAW_CHARS_MAX } from '../../core/types/tried.ts';
import { triedTyped } from '../../core/types/tried-typed.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { fileId, type ParseSession, type Split, uriList } from './parse-parts.ts';

/**
 * Parquet input has types of its own: a column that has the wanted one passes as it is, others are cast and a value that does not survive
 * it rejects its row. Rejects are looked for only when fewer rows came out than the footers promise.
 */
export async function parquetSplit(session: ParseSession, request: ParseRequest): Promise<Split> {
  const read = (positions: string): string =>
    `read_parquet(${uriList(request.files)}, hive_partitioning=false, union_by_name=true${positions})`;
  const types = new Map(
    (await session.columns(`select * from ${read('')}`)).map(({ name, type }) => [name.toLowerCase(), type]),
  );
  const tried = request.columns.map((column) => triedTyped(column, types.get(column.name.toLowerCase())));
  const judged = [...tried, ...forbiddenColumns(request.forbidden, quoteIdent)];
  const misfits = judged.filter((one) => one.may_fail).map(misfitSql);
  const bad = misfits.length === 0 ? 'false' : misfits.join(' or ');
  const fits = misfits.length === 0 ? 'true' : misfits.map((misfit) => `not ${misfit}`).join(' and ');
  const values = tried.map((one) => `${one.value} as ${quoteIdent(one.column.name)}`);
  const id = fileId(request.files);
  return {
    good: `select ${[...values, `${id} as ${quoteIdent(SOURCE_FILE_COLUMN)}`].join(', ')} from ${read('')} where ${fits}`,
    rejected: async (good_rows) => {
      const [row] = await session.all(
        `select sum(num_rows) as n from parquet_file_metadata(${uriList(request.files)})`,
      );
      return Number(row?.['n'] ?? 0) - good_rows;
    },
    rejects: async () => {
      const culprit = culpritSql(judged, request.inferred);
      const members = judged.map(({ column: { name } }) => `${quoteIdent(name)} := ${quoteIdent(name)}`).join(', ');
      return `select ${id} as file, file_row_number + 1 as line, cast(null as bigint) as byte_offset,
        ${culprit.column_name} as column_name, ${culprit.error} as error,
        left(cast(to_json(struct_pack(${members})) as varchar), ${RAW_CHARS_MAX}) as raw
        from ${read(', file_row_number=true')} where ${bad} order by file_index, file_row_number`;
    },
    cleanup: async () => undefined,
  };
}
