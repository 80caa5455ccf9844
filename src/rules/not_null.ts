import { columnNames } from '../core/config/fields.ts';
import type { CheckComponent, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { instanceNameOf, tableFromRows } from './parts/sql.ts';

type Params = readonly string[];

export const component: CheckComponent<Params> = {
  name: 'not_null',
  summary: 'The columns have a value in every row. An empty text is a value.',
  schema: columnNames,
  example: '{ not_null: [id, montant] }',
  instanceName: (columns) => instanceNameOf('not_null', ...columns),
  columns: (columns) => columns,
  row: (columns) => columns.map(missing),
  table: (columns) => tableFromRows(columns.map(missing), `${columns.join(', ')}: no value may be missing`),
};

function missing(column: string): RowCondition {
  return {
    broken: `(${quoteIdent(column)} is null)`,
    reason: quoteText(`${column} is missing`),
    columns: [column],
    retryable: false,
  };
}
