import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { TAKEN_ROWS_MAX } from '../../kit/taken-rows.ts';
import { KNOWN, MAYBE_TAKEN, TO_REMEMBER } from './flagged-row.ts';
import { overlapOf, type PostgresOptions } from './options.ts';
import type { ChangesPosition, Horizon, Round } from './position.ts';
import { copyOut, type Relation, type RelationColumn } from './relation.ts';
import type { Session } from './session.ts';

/** How a relation is read by its cursor. */
export interface ChangesPlan {
  readonly relation: Relation;
  readonly cursor: RelationColumn;
  readonly keys: readonly RelationColumn[];
  /** What is subtracted from the cursor, as SQL; undefined: only rows with the highest value are read again. */
  readonly overlap: string | undefined;
}

/** @throws DataflowError E_SOURCE_CURSOR for a cursor or key that cannot be followed. */
export function changesPlan(relation: Relation, options: PostgresOptions): ChangesPlan {
  const named = options.cursor;
  if (named === undefined) throw new DataflowError('E_INTERNAL', 'a plan of changes without a cursor');
  const cursor = columnOf(relation, named.column, 'cursor');
  const names = options.key ?? relation.table?.primary_key ?? [];
  if (names.length === 0)
    throw new DataflowError('E_SOURCE_CURSOR', `${relation.name} has no primary key`, {
      hint: 'Name with `key:` the columns that tell its rows apart.',
    });
  const keys = names.map((name) => columnOf(relation, name, 'key'));
  return { relation, cursor, keys, overlap: overlapSql(cursor, named.overlap) };
}

function columnOf(relation: Relation, name: string, role: string): RelationColumn {
  const column =
    relation.columns.find((one) => one.name === name) ??
    relation.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (column === undefined)
    throw new DataflowError('E_SOURCE_CURSOR', `${relation.name} has no column ${name} (its ${role})`, {
      hint: `It has ${relation.columns.map((one) => one.name).join(', ')}.`,
    });
  if (column.type === 'json' || column.type === 'blob')
    throw new DataflowError('E_SOURCE_CURSOR', `column ${name} is ${column.sql_type}, which cannot be a ${role}`);
  return column;
}

function overlapSql(cursor: RelationColumn, overlap: string | number | undefined): string | undefined {
  const kind = cursor.category === 'D' ? 'time' : cursor.category === 'N' ? 'number' : undefined;
  if (kind === undefined) {
    if (overlap === undefined || overlap === 0) return undefined;
    throw new DataflowError('E_SOURCE_CURSOR', `cursor ${cursor.name} is ${cursor.sql_type}: it has no overlap`, {
      hint: 'An overlap needs a column of times or numbers; with another one set `overlap: 0`.',
    });
  }
  const again = overlapOf(overlap, kind);
  if (again === undefined) {
    const example = kind === 'time' ? 'a duration such as 5m' : 'a number such as 1000';
    throw new DataflowError(
      'E_SOURCE_CURSOR',
      `the overlap of cursor ${cursor.name} (${cursor.sql_type}) has to be ${example}`,
    );
  }
  if (again === 0 || again === '0 milliseconds') return undefined;
  return kind === 'number' ? String(again) : `interval ${quoteText(String(again))}`;
}

const column = (one: { readonly name: string }): string => `t.${quoteIdent(one.name)}`;
const value = (text: string, type: RelationColumn): string => `${quoteText(text)}::${type.sql_type}`;

/** Times beyond it are the future, which comes by itself; clocks without a zone may be a day ahead of UTC. */
export function latest({ cursor }: ChangesPlan): string {
  if (cursor.category !== 'D') return 'true';
  const now = cursor.type === 'timestamptz' ? 'now()' : `now() at time zone 'UTC' + interval '1 day'`;
  return `${column(cursor)} <= ${now}`;
}

/** The bounds of a new round, from this moment's snapshot. @throws DataflowError E_SOURCE_CURSOR when too many rows would have to be remembered. */
export async function beginRound(
  session: Session,
  plan: ChangesPlan,
  last: ChangesPosition,
  note: (words: string) => void,
): Promise<Round> {
  const { relation, cursor, overlap } = plan;
  const round = await boundsOf(session, plan, last);
  const fits = await remembered(session, plan, round);
  if (fits !== undefined) return fits;
  const most = TAKEN_ROWS_MAX.toLocaleString('en');
  // Without an overlap the value at the edge alone would be read again; where too many have it, the line goes on behind them.
  if (overlap === undefined && round.low !== null) {
    const behind = await remembered(session, plan, { ...round, low: null });
    if (behind !== undefined) {
      note(
        `${relation.name}: more than ${most} rows have the highest ${cursor.name}; any that come later with the same value are not seen`,
      );
      return behind;
    }
  }
  throw new DataflowError(
    'E_SOURCE_CURSOR',
    `more than ${most} rows of ${relation.name} lie within the overlap of cursor ${cursor.name}: too many to be told apart from what was taken`,
    {
      hint: 'Shorten the overlap or set `overlap: 0`; a plain table (instead of a view or a query) has no such limit.',
    },
  );
}

