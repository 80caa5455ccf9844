import * as z from 'zod/mini';
import { tablesNamedIn } from '../core/planning/sql-refs.ts';
import type { CheckComponent } from '../core/ports/rule.ts';
import { fragmentProblem } from '../kit/sql-scan.ts';
import { instanceNameOf, tableFromQuery } from './parts/sql.ts';

/** A trailing semicolon is a habit of everybody who writes SQL in files. */
const schema = z.pipe(
  z.string().check(
    z.maxLength(100_000),
    z.superRefine((text, context) => {
      const problem = fragmentProblem(withoutSemicolon(text));
      if (problem !== undefined) context.addIssue({ code: 'custom', message: `the SQL ${problem}`, input: text });
    }),
    z.meta({
      description: 'Query whose rows are the failures. `this` is the table under test.',
      samples: ['select * from this where montant < 0'],
    }),
  ),
  z.transform(withoutSemicolon),
);
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'sql',
  summary:
    'A query that finds what is wrong: its rows are the failures. `this` is the candidate; other tables are read by name, such as `silver.clients`.',
  schema,
  example: '{ sql: "select * from this where montant < 0", name: jamais_negatif }',
  instanceName: (sql) => instanceNameOf('sql', sql.slice(0, 40)),
  reads: tablesNamedIn,
  table: (sql) => tableFromQuery(`select * from (${sql}\n) as found`, 'the query finds nothing'),
};

function withoutSemicolon(text: string): string {
  return text.replace(/;\s*$/, '');
}
