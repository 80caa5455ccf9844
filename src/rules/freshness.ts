import * as z from 'zod/mini';
import { columnName } from '../core/config/fields.ts';
import type { CheckComponent, CheckContext } from '../core/ports/rule.ts';
import { quoteIdent, quoteText } from '../kit/sql.ts';
import { parseDuration } from '../kit/units.ts';
import { duration } from './parts/fields.ts';
import { instanceNameOf, typeFamily } from './parts/sql.ts';

const schema = z.strictObject({
  column: columnName,
  max_age: duration.check(
    z.meta({ description: 'How old the newest value may be when the run starts.', samples: ['2d'] }),
  ),
});
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'freshness',
  summary: 'The newest date or time of the table is not older than a duration (UTC). A table without any value fails.',
  schema,
  example: '{ freshness: { column: date_facture, max_age: 2d }, severity: warn }',
  instanceName: (params) => instanceNameOf('freshness', params.column),
  columns: (params) => [params.column],
  table: (params, context) => {
    const newest = `select max(${dateOf(params.column, context)}) as newest from this`;
    const stale = `(newest is null or newest < ${oldest(params, context)})`;
    return {
      failures: `select newest from (${newest}) as aged where ${stale}`,
      count: `select count(*) filter (where ${stale}) as failures, coalesce(cast(any_value(newest) as varchar), 'no value') as observed from (${newest}) as aged`,
      summary: `${params.column}: the newest value is at most ${params.max_age} old`,
    };
  },
};

function dateOf(column: string, context: CheckContext): string {
  const known = ['date', 'timestamp', 'timestamptz'].includes(typeFamily(column, context));
  return known ? quoteIdent(column) : `try_cast(${quoteIdent(column)} as timestamp)`;
}

/** A date stands for its whole day, so it is compared with the day of the limit. */
function oldest(params: Params, context: CheckContext): string {
  const limit = new Date(Date.parse(context.now_iso) - (parseDuration(params.max_age) ?? 0)).toISOString();
  switch (typeFamily(params.column, context)) {
    case 'date':
      return `cast(${quoteText(limit.slice(0, 10))} as date)`;
    case 'timestamptz':
      return `cast(${quoteText(limit)} as timestamptz)`;
    default:
      return `cast(${quoteText(limit.slice(0, -1))} as timestamp)`;
  }
}
