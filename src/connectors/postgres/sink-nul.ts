import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { OutRows, SinkTable } from '../../core/ports/sink.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { stateOf } from './sink-errors.ts';
import type { SinkSession } from './sink-session.ts';
import { pgType } from './sink-types.ts';

/** The state of a text with a character that PostgreSQL has no place for; the server names neither row nor column. */
const NUL_STATE = '22021';

export function isNul(error: unknown): boolean {
  return stateOf(error) === NUL_STATE;
}

/** The error with the row and the column: the rows are looked through once more. */
export async function nulError(
  session: SinkSession,
  table: SinkTable,
  rows: OutRows,
  cause: unknown,
): Promise<DataflowError> {
  const texts = table.columns.filter((column) => ['text', 'jsonb'].includes(pgType(column)));
  const bad = texts.map(({ name }) => `when contains(${quoteIdent(name)}::varchar, chr(0)) then ${quoteText(name)}`);
  const key = table.key.map((name) => `${quoteText(`${name} = `)} || coalesce(${quoteIdent(name)}::varchar, 'NULL')`);
  const select = [
    { name: 'bad', sql: `case ${bad.join(' ')} end` },
    { name: 'key', sql: key.length === 0 ? "'a row'" : key.join(" || ', ' || ") },
  ];
  for await (const batch of rows.batches(select)) {
    const found = batch.find((row) => row['bad'] !== null);
    if (found === undefined) continue;
    return new DataflowError(
      'E_LOAD_REFUSED',
      `${table.table}: column ${String(found['bad'])} of the row with ${String(found['key'])} holds the character NUL, which PostgreSQL takes in no text`,
      {
        cause,
        kept: `nothing was committed at ${session.place}`,
        hint: "Take it out in the model: replace(column, chr(0), '').",
      },
    );
  }
  return cause instanceof DataflowError
    ? cause
    : new DataflowError('E_LOAD_REFUSED', `${table.table}: ${String(cause)}`);
}
