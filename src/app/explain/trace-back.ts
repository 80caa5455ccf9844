import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { tableKey } from '../../core/model/table.ts';
import type { BackwardTrace, TracedFile, TraceLevel } from '../../core/model/trace.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { quoteText } from '../../kit/sql.ts';
import { POSITION_ID } from '../../medallion/trace/annotated.ts';
import { lineSql } from '../../medallion/trace/bronze-lines.ts';
import { mark } from '../../medallion/trace/follow.ts';
import type { BoundVersion } from '../../medallion/trace/session.ts';
import { bronzeBehind, lookedUp, openSilverRows } from '../../medallion/trace/silver-rows.ts';
import { answersBehind } from './answers-behind.ts';
import { correctionsBehind } from './corrections-behind.ts';
import { inputsOf, levelOf, type Making, makingOf, silverStep, type TraceContext, tableAt } from './trace-context.ts';
import { goldSources } from './trace-gold.ts';

/** Rows that wait to be followed: of one version of a table. */
interface Pending {
  readonly bound: BoundVersion;
  /** SQL with `id` and `sure`. */
  readonly parts: string[];
}

type Put = (snapshot: Snapshot, part: (bound: BoundVersion) => string) => Promise<void>;

/** Where the rows came from: `next` names the tables below, `notes` what is not certain. */
interface Step {
  readonly at_most: readonly string[];
  readonly notes: readonly string[];
}

/** A place in the statement around the condition would mislead. */
function inCondition(error: unknown): never {
  if (!(error instanceof DataflowError) || error.code !== 'E_SQL') throw error;
  const hint = error.hint.replace(' at the place shown', '');
  throw new DataflowError('E_SQL', `--where: ${error.message}`, { hint, cause: error });
}

/**
 * Leads from rows of a published table back to bronze rows, source files and lines. Each table is followed with the versions that it was
 * made from. No row that went in is left out; rows that may not have are marked as not sure.
 * @param version of the table; the newest without it.
 * @param where SQL condition over the table's columns. @throws DataflowError E_SQL, E_SQL_SANDBOX for a wrong condition.
 */
export async function traceBack(
  context: TraceContext,
  node: Node,
  where: string | undefined,
  version?: number,
): Promise<BackwardTrace> {
  const start = await tableAt(context, { layer: node.layer, name: node.name }, version);
  return traceFrom(context, node, where, start);
}

/**
 * The same from rows that need not be published, such as those that an engine computed for a comparison.
 * @param making how they were made; without it, as the ledger or the log tells of the version.
 */
export async function traceFrom(
  context: TraceContext,
  node: Node,
  where: string | undefined,
  start: Snapshot,
  making?: Making,
): Promise<BackwardTrace> {
  const { trace } = context;
  const first = await trace.bind(start);
  const condition = where === undefined ? '' : ` where (${where}\n)`;
  await trace.session.describe(`select * from ${first.plain}${condition}`).catch(inCondition);
  const pending = new Map<string, Pending>([
    [
      keyOf(start),
      {
        bound: first,
        parts: [`select ${POSITION_ID} as _df_id, true as _df_sure from ${first.positioned}${condition}`],
      },
    ],
  ]);
  const levels: TraceLevel[] = [];
  const files: TracedFile[] = [];
  const place = new Map(context.graph.nodes.map((one, index) => [one.key, index]));
  while (pending.size > 0) {
    // What is latest in the pipeline comes first: everything that leads to the others has been followed then.
    const [key, one] = [...pending].reduce((a, b) => (rankOf(b[1], place) > rankOf(a[1], place) ? b : a));
    pending.delete(key);
    const marked = await mark(trace, one.parts.join('\nunion all '));
    const next = new Set<string>();
    const put: Put = async (snapshot, part) => {
      const bound = await trace.bind(snapshot);
      const waiting = pending.get(keyOf(snapshot)) ?? { bound, parts: [] };
      waiting.parts.push(part(bound));
      pending.set(keyOf(snapshot), waiting);
      next.add(tableKey(snapshot.table));
    };
    const of = context.graph.byKey.get(tableKey(one.bound.snapshot.table));
    const known = one.bound === first ? making : undefined;
    const followed =
      marked.rows === 0
        ? NOTHING
        : await follow(context, of, { bound: one.bound, making: known, marked: marked.relation, put, files });
    const level = await levelOf(context, one.bound, marked.relation, { ...followed, next: [...next] });
    if (level.rows > 0 || levels.length === 0) levels.push(level);
  }
  return {
    direction: 'backward',
    table: node.key,
    version: start.version,
    where: where ?? null,
    levels: levels.map((level) => ({
      ...level,
      next: level.next.filter((name) => levels.some((other) => other.table === name)),
    })),
    files,
  };
}

const NOTHING: Step = { at_most: [], notes: [] };

