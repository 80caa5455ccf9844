import type { EnrichSpec } from '../../../core/model/enrich.ts';
import { lossSql } from '../../../core/types/loss.ts';
import { quoteText } from '../../../kit/sql.ts';

/** Keys and values of a lookup as they were found. */
export interface LookupSource {
  /** Relation, or a query in parentheses. */
  readonly from: string;
  /** SQL of the key's parts. */
  readonly keys: readonly string[];
  /** SQL of the value at a place. */
  value(place: string): string;
  /** SQL: why there is no value, or NULL. */
  readonly failed: string;
}

/**
 * One row a key: `k1`…, `a1`… in the declared types, and `failed`. A value that its type cannot hold as it is fails the lookup: nothing is
 * rounded or cut.
 */
export function typedSql({ add }: Pick<EnrichSpec, 'add'>, { from, keys, value, failed }: LookupSource): string {
  const added = Object.values(add);
  const reasons: string[] = [];
  const values = added.map(({ from: place, type }, i) => {
    const found = value(place);
    if (type === undefined) return `${found} as a${i + 1}`;
    const typed = `try_cast(${found} as ${type})`;
    const loss = lossSql(type, found, typed);
    const misfit = `${typed} is null${loss === undefined ? '' : ` or (${loss})`}`;
    const words = `left(cast(${found} as varchar), 80) || ${quoteText(` at ${place} is no ${type}`)}`;
    reasons.push(`when ${found} is not null and (${misfit}) then ${words}`);
    return `${typed} as a${i + 1}`;
  });
  const why = reasons.length === 0 ? failed : `case when ${failed} is not null then ${failed} ${reasons.join(' ')} end`;
  const cells = added.map((_, i) => `case when failed is null then a${i + 1} end as a${i + 1}`);
  const names = keys.map((_, i) => `k${i + 1}`);
  return `select ${[...names, ...cells, 'failed'].join(', ')} from (
    select ${[...keys.map((key, i) => `${key} as k${i + 1}`), ...values, `${why} as failed`].join(', ')} from ${from})`;
}
