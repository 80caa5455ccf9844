import { type Column, quarantineOf, type StatValue } from '../../core/model/table.ts';
import type { EngineSession, Row } from '../../core/ports/engine.ts';
import type { DataFile, Snapshot } from '../../core/ports/lake.ts';
import type { QuarantineCount } from '../../core/ports/ledger.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { relationOf } from '../context.ts';
import { bindDecisions } from '../decisions.ts';
import { stageQuarantine } from '../quarantine.ts';
import { quarantineCounts } from '../quarantine-counts.ts';
import { countOf, type SilverCandidate, warningsOf } from './candidate.ts';
import { findLosers, goodRows } from './dedupe.ts';
import type { SilverInput } from './input.ts';
import { rejectRows } from './reject.ts';
import { keyPresentSql, POSITION, rowKeySql, type SilverStep, type SilverViews } from './sql.ts';

const AT = POSITION.join(', ');

/**
 * Merges new rows into a published silver table by key. Rows whose key is new are appended; a newer row that wins over a
 * published one makes just the files that hold such rows be written again. Equal, by construction and by test, to computing the whole table;
 * undefined in the cases where it would not be (the caller then computes the whole).
 */
export async function mergeRows(
  step: SilverStep,
  session: EngineSession,
  views: SilverViews,
  columns: readonly Column[],
  snapshot: Snapshot | undefined,
  input: SilverInput,
): Promise<SilverCandidate | undefined> {
  if (snapshot === undefined || JSON.stringify(columns) !== JSON.stringify(snapshot.columns)) return undefined;
  const { spec } = step.node;
  const picked = spec.where === undefined ? input.rows : await countOf(session, 'picked');
  const published = await bindPublished(step, session, snapshot, columns);
  const alone = published.length === 0 && input.retry === undefined;
  const losers = await findAllLosers(step, session, views, published, input);
  const names = columns.map((column) => quoteIdent(column.name)).join(', ');
  const good = `select ${alone ? names : `${names}, ${AT}`} from ${goodRows(losers > 0)}`;
  // No key of the new rows can be there already: they need not be held against anything, and go straight into the table.
  const won = alone ? undefined : await session.materialize('winners', good);
  if (input.retry !== undefined && (await retriedCollide(step, session))) return undefined;
  const { displaced, late } =
    won === undefined ? { displaced: 0, late: 0 } : await displace(step, session, published.length > 0);
  const stale = displaced === 0 ? [] : await filesOf(session, published);
  const parts = [won === undefined ? good : `select ${names} from inserts`];
  if (stale.length > 0)
    parts.unshift(
      `select ${names} from published where _part in (select _part from displaced) and (_part, _pos) not in (select (_part, _pos) from displaced)`,
    );
  const add =
    won !== undefined && won - late + stale.length === 0
      ? []
      : await session.write(parts.join(' union all '), {
          folder: await step.run.lake.stage(step.run.run_id, step.step_id, 'data'),
          columns,
          partition_by: spec.partition_by,
        });
  const rejected = await rejectRows(step, session, views, {
    has_losers: losers > 0,
    expected: picked - (won ?? rowsOf(add)) - losers,
  });
  const quarantine = await stageQuarantine(
    step,
    session,
    rejected.sql,
    input.retry === undefined ? 'none' : input.retry.where,
  );
  return {
    columns,
    // Never a blind append: another writer's rows could hold the same keys.
    mode: 'rewrite',
    computed: 'incremental',
    add,
    remove: stale,
    keep: without(snapshot.files, stale),
    rows_in: input.rows,
    rows_out: rowsOf(add) - rowsOf(stale),
    deduplicated: losers + late + displaced,
    filtered: input.rows - picked,
    quarantined: rejected.rows,
    quarantine,
    quarantine_counts: [...(await remaining(step, session, input)), ...rejected.counts],
    replaces_quarantine: input.retry !== undefined,
    returned: [],
    warnings: await warningsOf(session, views),
  };
}

