import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { batchesBy, materializeInBatches } from '../smaller-plan.ts';
import { keyPresentSql, POSITION, preferenceSql, type SilverStep, type SilverViews } from './sql.ts';

const AT = POSITION.join(', ');

/**
 * Finds the rows that lose against another row of the same key and keeps their positions in the temporary table `losers`;
 * returns how many. Two passes: keys that occur twice are found by a plain aggregate, and only their rows are ordered. On
 * data with few duplicates that is several times cheaper than numbering every row. Rows without a whole key are no duplicates.
 */
export async function findLosers(step: SilverStep, session: EngineSession, views: SilverViews): Promise<number> {
  const { spec } = step.node;
  if (spec.key.length === 0) return 0;
  const key = spec.key.map(quoteIdent).join(', ');
  const present = keyPresentSql(spec.key);
  const batches = batchesBy(step, spec.key.map(quoteIdent));
  const repeated = await materializeInBatches(
    session,
    'repeated',
    batches,
    (batch) => `select ${key} from picked where ${present} and ${batch} group by ${key} having count(*) > 1`,
  );
  if (repeated === 0) return 0;
  const rows = `(select * from picked semi join repeated using (${key}))`;
  const contenders =
    spec.dedupe?.before_rules === true
      ? `select * from ${rows}`
      : `select * from (${views.checkedOver(rows)}) where _rule is null`;
  return await materializeInBatches(
    session,
    'losers',
    batches,
    (batch) =>
      `select ${AT} from (select ${AT}, row_number() over (partition by ${key} order by ${preferenceSql(spec)}) as _n from (${contenders}) where ${batch}) where _n > 1`,
  );
}

/** FROM and WHERE of the rows that go on into the table. */
export function goodRows(with_losers: boolean): string {
  return `${survivors(with_losers)} where _rule is null`;
}

/** FROM and WHERE of the rows that broke a rule. */
export function badRows(with_losers: boolean): string {
  return `${survivors(with_losers)} where _rule is not null`;
}

function survivors(with_losers: boolean): string {
  return with_losers ? `(select * from checked anti join losers using (${AT}))` : 'checked';
}
