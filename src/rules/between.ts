import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import type { CheckComponent, CheckContext, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent } from '../kit/sql.ts';
import { anyOf, bound } from './parts/fields.ts';
import { brokenUnless, comparison, instanceNameOf, reasonFor, tableFromRows, typeFamily } from './parts/sql.ts';

const schema = z
  .strictObject({
    column: columnName,
    min: z.optional(bound.check(z.meta({ description: 'The least value allowed.', samples: [0] }))),
    max: z.optional(bound.check(z.meta({ description: 'The greatest value allowed.', samples: [10000] }))),
    above: z.optional(bound.check(z.meta({ description: 'Values must be greater than this.', samples: [0] }))),
    below: z.optional(bound.check(z.meta({ description: 'Values must be less than this.', samples: [100] }))),
  })
  .check(z.refine(anyOf('min', 'max', 'above', 'below'), 'give at least one of min, max, above, below'));
type Params = z.output<typeof schema>;

const SIDES = [
  { option: 'min', operator: '>=', complaint: 'is less than' },
  { option: 'above', operator: '>', complaint: 'is not above' },
  { option: 'max', operator: '<=', complaint: 'is more than' },
  { option: 'below', operator: '<', complaint: 'is not below' },
] as const;

/** The engine sorts NaN above every number, so a lower limit alone would let it pass. */
const NOT_A_NUMBER = 'is not a number';

export const component: CheckComponent<Params> = {
  name: 'between',
  summary:
    'Values lie within limits: `min` and `max` belong to the range, `above` and `below` do not. NULL passes, NaN does not.',
  schema,
  example: '{ between: { column: montant, above: 0, max: 10000 } }',
  instanceName: (params) => instanceNameOf('between', params.column),
  columns: (params) => [params.column],
  row: (params, context) => [condition(params, context)],
  table: (params, context) =>
    tableFromRows([condition(params, context)], `${params.column}: every value ${wanted(params)}`),
};

/** One condition for all limits, so that a row is reported once; the reason names the first limit that it breaks. */
function condition(params: Params, context: CheckContext): RowCondition {
  const { column } = params;
  const tests: { readonly good: string; readonly reason: string }[] = [];
  const family = typeFamily(column, context);
  if (family === 'float')
    tests.push({ good: `not isnan(${quoteIdent(column)})`, reason: reasonFor(column, NOT_A_NUMBER) });
  const asNumber = family === 'text' && SIDES.some(({ option }) => typeof params[option] === 'number');
  if (asNumber)
    tests.push({
      good: `not isnan(try_cast(${quoteIdent(column)} as double))`,
      reason: reasonFor(column, NOT_A_NUMBER),
    });
  for (const { option, operator, complaint } of SIDES) {
    const limit = params[option];
    if (limit === undefined) continue;
    const { value, limit: sql } = comparison(column, limit, context);
    tests.push({ good: `${value} ${operator} ${sql}`, reason: reasonFor(column, `${complaint} ${limit}`) });
  }
  const good = tests.map((test) => `(${test.good})`).join(' and ');
  const cases = tests.map((test) => `when not coalesce((${test.good}), false) then ${test.reason}`).join(' ');
  return { broken: brokenUnless(column, good), reason: `(case ${cases} end)`, columns: [column], retryable: false };
}

function wanted(params: Params): string {
  const words = { min: 'at least', above: 'above', max: 'at most', below: 'below' };
  return SIDES.flatMap(({ option }) =>
    params[option] === undefined ? [] : [`${words[option]} ${params[option]}`],
  ).join(' and ');
}
