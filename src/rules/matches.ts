import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import type { CheckComponent, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { brokenUnless, instanceNameOf, reasonFor, tableFromRows } from './parts/sql.ts';

/** RE2, which the engine uses, works in linear time and therefore lacks these. */
const NOT_IN_RE2 = /\(\?(=|!|<=|<!)|\\[1-9]/;

const schema = z.strictObject({
  column: columnName,
  pattern: z.string().check(
    z.minLength(1),
    z.maxLength(1000),
    z.refine((text) => !text.includes('\0'), 'a pattern cannot contain NUL'),
    z.refine(
      (text) => !NOT_IN_RE2.test(text.replaceAll('\\\\', '')),
      'look-around and back-references are not supported (RE2 syntax)',
    ),
    z.meta({
      description: 'Regular expression (RE2). It may match anywhere in the value: write ^ and $ to match all of it.',
      samples: ['^[^@ ]+@[^@ ]+$'],
    }),
  ),
});
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'matches',
  summary:
    'Values match a regular expression. The engine uses RE2, so no pattern can take exponential time. NULL passes.',
  schema,
  example: "{ matches: { column: email, pattern: '@' } }",
  instanceName: (params) => instanceNameOf('matches', params.column),
  columns: (params) => [params.column],
  row: (params) => [condition(params)],
  table: (params) => tableFromRows([condition(params)], `${params.column}: every value matches ${params.pattern}`),
};

function condition({ column, pattern }: Params): RowCondition {
  const good = `regexp_matches(cast(${quoteIdent(column)} as varchar), ${quoteText(pattern)})`;
  return {
    broken: brokenUnless(column, good),
    reason: reasonFor(column, `does not match ${pattern}`),
    columns: [column],
    retryable: false,
  };
}
