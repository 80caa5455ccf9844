import type { AskedEnrich } from '../../../core/model/enrich.ts';
import type { EngineSession } from '../../../core/ports/engine.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { relationOf } from '../../context.ts';
import type { SilverStep } from '../sql.ts';

/**
 * The lookup's answers; when nobody may be asked, first those that the rows of the published table show: they are what was used, whatever
 * is remembered or would be answered today.
 * @param typed SQL of what is remembered (`k1`…, `a1`…, `failed`).
 */
export async function recalled(
  { recall }: Pick<SilverStep, 'recall'>,
  session: EngineSession,
  { columns, add }: AskedEnrich,
  index: number,
  typed: string,
): Promise<string> {
  const published = recall?.published;
  if (published === undefined) return typed;
  const known = new Set(published.columns.map(({ name }) => name.toLowerCase()));
  const names = Object.keys(add);
  // Of a table that was made by another definition nothing can be told.
  if (![...columns, ...names].every((name) => known.has(name.toLowerCase()))) return typed;
  await session.bind(relationOf(published, `shown_${index}`));
  const types = await session.describe(typed);
  const typeOf = (name: string): string => types.find((one) => one.name === name)?.type ?? 'varchar';
  const keys = columns.map((column, i) => `cast(${quoteIdent(column)} as varchar) as k${i + 1}`);
  const values = names.map(
    (name, i) => `any_value(try_cast(${quoteIdent(name)} as ${typeOf(`a${i + 1}`)})) as a${i + 1}`,
  );
  const whole = columns.map((column) => `${quoteIdent(column)} is not null`).join(' and ');
  const key_names = columns.map((_, i) => `k${i + 1}`).join(', ');
  const shown = `select ${[...keys, ...values].join(', ')}, cast(null as varchar) as failed from shown_${index} where ${whole} group by ${key_names}`;
  return `select * from (${shown}) union all select * from (${typed}) where (${key_names}) not in (select (${key_names}) from (${shown}))`;
}
