import type { FilterSpec } from '../../../core/model/dashboard.ts';
import { tablesNamedIn } from '../../../core/planning/sql-refs.ts';
import type { ReadParam } from '../../../core/ports/read-engine.ts';
import { quoteIdent } from '../../../kit/sql.ts';
import { columnNamed } from '../conditions.ts';
import type { ReleaseMemo } from '../release-memo.ts';
import { tableOf } from '../routes.ts';
import type { ServedRelease } from '../served-release.ts';
import { tableSql } from '../table-request.ts';
import { type Chosen, isRange, rangeOf } from './filter-words.ts';

/** Values of a choice, at most. */
const VALUES_MAX = 1000;
const DAY_MS = 86_400_000;

/** Tables that the values of a filter come from. */
export function tablesOfFilter({ table, sql }: FilterSpec): readonly string[] {
  return table === undefined ? tablesNamedIn(sql ?? '') : [table];
}

/** Whether the default has to be looked up in the release. */
export function isLookedUp({ type, values, default: fallback = '' }: FilterSpec): boolean {
  return type !== 'text' && values === undefined && /^(latest|\d+d)$/.test(fallback);
}

/** What can be chosen: values in order, the first and the last day of a range, nothing of a text. */
export async function valuesOf(
  filter: FilterSpec,
  release: ServedRelease,
  signal: AbortSignal,
  memo: ReleaseMemo,
): Promise<readonly string[]> {
  const { type, values, table, column, sql } = filter;
  if (values !== undefined) return values;
  if (type === 'text' || (table === undefined && sql === undefined)) return [];
  return memo.once(release, `values of ${JSON.stringify([type, table, column, sql])}`, async () => {
    for (const key of tablesOfFilter(filter)) await tableOf(release, key);
    const question = table === undefined ? await queryOf(release, sql ?? '') : await columnSql(filter, release);
    const rows = await release.tables.rows({ sql: question, params: {}, signal }, VALUES_MAX);
    return rows.map((row) => row['value']).flatMap((one) => (one === null || one === undefined ? [] : [String(one)]));
  });
}

async function queryOf(release: ServedRelease, sql: string): Promise<string> {
  await release.tables.tablesOf(sql);
  return `select cast(value as varchar) as value from (\n${sql.replace(/[\s;]+$/, '')}\n) as q(value) limit ${VALUES_MAX}`;
}

async function columnSql({ type, table = '', column = '' }: FilterSpec, release: ServedRelease): Promise<string> {
  const { columns } = await tableOf(release, table);
  const name = quoteIdent(columnNamed('column', column, columns).name);
  const from = tableSql(table);
  if (type === 'choice')
    return `select distinct cast(${name} as varchar) as value from ${from} where ${name} is not null order by 1 limit ${VALUES_MAX}`;
  const day = `try_cast(${name} as date)`;
  return `select unnest([min(${day}), max(${day})]) as value from ${from}`;
}

/** What holds when nothing was chosen; null: no restriction. */
export async function defaultOf(
  name: string,
  filter: FilterSpec,
  release: ServedRelease,
  signal: AbortSignal,
  memo: ReleaseMemo,
): Promise<Exclude<Chosen, 'default'>> {
  const { type, default: fallback } = filter;
  if (fallback === undefined) return null;
  if (!isLookedUp(filter)) return type === 'date_range' ? rangeOf(name, fallback) : [fallback];
  const values = await valuesOf(filter, release, signal, memo);
  if (type === 'choice') return values.length === 0 ? null : [greatest(values)];
  const last = values.at(-1);
  if (last === undefined) return null;
  const days = fallback === 'latest' ? 1 : Math.max(1, Number(fallback.slice(0, -1)));
  return { from: new Date(Date.parse(last) - (days - 1) * DAY_MS).toISOString().slice(0, 10), to: last };
}

function greatest(values: readonly string[]): string {
  return values.reduce((most, one) => (most.localeCompare(one, 'en', { numeric: true }) < 0 ? one : most));
}

/** What was chosen, as the address has it. */
export function chosenText(chosen: Exclude<Chosen, 'default'>): string | undefined {
  if (chosen === null) return undefined;
  return isRange(chosen) ? `${chosen.from ?? ''}..${chosen.to ?? ''}` : chosen[0];
}

/** The parameters that a filter binds in a query. */
export function boundOf(
  name: string,
  { type, multiple }: FilterSpec,
  chosen: Exclude<Chosen, 'default'>,
): Readonly<Record<string, ReadParam>> {
  if (type === 'date_range') {
    const { from, to } = chosen !== null && isRange(chosen) ? chosen : { from: null, to: null };
    return { [`${name}_from`]: { type: 'date', value: from }, [`${name}_to`]: { type: 'date', value: to } };
  }
  const values = chosen === null || isRange(chosen) ? null : chosen;
  if (multiple) return { [name]: { type: 'varchar[]', value: values } };
  return { [name]: { type: 'varchar', value: values?.[0] ?? null } };
}
