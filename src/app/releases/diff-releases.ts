import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Graph } from '../../core/planning/graph.ts';
import type { Engine, EngineSession, Row } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { Ledger, ReleaseRecord } from '../../core/ports/ledger.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import { releasedMadeAnew } from '../run/made-anew.ts';
import { findRelease } from './find-release.ts';
import { refuseMadeAnew } from './still-there.ts';

export interface DiffOptions {
  readonly from: string;
  readonly to: string;
  /** Only this table; otherwise all of the two releases but the quarantine. */
  readonly table?: string;
  /** Sample rows of each kind and table. */
  readonly rows_max: number;
  readonly signal: AbortSignal;
}

/** What differs in one table between two releases. */
export interface TableDiff {
  readonly table: string;
  readonly version_from: number | null;
  readonly version_to: number | null;
  /** Rows are matched by these columns; without a key, equal rows are matched one to one and none counts as changed. */
  readonly key: readonly string[];
  readonly rows_added: number;
  readonly rows_removed: number;
  readonly rows_changed: number;
  /** Columns that differ in changed rows, with the number of such rows. */
  readonly columns_changed: Readonly<Record<string, number>>;
  /** Columns that only one of the two has. */
  readonly columns_added: readonly string[];
  readonly columns_removed: readonly string[];
  readonly samples: readonly DiffSample[];
}

export interface DiffSample {
  readonly kind: 'added' | 'removed' | 'changed';
  /** For a changed row the key and, per changed column, the text `old → new`. */
  readonly row: Row;
}

export interface ReleaseDiff {
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
  readonly tables: readonly TableDiff[];
}

/** Columns of a quarantine that say when and by whom a row was handled; they differ whenever a row is computed again. */
const VOLATILE: ReadonlySet<string> = new Set(['run_id', 'quarantined_at']);

/**
 * Compares the tables of two releases row by row, in the engine. Tables of the same version are left out, and so are data files that both
 * versions share. @throws DataflowError E_NO_RELEASE, E_SELECTION, E_LAKE_NO_VERSION.
 */
export async function diffReleases(
  open: {
    readonly lake: Lake;
    readonly ledger: Ledger;
    readonly graph: Graph;
    readonly openEngine: () => Promise<Engine>;
  },
  options: DiffOptions,
): Promise<ReleaseDiff> {
  const from = findRelease(open.ledger, options.from);
  const to = findRelease(open.ledger, options.to);
  const before = releasedMadeAnew(open.ledger, from);
  const after = releasedMadeAnew(open.ledger, to);
  const tables: TableDiff[] = [];
  let engine: Engine | undefined;
  try {
    for (const table of namesOf(from, to, options.table)) {
      if (from.tables[table] === to.tables[table] && before.includes(table) === after.includes(table)) continue;
      refuseMadeAnew(from, before, [table]);
      refuseMadeAnew(to, after, [table]);
      engine ??= await open.openEngine();
      const session = await engine.openSession({ label: `diff/${table}`, signal: options.signal });
      try {
        tables.push(await diffTable(open, session, table, from, to, options.rows_max));
      } finally {
        await session.close();
      }
    }
  } finally {
    await engine?.close();
  }
  return { from, to, tables };
}

function namesOf(from: ReleaseRecord, to: ReleaseRecord, only: string | undefined): readonly string[] {
  const all = [...new Set([...Object.keys(from.tables), ...Object.keys(to.tables)])];
  if (only === undefined) return all.filter((table) => !table.startsWith('quarantine.'));
  if (!all.includes(only))
    throw new DataflowError('E_SELECTION', `neither release has a table ${only}`, {
      hint: `They have ${all.join(', ')}.`,
    });
  return [only];
}

async function diffTable(
  open: { readonly lake: Lake; readonly graph: Graph },
  session: EngineSession,
  table: string,
  from: ReleaseRecord,
  to: ReleaseRecord,
  rows_max: number,
): Promise<TableDiff> {
  const before = await snapshotOf(open.lake, table, from.tables[table]);
  const after = await snapshotOf(open.lake, table, to.tables[table]);
  const columns = sharedColumns(before, after);
  const names = (snapshot: Snapshot | undefined): readonly string[] => snapshot?.columns.map((one) => one.name) ?? [];
  const key = keyOf(open.graph, table).filter((column) => columns.includes(column));
  await bindSides(session, before, after, columns);
  const usable = key.length > 0 && (await isUnique(session, key));
  const found = usable
    ? await diffByKey(session, columns, key, rows_max)
    : await diffAsBags(session, columns, rows_max);
  const only = (a: readonly string[], b: readonly string[]): readonly string[] =>
    before === undefined || after === undefined ? [] : a.filter((name) => !b.includes(name));
  return {
    table,
    version_from: before?.version ?? null,
    version_to: after?.version ?? null,
    key: usable ? key : [],
    ...found,
    columns_added: only(names(after), names(before)),
    columns_removed: only(names(before), names(after)),
  };
}

async function snapshotOf(lake: Lake, key: string, version: number | undefined): Promise<Snapshot | undefined> {
  const table = parseTableKey(key);
  return table === undefined || version === undefined ? undefined : await lake.snapshot(table, { version });
}

function keyOf(graph: Graph, table: string): readonly string[] {
  if (table.startsWith('quarantine.')) return ['quarantine_id'];
  const node = graph.byKey.get(table);
  return node === undefined || node.layer === 'bronze' ? [] : node.spec.key;
}

