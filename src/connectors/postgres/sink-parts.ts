import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quoteIdent } from '../../kit/sql.ts';
import type { SinkSession } from './sink-session.ts';
import { creationOfState, STATE_TABLE } from './sink-state.ts';

/** What has to be there before any table is loaded. */
export async function missingParts(session: SinkSession, schema: string): Promise<readonly string[]> {
  const [row] = await session.rows(
    'select to_regnamespace($1)::oid::text as schema, to_regclass($2)::oid::text as state',
    [quoteIdent(schema), `${quoteIdent(schema)}.${STATE_TABLE}`],
  );
  return [
    ...((row?.['schema'] ?? null) === null ? [`create schema ${quoteIdent(schema)}`] : []),
    ...((row?.['state'] ?? null) === null ? [creationOfState(schema)] : []),
  ];
}

/** A view that this load made is replaced, or dropped and made anew where its columns changed; one of others is left alone. */
export async function viewStatements(
  session: SinkSession,
  schema: string,
  name: string,
  sql: string,
  known: string | undefined,
): Promise<readonly string[]> {
  const qualified = `${quoteIdent(schema)}.${quoteIdent(name)}`;
  const [row] = await session.rows('select to_regclass($1)::oid::text as oid', [qualified]);
  const there = (row?.['oid'] ?? null) !== null;
  if (there && known === sql) return [];
  if (there && known === undefined)
    throw new DataflowError('E_LOAD_CHANGED', `${name} is there already, and was not made by this load`, {
      hint: 'Give the view another name, or drop what is there.',
    });
  return [...(there ? [`drop view ${qualified}`] : []), `create view ${qualified} as ${sql}`];
}