function keyOf(snapshot: Snapshot): string {
  return `${tableKey(snapshot.table)}@${snapshot.version}`;
}

function rankOf(one: Pending, place: ReadonlyMap<string, number>): number {
  return place.get(tableKey(one.bound.snapshot.table)) ?? -1;
}

/** Marked rows on their way. */
interface OnTheWay {
  readonly bound: BoundVersion;
  readonly making: Making | undefined;
  readonly marked: string;
  readonly put: Put;
  readonly files: TracedFile[];
}

async function follow(
  context: TraceContext,
  node: Node | undefined,
  { bound, making: known, marked, put, files }: OnTheWay,
): Promise<Step> {
  if (node === undefined) return { at_most: [], notes: ['no step of this project makes this table'] };
  if (node.layer === 'bronze') {
    files.push(...(await filesBehind(context, node.name, bound, marked)));
    return NOTHING;
  }
  const making = known ?? (await makingOf(context, node, bound.snapshot.version));
  const notes = making.redefined
    ? [
        `its definition changed since version ${bound.snapshot.version} was made; the trace follows the definition of today`,
      ]
    : [];
  const inputs = await inputsOf(context, making);
  if (node.layer === 'gold') {
    const found = await goldSources(context, node, bound, marked, inputs);
    for (const { snapshot, relation } of found.sources)
      await put(snapshot, () => `select _df_id, _df_sure from ${relation}`);
    return { at_most: found.at_most, notes: [...notes, ...found.notes] };
  }
  const { trace } = context;
  const rows = await openSilverRows(silverStep(context, node, making, inputs, bound.snapshot), trace.session);
  const wanted = trace.fresh('want');
  await trace.session.materialize(wanted, trace.markedRows(bound, marked));
  const behind = trace.fresh('bronze');
  const found = await bronzeBehind(rows, wanted, behind);
  for (const [index, table] of node.inputs.entries()) {
    const snapshot = inputs.get(table);
    if (snapshot !== undefined)
      await put(snapshot, () => `select ${POSITION_ID} as _df_id, _df_sure from ${behind} where _src = ${index}`);
  }
  const looked = lookedUp(rows, wanted);
  for (const { table, where, gave } of looked) {
    const snapshot = inputs.get(table);
    if (snapshot !== undefined)
      await put(
        snapshot,
        (other) => `select ${POSITION_ID} as _df_id, ${gave} as _df_sure from ${other.positioned} where ${where}`,
      );
  }
  const [row] = await trace.session.rows(`select count(*) as n from ${wanted}`);
  const missing = Number(row?.['n'] ?? 0) - found;
  return {
    at_most: looked.flatMap(({ table, gave }) => (gave ? [] : [`a rule looked into ${table}`])),
    notes: [
      ...notes,
      ...(missing > 0 ? [`${missing} of these rows are not in bronze as they are here`] : []),
      ...(await correctionsBehind(rows, trace.session, behind, context.limit)),
      ...(await answersBehind(context, node.spec, wanted)),
    ],
  };
}

/** The files of the marked bronze rows, with their first lines. */
async function filesBehind(
  context: TraceContext,
  source: string,
  bound: BoundVersion,
  marked: string,
): Promise<readonly TracedFile[]> {
  const { trace, ledger, limit } = context;
  const { session } = trace;
  const concerned = await session.rows(
    `select distinct _file as file from (${trace.markedRows(bound, marked)}) where _file is not null`,
    { rows_max: 1_000_000 },
  );
  const paths = new Set(concerned.map((row) => String(row['file'])));
  const inputs = ledger.inputs(source).filter((input) => paths.has(input.path));
  const wanted = paths.size === 0 ? 'false' : `_file in (${[...paths].map(quoteText).join(', ')})`;
  const place = { source, positioned: bound.positioned, prefix: trace.fresh('line') };
  const lines = await lineSql(context, session, place, inputs, wanted);
  const found = await session.rows(
    `select _file as file, count(*) as n, count(*) filter (where _df_sure) as sure,
       list(_df_line order by _df_sure desc, _df_line)[1:${limit}] as lines
     from (select l._file, l._df_line, m._df_sure from (${lines}) as l join ${marked} as m on ${POSITION_ID} = m._df_id)
     group by _file order by _file`,
    { rows_max: 1_000_000 },
  );
  return found.map((row) => {
    const path = String(row['file']);
    const input = inputs.find((one) => one.path === path);
    const list = Array.isArray(row['lines']) ? row['lines'] : [];
    return {
      path,
      source,
      sha256: input?.sha256 ?? '',
      size_bytes: input?.size_bytes ?? null,
      run_id: input?.run_id ?? null,
      bronze_version: input?.version ?? null,
      rows: Number(row['n']),
      sure_rows: Number(row['sure']),
      lines: list.flatMap((line) => (line === null ? [] : [Number(line)])),
    };
  });
}