/** Columns that both have, without those that differ by nature; of a table that only one has, all. */
function sharedColumns(before: Snapshot | undefined, after: Snapshot | undefined): readonly string[] {
  const own = (before ?? after)?.columns.map((column) => column.name) ?? [];
  const other = new Set((after ?? before)?.columns.map((column) => column.name) ?? []);
  const rejects = (before ?? after)?.table.layer === 'quarantine';
  return own.filter((name) => other.has(name) && !(rejects && VOLATILE.has(name)));
}

/** `a` and `b`: the rows of the files that the two versions do not share. */
async function bindSides(
  session: EngineSession,
  before: Snapshot | undefined,
  after: Snapshot | undefined,
  columns: readonly string[],
): Promise<void> {
  const same_shape = JSON.stringify(before?.columns) === JSON.stringify(after?.columns);
  const paths = (snapshot: Snapshot | undefined): ReadonlySet<string> =>
    new Set(same_shape ? snapshot?.files.map((file) => file.path) : []);
  const list = columns.map(quoteIdent).join(', ');
  for (const [name, side, other] of [
    ['a', before, paths(after)],
    ['b', after, paths(before)],
  ] as const) {
    const shape = side ?? (name === 'a' ? after : before);
    if (shape === undefined) continue;
    const files = (side?.files ?? []).filter((file) => !other.has(file.path));
    await session.bind({ ...relationOf(shape, `${name}_files`), files });
    await session.define(name, `select ${list} from ${name}_files`);
  }
}

async function isUnique(session: EngineSession, key: readonly string[]): Promise<boolean> {
  const list = key.map(quoteIdent).join(', ');
  const twice = (side: string): string => `select 1 from ${side} group by ${list} having count(*) > 1`;
  const [row] = await session.rows(`select count(*) as n from (${twice('a')} union all ${twice('b')})`);
  return Number(row?.['n'] ?? 0) === 0;
}

type Found = Pick<TableDiff, 'rows_added' | 'rows_removed' | 'rows_changed' | 'columns_changed' | 'samples'>;

/** A key of which a part is NULL matches itself: rows are compared, not joined for meaning. */
async function diffByKey(
  session: EngineSession,
  columns: readonly string[],
  key: readonly string[],
  rows_max: number,
): Promise<Found> {
  const others = columns.filter((column) => !key.includes(column));
  const same = (side_a: string, side_b: string): string =>
    key.map((c) => `${side_a}.${quoteIdent(c)} is not distinct from ${side_b}.${quoteIdent(c)}`).join(' and ');
  const differs = (column: string): string => `a.${quoteIdent(column)} is distinct from b.${quoteIdent(column)}`;
  const any = others.length === 0 ? 'false' : others.map(differs).join(' or ');
  await session.define('gone', `select * from a where not exists (select 1 from b where ${same('a', 'b')})`);
  await session.define('came', `select * from b where not exists (select 1 from a where ${same('a', 'b')})`);
  const changed = `from a join b on ${same('a', 'b')} where ${any}`;
  const counts = others.map((column, index) => `count(*) filter (where ${differs(column)}) as c${index}`);
  const [row = {}] = await session.rows(`select ${['count(*) as n', ...counts].join(', ')} ${changed}`);
  const columns_changed = others.flatMap((column, index): [string, number][] => {
    const count = Number(row[`c${index}`] ?? 0);
    return count === 0 ? [] : [[column, count]];
  });
  const touched = columns_changed.map(([column]) => column);
  const shown = touched.map(
    (column) =>
      `case when ${differs(column)} then coalesce(cast(a.${quoteIdent(column)} as varchar), 'NULL') || ${quoteText(' → ')} || coalesce(cast(b.${quoteIdent(column)} as varchar), 'NULL') end as ${quoteIdent(column)}`,
  );
  const keys = key.map((column) => `a.${quoteIdent(column)} as ${quoteIdent(column)}`);
  const order = key.map(quoteIdent).join(', ');
  const changes = Number(row['n'] ?? 0);
  return {
    rows_added: await countOf(session, 'came'),
    rows_removed: await countOf(session, 'gone'),
    rows_changed: changes,
    columns_changed: Object.fromEntries(columns_changed),
    samples: [
      ...(await sample(session, 'added', `select * from came order by ${order}`, rows_max)),
      ...(await sample(session, 'removed', `select * from gone order by ${order}`, rows_max)),
      ...(changes === 0
        ? []
        : await sample(
            session,
            'changed',
            `select ${[...keys, ...shown].join(', ')} ${changed} order by ${order}`,
            rows_max,
          )),
    ],
  };
}

/** Without a key: a row that occurs more often on one side was added or removed that many times. */
async function diffAsBags(session: EngineSession, columns: readonly string[], rows_max: number): Promise<Found> {
  const list = columns.map(quoteIdent).join(', ');
  await session.define('came', `select ${list} from b except all select ${list} from a`);
  await session.define('gone', `select ${list} from a except all select ${list} from b`);
  return {
    rows_added: await countOf(session, 'came'),
    rows_removed: await countOf(session, 'gone'),
    rows_changed: 0,
    columns_changed: {},
    samples: [
      ...(await sample(session, 'added', 'select * from came order by all', rows_max)),
      ...(await sample(session, 'removed', 'select * from gone order by all', rows_max)),
    ],
  };
}

async function countOf(session: EngineSession, relation: string): Promise<number> {
  const [row] = await session.rows(`select count(*) as n from ${relation}`);
  return Number(row?.['n'] ?? 0);
}

async function sample(
  session: EngineSession,
  kind: DiffSample['kind'],
  sql: string,
  rows_max: number,
): Promise<readonly DiffSample[]> {
  if (rows_max === 0) return [];
  const rows = await session.rows(`select * from (${sql}) limit ${rows_max}`);
  return rows.map((row) => ({ kind, row }));
}
