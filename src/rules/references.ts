import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import { parseTableKey } from '../core/model/table.ts';
import type { CheckComponent, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { instanceNameOf, shownValue, tableFromQuery } from './parts/sql.ts';

const schema = z.strictObject({
  column: columnName,
  table: z.string().check(
    z.refine((text) => parseTableKey(text) !== undefined, 'expected a table such as silver.clients'),
    z.meta({ description: 'The table that has the value.', samples: ['silver.clients'] }),
  ),
  on: columnName.check(z.meta({ description: 'The column of that table.', samples: ['id_client'] })),
});
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'references',
  summary:
    'Every value occurs in a column of another table. NULL passes. A row rejected for it is tried again when the other table changes.',
  schema,
  example: '{ references: { column: id_client, table: silver.clients, on: id_client } }',
  instanceName: (params) => instanceNameOf('references', params.column, params.table),
  columns: (params) => [params.column],
  reads: (params) => [params.table],
  row: (params) => [condition(params)],
  table: (params) => {
    const column = `t.${quoteIdent(params.column)}`;
    const found = `select 1 from ${quoteTable(params.table)} as r where r.${quoteIdent(params.on)} = ${column}`;
    const failures = `select t.* from this as t where ${column} is not null and not exists (${found})`;
    return tableFromQuery(failures, `${params.column}: every value occurs in ${params.table}.${params.on}`);
  },
};

/** `{alias}` stands for a boolean column of the row builder: true when the other table has the value. */
function condition({ column, table, on }: Params): RowCondition {
  return {
    broken: `(${quoteIdent(column)} is not null and not coalesce({alias}, false))`,
    reason: `${quoteText(`${column} = `)} || ${shownValue(column)} || ${quoteText(` is not in ${table}.${on}`)}`,
    columns: [column],
    reference: { table, on, column },
    retryable: true,
  };
}

function quoteTable(key: string): string {
  return key.split('.').map(quoteIdent).join('.');
}
