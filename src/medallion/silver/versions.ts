import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { HISTORY_COLUMNS, withHistory } from '../../core/model/history.ts';
import type { Column } from '../../core/model/table.ts';
import type { EngineColumn, EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { batchesBy, materializeInBatches } from '../smaller-plan.ts';
import { findLosers, goodRows } from './dedupe.ts';
import { keyPresentSql, POSITION, type SilverNode, type SilverStep, type SilverViews } from './sql.ts';

/** The rows that make up the table: a FROM clause, and how many rows fell out on the way to it. */
export interface ChosenRows {
  readonly from: string;
  readonly deduplicated: number;
  /** Rows that say that their key is deleted. */
  readonly deleted: number;
  /** A temporary table `losers` holds the positions of the duplicates. */
  readonly has_losers: boolean;
}

/** Output columns of the table, in order, as the engine types them. @throws DataflowError E_CONFIG_REFERENCE when a name is taken. */
export function tableColumns(step: SilverStep, columns: readonly EngineColumn[]): readonly EngineColumn[] {
  const { spec } = step.node;
  const taken = columns.find((column) => (HISTORY_COLUMNS as readonly string[]).includes(column.name.toLowerCase()));
  if (spec.history !== true || taken === undefined) return withHistory(spec, columns);
  throw new DataflowError(
    'E_CONFIG_REFERENCE',
    `${step.node.key}: history adds a column ${taken.name}, which is there already`,
    {
      place: { file: step.run.project.config_file },
      hint: `Give that column of the source another name in its \`columns:\`.`,
    },
  );
}

/** Chooses among the rows of each key: the preferred one, or all versions; keys whose newest row says so are deleted. */
export async function chooseRows(
  step: SilverStep,
  session: EngineSession,
  views: SilverViews,
  columns: readonly Column[],
): Promise<ChosenRows> {
  const { spec } = step.node;
  if (spec.deleted_when !== undefined) await refuseWrongSql(step, session, spec.deleted_when);
  if (spec.history === true) return versions(step, session, columns);
  const losers = await findLosers(step, session, views);
  const winners = goodRows(losers > 0);
  if (spec.deleted_when === undefined)
    return { from: winners, deduplicated: losers, deleted: 0, has_losers: losers > 0 };
  const gone = goneSql(spec);
  const [row] = await session.rows(`select count(*) as n from ${winners} and ${gone}`);
  return {
    from: `${winners} and not ${gone}`,
    deduplicated: losers,
    deleted: Number(row?.['n'] ?? 0),
    has_losers: losers > 0,
  };
}

/** SQL condition, never NULL: the row says that its key is deleted. */
function goneSql({ deleted_when }: SilverNode['spec']): string {
  return deleted_when === undefined ? 'false' : `coalesce((${deleted_when}\n), false)`;
}

async function refuseWrongSql(step: SilverStep, session: EngineSession, sql: string): Promise<void> {
  try {
    await session.describe(`select (${sql}\n) as deleted from picked`);
  } catch (error) {
    if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
    throw new DataflowError('E_SQL', `${step.node.key}: deleted_when: ${error.message}`, {
      place: { file: step.run.project.config_file },
      cause: error,
    });
  }
}

/**
 * Slowly changing dimension of type 2: every good row of a key is a version that holds from its `by` until that of the next one. Of
 * several rows with the same moment the one that arrived last counts; a row that changes nothing is no version; one that says that the
 * key is deleted ends the version before it. The order in which rows arrive does not matter: a late row takes its place.
 */
async function versions(step: SilverStep, session: EngineSession, columns: readonly Column[]): Promise<ChosenRows> {
  const { spec } = step.node;
  const by = quoteIdent(spec.dedupe?.by ?? '');
  const key = spec.key.map(quoteIdent).join(', ');
  const batches = batchesBy(step, spec.key.map(quoteIdent));
  const own = columns
    .map((column) => quoteIdent(column.name))
    .filter((name) => !HISTORY_COLUMNS.some((added) => name === quoteIdent(added)));
  const facts = own.filter((name) => name.toLowerCase() !== by.toLowerCase()).map((name) => `${name} := ${name}`);
  const good = `select * from checked where _rule is null`;
  const present = keyPresentSql(spec.key);
  const latest = POSITION.map((column) => `${column} desc`).join(', ');
  await materializeInBatches(
    session,
    'chain',
    batches,
    (
      batch,
    ) => `select ${own.join(', ')}, _gone, coalesce(_nth > 1 and _facts is not distinct from _facts_before and _gone = _gone_before, false) as _same
      from (select *, row_number() over w as _nth, lag(_facts) over w as _facts_before, lag(_gone) over w as _gone_before
        from (select *, struct_pack(${facts.join(', ')}) as _facts, ${goneSql(spec)} as _gone,
            row_number() over (partition by ${key}, ${by} order by ${latest}) as _again
          from (${good}) where ${present} and ${batch})
        where _again = 1 window w as (partition by ${key} order by ${by} nulls first))`,
    { counted: false },
  );
  await materializeInBatches(
    session,
    'versions',
    batches,
    (
      batch,
    ) => `select ${own.join(', ')}, ${by} as valid_from, lead(${by}) over w as valid_to, lead(true) over w is null as is_current, _gone
      from chain where not _same and ${batch} window w as (partition by ${key} order by ${by} nulls first)
      union all select ${own.join(', ')}, ${by}, null, true, false from (${good}) where not (${present}) and ${batch}`,
    { counted: false },
  );
  const [row] =
    await session.rows(`select (select count(*) from (${good})) as good, (select count(*) from versions where not _gone) as kept,
    (select count(*) from chain where _gone) as deleted`);
  const [all, kept, deleted] = ['good', 'kept', 'deleted'].map((name) => Number(row?.[name] ?? 0)) as [
    number,
    number,
    number,
  ];
  return { from: 'versions where not _gone', deduplicated: all - kept - deleted, deleted, has_losers: false };
}
