import * as z from 'zod/mini';
import type { CheckComponent, CheckContext } from '../core/ports/rule.ts';
import { anyOf } from './parts/fields.ts';
import { instanceNameOf } from './parts/sql.ts';

const rows = z.int().check(z.gte(0));
const percent = z.number().check(z.gte(0));
const schema = z
  .strictObject({
    min: z.optional(rows.check(z.meta({ description: 'Fewest rows allowed.', samples: [1] }))),
    max: z.optional(rows.check(z.meta({ description: 'Most rows allowed.' }))),
    drop_max_pct: z.optional(
      percent.check(
        z.lte(100),
        z.meta({
          description: 'By how many percent the table may shrink against the published version.',
          samples: [30],
        }),
      ),
    ),
    grow_max_pct: z.optional(
      percent.check(
        z.meta({
          description: 'By how many percent the table may grow against the published version.',
          samples: [200],
        }),
      ),
    ),
  })
  .check(
    z.refine(
      anyOf('min', 'max', 'drop_max_pct', 'grow_max_pct'),
      'give at least one of min, max, drop_max_pct, grow_max_pct',
    ),
  );
type Params = z.output<typeof schema>;

export const component: CheckComponent<Params> = {
  name: 'row_count',
  summary:
    'The table has a number of rows within limits, given as numbers or as a change against the published version. The first version has nothing to compare with.',
  schema,
  example: '{ row_count: { min: 1, drop_max_pct: 30 } }',
  instanceName: () => instanceNameOf('row_count'),
  table: (params, context) => {
    const bad = limits(params, context);
    const counted = 'select count(*) as row_count from this';
    const where = bad.length === 0 ? 'false' : bad.map((limit) => limit.sql).join(' or ');
    const before = context.rows_before === undefined ? '' : ` || ' rows, ${context.rows_before} before'`;
    return {
      failures: `select row_count from (${counted}) as counted where ${where}`,
      count: `select count(*) filter (where ${where}) as failures, any_value(row_count)${before} as observed from (${counted}) as counted`,
      summary: `row count ${bad.map((limit) => limit.words).join(' and ') || 'has nothing to compare with'}`,
    };
  },
};

function limits(params: Params, context: CheckContext): readonly { readonly sql: string; readonly words: string }[] {
  const found: { sql: string; words: string }[] = [];
  const before = context.rows_before;
  if (params.min !== undefined) found.push({ sql: `row_count < ${params.min}`, words: `at least ${params.min}` });
  if (params.max !== undefined) found.push({ sql: `row_count > ${params.max}`, words: `at most ${params.max}` });
  if (before === undefined) return found;
  if (params.drop_max_pct !== undefined) {
    found.push({
      sql: `row_count < ${before} * (1 - ${params.drop_max_pct} / 100.0)`,
      words: `not ${params.drop_max_pct} % below ${before}`,
    });
  }
  // From an empty table every growth is infinite: nothing to compare with.
  if (params.grow_max_pct !== undefined && before > 0) {
    found.push({
      sql: `row_count > ${before} * (1 + ${params.grow_max_pct} / 100.0)`,
      words: `not ${params.grow_max_pct} % above ${before}`,
    });
  }
  return found;
}
