import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import type { CheckComponent, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { anyOf } from './parts/fields.ts';
import { brokenUnless, instanceNameOf, shownValue, tableFromRows } from './parts/sql.ts';

const chars = z.int().check(z.gte(0));
const schema = z
  .strictObject({
    column: columnName,
    min: z.optional(chars.check(z.meta({ description: 'Fewest characters allowed.', samples: [2] }))),
    max: z.optional(chars.check(z.meta({ description: 'Most characters allowed.', samples: [80] }))),
  })
  .check(z.refine(anyOf('min', 'max'), 'give at least one of min, max'));
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'length',
  summary: 'Texts have a length within limits, in characters. NULL passes.',
  schema,
  example: '{ length: { column: pays, min: 2, max: 60 } }',
  instanceName: (params) => instanceNameOf('length', params.column),
  columns: (params) => [params.column],
  row: (params) => [condition(params)],
  table: (params) => tableFromRows([condition(params)], `${params.column}: every value has ${wanted(params)}`),
};

function condition(params: Params): RowCondition {
  const length = `length(cast(${quoteIdent(params.column)} as varchar))`;
  const limits: string[] = [];
  if (params.min !== undefined) limits.push(`${length} >= ${params.min}`);
  if (params.max !== undefined) limits.push(`${length} <= ${params.max}`);
  const reason = `${quoteText(`${params.column} = `)} || ${shownValue(params.column)} || ' has ' || ${length} || ${quoteText(` characters, not ${wanted(params)}`)}`;
  return {
    broken: brokenUnless(params.column, limits.join(' and ')),
    reason,
    columns: [params.column],
    retryable: false,
  };
}

function wanted({ min, max }: Params): string {
  if (min === undefined) return `at most ${max} characters`;
  return max === undefined ? `at least ${min} characters` : `${min} to ${max} characters`;
}
