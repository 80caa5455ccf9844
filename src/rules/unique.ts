import { columnNames } from '../core/config/fields.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import { quoteIdent } from '../kit/sql.ts';
import { instanceNameOf, tableFromQuery } from './parts/sql.ts';

type Params = readonly string[];

export const component: CheckComponent<Params> = {
  name: 'unique',
  summary:
    'No two rows have the same values in the columns, taken together. Rows in which one of them is NULL do not count.',
  schema: columnNames,
  example: '{ unique: [id_client, date] }',
  instanceName: (columns) => instanceNameOf('unique', ...columns),
  columns: (columns) => columns,
  table: (columns) => {
    const names = columns.map(quoteIdent).join(', ');
    const present = columns.map((column) => `${quoteIdent(column)} is not null`).join(' and ');
    const failures = `select ${names}, count(*) as rows_with_it from this where ${present} group by ${names} having count(*) > 1`;
    return tableFromQuery(failures, `${columns.join(', ')}: no value may occur twice`);
  },
};
