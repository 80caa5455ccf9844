import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import type { CheckComponent, CheckContext, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { brokenUnless, instanceNameOf, reasonFor, tableFromRows, typeFamily } from './parts/sql.ts';

const value = z.union([
  z.string().check(
    z.maxLength(1000),
    z.refine((text) => !text.includes('\0'), 'a value cannot contain NUL'),
  ),
  z.number(),
  z.boolean(),
]);
const schema = z.strictObject({
  column: columnName,
  values: z
    .array(value)
    .check(
      z.minLength(1),
      z.maxLength(10_000),
      z.meta({ description: 'The values allowed.', samples: [['CB', 'VIREMENT']] }),
    ),
});
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'accepted_values',
  summary: 'Values come from a list. Text is compared exactly, letter case included; numbers by value. NULL passes.',
  schema,
  example: '{ accepted_values: { column: mode_paiement, values: [CB, VIREMENT, ESPECES] } }',
  instanceName: (params) => instanceNameOf('accepted_values', params.column),
  columns: (params) => [params.column],
  row: (params, context) => [condition(params, context)],
  table: (params, context) =>
    tableFromRows([condition(params, context)], `${params.column}: only ${shortList(params.values)}`),
};

function condition(params: Params, context: CheckContext): RowCondition {
  const { column, values } = params;
  const family = typeFamily(column, context);
  const numbers =
    (family === 'number' || family === 'float') &&
    values.every((item) => /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/.test(String(item)));
  const good = numbers
    ? `${quoteIdent(column)} in (${values.map(String).join(', ')})`
    : `cast(${quoteIdent(column)} as varchar) in (${values.map((item) => quoteText(String(item))).join(', ')})`;
  const reason = reasonFor(column, `is not one of ${shortList(values)}`);
  return { broken: brokenUnless(column, good), reason, columns: [column], retryable: false };
}

function shortList(values: Params['values']): string {
  const shown = values.slice(0, 10).map(String).join(', ');
  return values.length > 10 ? `${shown}, … (${values.length} values)` : shown;
}
