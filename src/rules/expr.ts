import * as z from 'zod/mini';
import type { CheckComponent, RowCondition } from '../core/ports/rule.ts';
import { quoteText } from '../kit/sql.ts';
import { fragmentProblem } from '../kit/sql-scan.ts';
import { instanceNameOf, tableFromRows } from './parts/sql.ts';

const schema = z.string().check(
  z.maxLength(20_000),
  z.superRefine((text, context) => {
    const problem = fragmentProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `the SQL ${problem}`, input: text });
  }),
  z.meta({ description: 'SQL condition that good rows satisfy.', samples: ["mode_paiement in ('CB', 'VIREMENT')"] }),
);
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'expr',
  summary: 'An SQL condition over the row that good rows satisfy. A condition that is NULL counts as broken.',
  schema,
  example: "{ name: paiement_connu, expr: \"mode_paiement in ('CB', 'VIREMENT')\", severity: warn }",
  instanceName: (sql) => instanceNameOf('expr', sql.slice(0, 40)),
  row: (sql) => [condition(sql)],
  table: (sql) => tableFromRows([condition(sql)], `every row satisfies ${oneLine(sql)}`),
};

/** The line break keeps a trailing `--` comment from swallowing the closing bracket. */
function condition(sql: string): RowCondition {
  return {
    broken: `(not coalesce(cast((${sql}\n) as boolean), false))`,
    reason: quoteText(`does not satisfy ${oneLine(sql)}`),
    columns: [],
    retryable: false,
  };
}

function oneLine(sql: string): string {
  const text = sql.replace(/\s+/g, ' ').trim();
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
