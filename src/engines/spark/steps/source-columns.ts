import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { EngineColumn, ParseRequest } from '../../../core/ports/engine.ts';
import { Refused } from '../sql/refusal.ts';
import { sparkType, typeOf } from '../sql/types.ts';
import { quoteName, quoteText } from '../sql/words.ts';

/** A column of a file that stays where it is, in the type that the file has. */
export interface SourceColumn extends EngineColumn {
  readonly spark: string;
}

/** Begins the names of the columns that hold the texts of values. */
export const TEXT = '_in_text_';

/** Those that have to be looked at. @throws DataflowError E_ENGINE_DIALECT for one that Spark cannot read as this machine does */
export function sourceColumns(
  version: string,
  { columns, forbidden = [] }: ParseRequest,
  types: readonly EngineColumn[],
): readonly SourceColumn[] {
  const wanted = new Set([...columns.map(({ name }) => name), ...forbidden].map((name) => name.toLowerCase()));
  if (version.startsWith('3.')) throw refused('files', 'Spark 3 does not check texts');
  return types.filter(({ name }) => wanted.has(name.toLowerCase())).map(typed);
}

function typed(column: EngineColumn): SourceColumn {
  const { name, type } = column;
  try {
    const node = typeOf(type);
    if (node.kind !== 'plain' && node.kind !== 'decimal') throw new Refused('a nested column');
    return { ...column, spark: sparkType(node) };
  } catch (error) {
    if (error instanceof Refused) throw refused(`${name} (${type})`, 'Spark reads such a column otherwise');
    throw error;
  }
}

function refused(what: string, why: string): DataflowError {
  return new DataflowError('E_ENGINE_DIALECT', `${what} cannot be read in place: ${why}`, {
    hint: 'Take in_place out of the source: its files are then read on this machine.',
  });
}

/** Of the select list of one file: its columns, their texts, and of each row its file, line and text. */
export function readItems(columns: readonly SourceColumn[], id: string): readonly string[] {
  const members = columns.flatMap((one) => [quoteText(one.name), isMoment(one) ? textOf(one) : quoteName(one.name)]);
  const raw =
    members.length === 0 ? "'{}'" : `TO_JSON(NAMED_STRUCT(${members.join(', ')}), MAP('ignoreNullFields', 'false'))`;
  return [
    ...columns.map((one) => `${checkedValue(one)} AS ${quoteName(one.name)}`),
    ...columns.map((one, at) => `${textOf(one)} AS ${TEXT}${at}`),
    `${quoteText(id)} AS _in_file`,
    'CAST(_metadata.row_index + 1 AS BIGINT) AS _in_line',
    `${raw} AS _in_raw`,
  ];
}

/** Bytes that are no text end the reading, as on this machine. */
function checkedValue({ name, type, spark }: SourceColumn): string {
  const value = `CAST(${quoteName(name)} AS ${spark})`;
  return type === 'varchar' ? `VALIDATE_UTF8(${value})` : value;
}

function isMoment({ type }: SourceColumn): boolean {
  return /^(date|timestamp)/.test(type);
}

function textOf({ name, type }: SourceColumn): string {
  const text = `CAST(${quoteName(name)} AS STRING)`;
  return type === 'timestamptz' ? `CONCAT(${text}, '+00')` : text;
}