/** Keeps the positions of all rows that lose in `losers`, which is there when there are any; returns how many. */
async function findAllLosers(
  step: SilverStep,
  session: EngineSession,
  views: SilverViews,
  published: readonly DataFile[],
  input: SilverInput,
): Promise<number> {
  const among = await findLosers(step, session, views);
  if (!mayLoseToPublished(step)) return among;
  if (among === 0) await session.materialize('losers', `select ${AT} from picked where false`, { counted: false });
  return among + (await loseToPublished(step, session, published.length > 0, input));
}

function without(files: readonly DataFile[], gone: readonly DataFile[]): readonly DataFile[] {
  const leaving = new Set(gone);
  return files.filter((file) => !leaving.has(file));
}

function rowsOf(files: readonly { readonly rows: number }[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}

/** After a retry the whole quarantine was written again: these are the entries that stayed. */
async function remaining(
  step: SilverStep,
  session: EngineSession,
  input: SilverInput,
): Promise<readonly QuarantineCount[]> {
  if (input.retry === undefined) return [];
  return await quarantineCounts(session, step.node.key, `retried_quarantine where not (${input.retry.where})`);
}

/** Binds `published`: the files that may hold a key of the new rows, by their statistics. */
async function bindPublished(
  step: SilverStep,
  session: EngineSession,
  snapshot: Snapshot,
  columns: readonly Column[],
): Promise<readonly DataFile[]> {
  const { key } = step.node.spec;
  const [first] = key;
  let files: readonly DataFile[] = [];
  if (first !== undefined) {
    const column = columns.find((c) => c.name.toLowerCase() === first.toLowerCase());
    const [range] = await session.rows(
      `select min(${quoteIdent(first)}) as low, max(${quoteIdent(first)}) as high from picked where ${keyPresentSql(key)}`,
    );
    files =
      column === undefined || range?.['low'] === null || range?.['low'] === undefined
        ? []
        : snapshot.files.filter((file) => mayHold(file, column.name, range));
  }
  await session.bind({ ...relationOf(snapshot, 'published', true), files });
  return files;
}

/** False only when the statistics prove that the file holds no key of the range. */
function mayHold(file: DataFile, column: string, range: Row): boolean {
  const low = scalar(range['low']);
  const high = scalar(range['high']);
  const min = scalar(file.stats?.min_values[column]);
  const max = scalar(file.stats?.max_values[column]);
  if (typeof low === 'number' && typeof high === 'number' && typeof min === 'number' && typeof max === 'number')
    return low <= max && high >= min;
  return true;
}

/** Only whole numbers that a JS number holds exactly are compared; anything else counts as "may overlap". */
function scalar(value: unknown): StatValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : null;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

function mayLoseToPublished({ node: { spec } }: SilverStep): boolean {
  return spec.dedupe?.keep === 'first' && spec.dedupe.by === undefined && spec.key.length > 0;
}

/**
 * Under `keep: first` without `by`, published rows win: new rows of the same key join `losers`. Under `before_rules` that holds for
 * bad rows too, and a quarantined row (not tried again now) holds its key as well. Returns how many were added.
 */
async function loseToPublished(
  step: SilverStep,
  session: EngineSession,
  any_published: boolean,
  input: SilverInput,
): Promise<number> {
  const { spec, name } = step.node;
  const key = spec.key.map(quoteIdent).join(', ');
  const before_rules = spec.dedupe?.before_rules === true;
  const rows = before_rules ? 'picked' : '(select * from checked where _rule is null)';
  const unbeaten = `(select * from ${rows} where ${keyPresentSql(spec.key)} and _src >= 0) anti join losers using (${AT})`;
  const beaten: string[] = [];
  if (any_published) beaten.push(`select ${AT} from (select * from ${unbeaten}) semi join published using (${key})`);
  const quarantine = before_rules ? await step.run.lake.snapshot(quarantineOf({ layer: 'silver', name })) : undefined;
  const held: string[] = [];
  if (quarantine !== undefined && quarantine.files.length > 0) {
    await session.bind(relationOf(quarantine, 'held_quarantine'));
    const retried = input.retry === undefined ? '' : ` and not (${input.retry.where})`;
    held.push(`select row_key from held_quarantine where row_key is not null${retried}`);
  }
  // A discarded row has left the quarantine, but its key is taken all the same.
  if (before_rules && (await bindDecisions(session, step.decided)))
    held.push(`select row_key from in_force where row_key is not null and action = 'discard'`);
  if (held.length > 0) {
    beaten.push(
      `select ${AT} from (select * from ${unbeaten}) where ${rowKeySql(spec.key)} in (${held.join(' union all ')})`,
    );
  }
  if (beaten.length === 0) return 0;
  const count = await session.materialize('beaten', `select distinct ${AT} from (${beaten.join(' union all ')})`);
  const all = `select ${AT} from losers union all select ${AT} from beaten`;
  if (count > 0) await session.materialize('losers', all, { counted: false });
  return count;
}

/** A retried row arrived before rows that were published since: which of them wins is only known from the whole. */
async function retriedCollide(step: SilverStep, session: EngineSession): Promise<boolean> {
  const { key } = step.node.spec;
  if (key.length === 0) return false;
  const list = key.map(quoteIdent).join(', ');
  const shared = `select ${list} from picked where ${keyPresentSql(key)} group by ${list} having count(*) > 1 and min(_src) < 0`;
  if ((await countOf(session, `(${shared})`)) > 0) return true;
  return (
    (await countOf(
      session,
      `(select ${list} from winners where _src < 0 and ${keyPresentSql(key)}) semi join published using (${list})`,
    )) > 0
  );
}

/**
 * Splits `winners` into `inserts` and `late` (a published row is preferred) and finds the published rows that are
 * `displaced`; returns how many those and the late ones are.
 */
async function displace(
  step: SilverStep,
  session: EngineSession,
  any_published: boolean,
): Promise<{ readonly displaced: number; readonly late: number }> {
  const { spec } = step.node;
  const keyed = spec.key.length > 0 && any_published;
  if (!keyed) {
    await session.define('inserts', 'select * from winners');
    return { displaced: 0, late: 0 };
  }
  const same = spec.key.map((column) => `w.${quoteIdent(column)} = p.${quoteIdent(column)}`).join(' and ');
  const wins = newerWins(spec.dedupe);
  const late = await session.materialize(
    'late',
    `select w.* from winners w join published p on ${same} where not ${wins}`,
  );
  await session.define('inserts', `select * from winners anti join late using (${AT})`);
  const displaced = await session.materialize(
    'displaced',
    `select distinct p._part, p._pos from published p join winners w on ${same} where ${wins}`,
  );
  return { displaced, late };
}

/** SQL: the new row `w` is preferred over the published row `p`. Never NULL. Mirrors `preferenceSql`. */
function newerWins(dedupe: SilverStep['node']['spec']['dedupe']): string {
  if (dedupe?.by === undefined) return dedupe?.keep === 'first' ? 'false' : 'true';
  const [w, p] = [`w.${quoteIdent(dedupe.by)}`, `p.${quoteIdent(dedupe.by)}`];
  if (dedupe.keep === 'first')
    return `(case when ${w} is null then false when ${p} is null then true else ${w} < ${p} end)`;
  return `(case when ${p} is null then true when ${w} is null then false else ${w} >= ${p} end)`;
}

async function filesOf(session: EngineSession, published: readonly DataFile[]): Promise<readonly DataFile[]> {
  const rows = await session.rows('select distinct _part as part from displaced', { rows_max: 1_000_000 });
  const parts = new Set(rows.map((row) => Number(row['part'])));
  return published.filter((_, index) => parts.has(index));
}
