import type { ColumnParity, ParityExample, RowsParity, Texts } from '../../core/model/parity.ts';
import type { Column } from '../../core/model/table.ts';
import { type ComparePlan, comparePlan } from '../../core/planning/parity.ts';
import type { EngineSession, InputFile, Row } from '../../core/ports/engine.ts';
import { parseType } from '../../core/types/type-text.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { sameValueSql } from './same-value.ts';

/** Rows that one engine computed. */
export interface Side {
  readonly columns: readonly Column[];
  readonly files: readonly InputFile[];
}

/** A row that differs, before anybody asked where it comes from. */
export type BareExample = Omit<ParityExample, 'origins' | 'notes'>;

export type BareRows = Omit<RowsParity, 'examples'> & { readonly examples: readonly BareExample[] };

/**
 * Compares the rows of two sides as multisets, in the session of an engine that can read the files of both. Rows that are the same to the last digit
 * are taken out first; of the others, those that go together are found by the key, or by the columns that are compared exactly, those of
 * one key in the order of their values.
 * @param limit examples of each kind.
 */
export async function compareRows(
  session: EngineSession,
  { here, there }: { readonly here: Side; readonly there: Side },
  key: readonly string[],
  limit: number,
): Promise<BareRows> {
  const plan = comparePlan(here.columns, there.columns, key);
  await session.bind({ name: 'side_here', ...here });
  await session.bind({ name: 'side_there', ...there });
  const [sizes] = await session.rows(
    'select (select count(*) from side_here) as here, (select count(*) from side_there) as there',
  );
  const size = { here: numberOf(sizes, 'here'), there: numberOf(sizes, 'there') };
  const none = { only_here: 0, only_there: 0, changed: 0, nearly: 0 };
  const about = { key: plan.by_key ? plan.match : [], columns: plan.differing };
  if (plan.columns.length === 0 || (await surplus(session, plan)) === 0)
    return { ...about, rows: { ...size, ...none }, examples: [] };
  await pairUp(session, plan);
  const differs = plan.columns.map((_, at) => differsSql(plan, at));
  await session.materialize(
    'judged',
    `select *, case when _there is null then 'only_here' when _here is null then 'only_there' when ${differs.join(' or ')} then 'changed' else 'nearly' end as _kind from pairs`,
  );
  const found = await session.rows('select _kind as kind, count(*) as n from judged group by all');
  const counts = Object.fromEntries(found.map((row) => [String(row['kind']), Number(row['n'])]));
  return {
    ...about,
    rows: { ...size, ...none, ...counts },
    examples: limit === 0 ? [] : await examplesOf(session, plan, limit),
  };
}

/** Keeps the rows that the sides do not have equally often in `surplus`, with how many times more the first one has them. */
function surplus(session: EngineSession, { columns }: ComparePlan): Promise<number> {
  const list = columns.map(({ name }, at) => `${quoteIdent(name)} as c${at}`).join(', ');
  const names = columns.map((_, at) => `c${at}`).join(', ');
  return session.materialize(
    'surplus',
    `select ${names}, sum(_n) as _n from (select ${list}, 1 as _n from side_here union all select ${list}, -1 from side_there)
     group by ${names} having sum(_n) <> 0`,
  );
}

/** Keeps in `pairs` what is left of the first side (`h0`, `h1`, …, `_here`) beside what goes with it of the second one. */
async function pairUp(session: EngineSession, { columns, match }: ComparePlan): Promise<void> {
  const matched = columns.flatMap(({ name }, at) => (match.includes(name) ? [at] : []));
  const others = columns.flatMap((_, at) => (matched.includes(at) ? [] : [`c${at}`]));
  const window = [
    matched.length === 0 ? '' : `partition by ${matched.map((at) => `c${at}`).join(', ')}`,
    others.length === 0 ? '' : `order by ${others.join(', ')}`,
  ].join(' ');
  const left = (sign: string): string =>
    `select *, row_number() over (${window}) as _nth from (select *, unnest(range(cast(${sign}_n as bigint))) as _times from surplus where ${sign}_n > 0)`;
  const list = (prefix: string, from: string): string =>
    columns.map((_, at) => `${from}.c${at} as ${prefix}${at}`).join(', ');
  const same = [...matched.map((at) => `h.c${at} is not distinct from t.c${at}`), 'h._nth = t._nth'].join(' and ');
  await session.materialize('left_here', left(''));
  await session.materialize('left_there', left('-'));
  await session.materialize(
    'pairs',
    `select ${list('h', 'h')}, ${list('t', 't')}, h._nth as _here, t._nth as _there from left_here h full outer join left_there t on ${same}`,
  );
}

function differsSql({ columns }: ComparePlan, at: number): string {
  return `not ${sameValueSql(parseType(columns[at]?.type ?? ''), `h${at}`, `t${at}`)}`;
}

/** The first rows of each kind, in the order of what they are matched by. */
async function examplesOf(session: EngineSession, plan: ComparePlan, limit: number): Promise<readonly BareExample[]> {
  const { columns, match } = plan;
  const texts = columns.flatMap((_, at) => [
    `cast(h${at} as varchar) as h${at}`,
    `cast(t${at} as varchar) as t${at}`,
    `${differsSql(plan, at)} as d${at}`,
  ]);
  const order = columns.flatMap(({ name }, at) => (match.includes(name) ? [`coalesce(h${at}, t${at})`] : []));
  const sorted = order.length === 0 ? '' : `order by ${order.join(', ')}`;
  const kinds = ['changed', 'only_here', 'only_there'] as const;
  const found: BareExample[] = [];
  for (const kind of kinds) {
    const rows = await session.rows(
      `select ${texts.join(', ')} from (select * from judged where _kind = '${kind}' ${sorted} limit ${limit})`,
    );
    found.push(...rows.map((row) => exampleFrom(kind, row, plan)));
  }
  return found;
}

function exampleFrom(kind: ParityExample['kind'], row: Row, { columns, match }: ComparePlan): BareExample {
  const text = (name: string): string | null =>
    row[name] === null || row[name] === undefined ? null : String(row[name]);
  const side = kind === 'only_there' ? 't' : 'h';
  const shown = kind === 'changed' ? columns.filter(({ name }) => match.includes(name)) : columns;
  const values: Texts = Object.fromEntries(
    shown.map((column) => [column.name, text(`${side}${columns.indexOf(column)}`)]),
  );
  const differs: readonly ColumnParity[] =
    kind === 'changed'
      ? columns.flatMap(({ name }, at) =>
          row[`d${at}`] === true ? [{ column: name, here: text(`h${at}`), there: text(`t${at}`) }] : [],
        )
      : [];
  return { kind, row: values, differs };
}

function numberOf(row: Row | undefined, name: string): number {
  return Number(row?.[name] ?? 0);
}