async function boundsOf(session: Session, plan: ChangesPlan, last: ChangesPosition): Promise<Round> {
  const { relation, cursor, overlap } = plan;
  const highest = `select max(${column(cursor)}) as c from ${relation.from} where ${latest(plan)}`;
  const both = last.upto === null ? 'm.c' : `greatest(m.c, ${value(last.upto, cursor)})`;
  // What has the value at the edge was not remembered when `low` was null, so it cannot be told apart.
  const unknown = last.upto !== null && last.low === null;
  const edge = unknown ? `nullif(u.c, ${value(last.upto, cursor)})` : 'u.c';
  const low = overlap === undefined ? edge : `(u.c - ${overlap})::${cursor.sql_type}`;
  const [bounds] = await session.rows(
    `select u.c::text as upto, (${low})::text as low from (select ${both} as c from (${highest}) m) u`,
  );
  return {
    upto: bounds?.['upto'] ?? null,
    low: bounds?.['low'] ?? null,
    horizon: null,
    section: 'strays',
    after: null,
    taken: '',
    strays: false,
  };
}

/** The round with what tells its rows apart when they are met again; undefined where there are too many of them. */
async function remembered(session: Session, plan: ChangesPlan, round: Round): Promise<Round | undefined> {
  if ((await rowsToRemember(session, plan, round)) <= TAKEN_ROWS_MAX) return round;
  const horizon = await horizonNow(session, plan.relation);
  if (horizon === undefined) return undefined;
  const written = { ...round, horizon };
  return (await rowsToRemember(session, plan, written)) <= TAKEN_ROWS_MAX ? written : undefined;
}

/** At most one more than what can be remembered is counted. */
async function rowsToRemember(session: Session, plan: ChangesPlan, round: Round): Promise<number> {
  const written = round.horizon === null ? '' : ` and ${since(round.horizon)}`;
  const strays = `select 1 from ${plan.relation.from} where (${isStray(plan, round)})${written}`;
  const again =
    round.low === null || round.upto === null
      ? ''
      : ` union all select 1 from ${plan.relation.from} where ${column(plan.cursor)} >= ${value(round.low, plan.cursor)} and ${column(plan.cursor)} <= ${value(round.upto, plan.cursor)}${written}`;
  const [counted] = await session.rows(
    `select count(*)::text as n from (select 1 from (${strays}${again}) a limit ${TAKEN_ROWS_MAX + 1}) b`,
  );
  return Number(counted?.['n'] ?? 0);
}

/** Rows written by transactions that the horizon does not cover; `age` compares on the circle of 32-bit numbers. */
function since(horizon: Horizon): string {
  const low = BigInt(horizon.xid) % 4_294_967_296n;
  return `age(t.xmin) <= age('${low}'::xid)`;
}

/** Undefined where transactions have no numbers that mean something later: on a standby, or without the right to ask. */
async function horizonNow(session: Session, { table }: Relation): Promise<Horizon | undefined> {
  if (table?.plain !== true) return undefined;
  const [can] = await session.rows(
    `select (not pg_is_in_recovery() and current_setting('server_version_num')::int >= 130000
       and has_function_privilege('pg_control_system()', 'execute'))::text as yes`,
  );
  if (can?.['yes'] !== 'true') return undefined;
  const [now] = await session.rows(
    `select pg_snapshot_xmin(pg_current_snapshot())::text as xid, system_identifier::text as system,
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline from pg_control_system()`,
  );
  if (now === undefined) return undefined;
  return { xid: now['xid'] ?? '0', token: `${now['system']}/${now['timeline']}/${table.oid}` };
}

/** Numbers go round after 2^32; half of it is what can be compared. */
const COMPARABLE = 2_000_000_000n;

/** The last round's horizon, where it still means something. `lost`: there was one, but it belongs to another history. */
export async function horizonOf(
  session: Session,
  plan: ChangesPlan,
  last: ChangesPosition,
): Promise<{ readonly horizon: Horizon | null; readonly lost: boolean }> {
  if (last.horizon === null) return { horizon: null, lost: false };
  const now = await horizonNow(session, plan.relation);
  const usable = now?.token === last.horizon.token && BigInt(now.xid) - BigInt(last.horizon.xid) < COMPARABLE;
  return usable ? { horizon: last.horizon, lost: false } : { horizon: null, lost: true };
}

function isStray({ cursor }: ChangesPlan, { upto }: Pick<Round, 'upto'>): string {
  return upto === null ? 'true' : `${column(cursor)} is null or ${column(cursor)} > ${value(upto, cursor)}`;
}

/**
 * The COPY of what is left of a round's section, at most about `rows_max` rows of it: rows with the same cursor and key stay together.
 * @param before horizon of the last round.
 */
