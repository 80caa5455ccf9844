import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import type { CheckComponent, CheckContext, RowCondition } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { parseDuration } from '../kit/units.ts';
import { duration } from './parts/fields.ts';
import { brokenUnless, instanceNameOf, reasonFor, tableFromRows, typeFamily } from './parts/sql.ts';

const full = z.strictObject({
  column: columnName,
  tolerance: z.optional(
    duration.check(
      z.meta({ description: 'How far ahead a value may be, for clocks and time zones that differ.', samples: ['1d'] }),
    ),
  ),
});
const schema = z.pipe(
  z.union([columnName, full]),
  z.transform((value): z.output<typeof full> => (typeof value === 'string' ? { column: value } : value)),
);
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'not_future',
  summary:
    'Dates and times are not later than the start of the run (UTC). A text column is read as a time; text that is none breaks the rule. NULL passes. A row that was too early is tried again.',
  schema,
  example: '{ not_future: date_achat }',
  instanceName: (params) => instanceNameOf('not_future', params.column),
  columns: (params) => [params.column],
  row: (params, context) => [condition(params, context)],
  table: (params, context) =>
    tableFromRows([condition(params, context)], `${params.column}: no value may lie in the future`),
};

function condition(params: Params, context: CheckContext): RowCondition {
  const { column } = params;
  const limit = new Date(Date.parse(context.now_iso) + (parseDuration(params.tolerance ?? '0s') ?? 0)).toISOString();
  const good = `${comparable(column, limit, context)}`;
  const reason = reasonFor(
    column,
    `is later than ${typeFamily(column, context) === 'date' ? limit.slice(0, 10) : limit}`,
  );
  return { broken: brokenUnless(column, good), reason, columns: [column], retryable: true };
}

function comparable(column: string, limit_iso: string, context: CheckContext): string {
  const name = quoteIdent(column);
  const naive = `cast(${quoteText(limit_iso.slice(0, -1))} as timestamp)`;
  switch (typeFamily(column, context)) {
    case 'date':
      return `${name} <= cast(${quoteText(limit_iso.slice(0, 10))} as date)`;
    case 'timestamptz':
      return `${name} <= cast(${quoteText(limit_iso)} as timestamptz)`;
    case 'timestamp':
      return `${name} <= ${naive}`;
    default:
      return `try_cast(${name} as timestamp) <= ${naive}`;
  }
}
