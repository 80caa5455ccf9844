import { SOURCE_FILE_COLUMN } from '../../../core/model/table.ts';
import type { EngineColumn, ParseRequest } from '../../../core/ports/engine.ts';
import { culpritSql, forbiddenColumns, misfitSql, RAW_CHARS_MAX, type Tried } from '../../../core/types/tried.ts';
import { triedTyped } from '../../../core/types/tried-typed.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { TEXT } from './source-columns.ts';

/** The rows of files that stay where they are, with a text of each value, and of each row its text as JSON, its file and its line. */
export const ROWS = '_in_place';

/** The columns of {@link ROWS}. @param wanted as the files have them */
export function knownColumns(wanted: readonly EngineColumn[]): readonly EngineColumn[] {
  const texts = wanted.map((_, at) => ({ name: `${TEXT}${at}`, type: 'varchar' }));
  return [
    ...wanted,
    ...texts,
    { name: '_in_file', type: 'varchar' },
    { name: '_in_line', type: 'bigint' },
    { name: '_in_raw', type: 'varchar' },
  ];
}

type Asked = Pick<ParseRequest, 'columns' | 'forbidden' | 'inferred'>;

/** In DuckDB's dialect: the rows that fit, and the records that do not, by the conditions of the reader of this machine. */
export function inPlaceSql(
  request: Asked,
  wanted: readonly EngineColumn[],
): { readonly good: string; readonly rejected: string } {
  const tried = triedColumns(request, wanted);
  const misfits = tried.filter((one) => one.may_fail).map(misfitSql);
  const fits = misfits.length === 0 ? 'true' : misfits.map((misfit) => `not ${misfit}`).join(' and ');
  const values = tried
    .filter((one) => one.forbidden !== true)
    .map((one) => `${one.value} as ${quoteIdent(one.column.name)}`);
  const { column_name, error } = culpritSql(tried, request.inferred);
  return {
    good: `select ${[...values, `_in_file as ${quoteIdent(SOURCE_FILE_COLUMN)}`].join(', ')} from ${ROWS} where ${fits}`,
    rejected: `select _in_file as file, _in_line as line, cast(null as bigint) as byte_offset, ${column_name} as column_name, ${error} as error,
      left(_in_raw, ${RAW_CHARS_MAX}) as raw from ${ROWS} where ${misfits.length === 0 ? 'false' : misfits.join(' or ')}`,
  };
}

function triedColumns(request: Asked, wanted: readonly EngineColumn[]): readonly Tried[] {
  const of = (name: string): EngineColumn | undefined =>
    wanted.find((one) => one.name.toLowerCase() === name.toLowerCase());
  const textOf = (name: string): { readonly text?: string } => {
    const at = wanted.findIndex((one) => one.name.toLowerCase() === name.toLowerCase());
    return at < 0 ? {} : { text: `${TEXT}${at}` };
  };
  return [
    ...request.columns.map((column) => ({ ...triedTyped(column, of(column.name)?.type), ...textOf(column.name) })),
    ...forbiddenColumns(request.forbidden, quoteIdent).map((one) => ({ ...one, ...textOf(one.column.name) })),
  ];
}