export function sectionCopy(
  plan: ChangesPlan,
  last: ChangesPosition,
  round: Round,
  before: Horizon | null,
  rows_max: number,
): string {
  const { relation, keys, cursor } = plan;
  const [lone] = relation.columns.length === 1 ? relation.columns : [];
  const expressions = relation.columns.map((one) =>
    one.expression === column(one) ? one.expression : `${one.expression} as ${quoteIdent(one.name)}`,
  );
  const order = round.section === 'strays' ? keys : [cursor, ...keys];
  const conditions = [...conditionsOf(plan, last, round, before), ...afterOf(plan, order, round)];
  const select = [
    `select ${flagsOf(plan, last, round, before)}, ${expressions.join(', ')} from ${relation.from}`,
    conditions.length === 0 ? '' : `where ${conditions.map((one) => `(${one})`).join(' and ')}`,
    `order by ${order.map(column).join(', ')} fetch first ${rows_max} rows with ties`,
  ];
  return copyOut(select.filter((part) => part !== '').join(' '), lone?.name);
}

/** Position of a row of a section among its columns: those that order it. */
export function orderColumns(plan: ChangesPlan, section: Round['section']): readonly number[] {
  const order = section === 'strays' ? plan.keys : [plan.cursor, ...plan.keys];
  return order.map((one) => plan.relation.columns.indexOf(one));
}

function afterOf(plan: ChangesPlan, order: readonly RelationColumn[], { after }: Round): readonly string[] {
  if (after === null) return [];
  const certain = plan.relation.table?.primary_key ?? [];
  // A comparison of rows finds its place in an index, but knows no place for NULL.
  if (plan.keys.every((key) => certain.includes(key.name))) {
    const values = order.map((one, index) => value(after[index] ?? '', one));
    return [`(${order.map(column).join(', ')}) > (${values.join(', ')})`];
  }
  return beyondNulls(order, after);
}

/** The same written out: NULL comes last in each column. */
function beyondNulls(order: readonly RelationColumn[], after: readonly (string | null)[]): readonly string[] {
  const texts = order.map((_, index) => after[index] ?? null);
  const same = (one: RelationColumn, text: string | null): string =>
    text === null ? `${column(one)} is null` : `${column(one)} = ${value(text, one)}`;
  const ways = order.flatMap((one, index) => {
    const text = texts[index] ?? null;
    if (text === null) return []; // Nothing comes behind NULL.
    const before = order.slice(0, index).map((earlier, at) => same(earlier, texts[at] ?? null));
    return [[...before, `(${column(one)} > ${value(text, one)} or ${column(one)} is null)`].join(' and ')];
  });
  const [first] = order;
  const [text] = texts;
  const reach =
    first === undefined || typeof text !== 'string'
      ? []
      : [`${column(first)} >= ${value(text, first)} or ${column(first)} is null`];
  return [...reach, ways.length === 0 ? 'false' : ways.join(' or ')];
}

function conditionsOf(
  plan: ChangesPlan,
  last: ChangesPosition,
  round: Round,
  before: Horizon | null,
): readonly string[] {
  const { cursor } = plan;
  const unseen = before === null ? [] : [since(before)];
  if (round.section === 'strays') return [isStray(plan, round), ...(round.horizon === null ? [] : unseen)];
  if (round.upto === null) return ['false'];
  const bounds = [`${column(cursor)} <= ${value(round.upto, cursor)}`];
  if (last.low !== null) bounds.push(`${column(cursor)} >= ${value(last.low, cursor)}`);
  else if (last.upto !== null) bounds.push(`${column(cursor)} > ${value(last.upto, cursor)}`);
  if (unseen.length === 0) return bounds;
  // Rows that are known have to be seen again only to be remembered.
  const again =
    round.horizon === null && round.low !== null ? [`${column(cursor)} >= ${value(round.low, cursor)}`] : [];
  return [...bounds, [...unseen, ...again].join(' or ')];
}

function flagsOf(plan: ChangesPlan, last: ChangesPosition, round: Round, before: Horizon | null): string {
  const { cursor } = plan;
  const stray = round.section === 'strays';
  const flag = (number: number, condition: string | undefined) =>
    condition === undefined ? [] : [`case when ${condition} then ${number} else 0 end`];
  const maybe =
    last.taken === ''
      ? undefined
      : stray || last.strays || last.upto === null
        ? 'true'
        : `${column(cursor)} <= ${value(last.upto, cursor)}`;
  const window = stray ? 'true' : round.low === null ? undefined : `${column(cursor)} >= ${value(round.low, cursor)}`;
  const remember = window === undefined || round.horizon === null ? window : `${window} and ${since(round.horizon)}`;
  const known = before === null ? undefined : `not (${since(before)})`;
  const flags = [...flag(MAYBE_TAKEN, maybe), ...flag(TO_REMEMBER, remember), ...flag(KNOWN, known)];
  return flags.length === 0 ? '0' : flags.join(' + ');
}
