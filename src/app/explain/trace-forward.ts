import { destinationsOf } from '../../core/model/destination.ts';
import { quarantineOf, tableKey } from '../../core/model/table.ts';
import type { ForwardTrace, TracedFate, TraceLevel } from '../../core/model/trace.ts';
import type { Node } from '../../core/planning/graph.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';
import { quoteText } from '../../kit/sql.ts';
import { relationOf } from '../../medallion/context.ts';
import { POSITION_ID } from '../../medallion/trace/annotated.ts';
import { lineSql } from '../../medallion/trace/bronze-lines.ts';
import { type Marked, mark } from '../../medallion/trace/follow.ts';
import { fatesOf, openSilverRows, publishedAs } from '../../medallion/trace/silver-rows.ts';
import { inputsOf, levelOf, makingOf, silverStep, type TraceContext } from './trace-context.ts';
import { type FoundFile, lineOf } from './trace-file.ts';
import { goldReached } from './trace-gold.ts';

type SilverNode = Extract<Node, { layer: 'silver' }>;
type GoldNode = Extract<Node, { layer: 'gold' }>;

/** Releases that are looked through. */
const RELEASES_MAX = 10_000;

/** Marked rows by `table@version`: a step is followed with the very version that it read. */
type Reached = Map<string, Marked>;

interface Walk {
  readonly input: InputRecord;
  /** Undefined = the whole file. */
  readonly line: number | undefined;
  readonly reached: Reached;
  readonly levels: TraceLevel[];
  readonly fates: TracedFate[];
}

/**
 * Leads from a file, or a line of it, forward: to the bronze row, what became of it in silver, and the gold rows that it went into. Each
 * step is followed with the versions that it read; a table that was built before the row came says so.
 */
export async function traceForward(context: TraceContext, found: FoundFile): Promise<ForwardTrace> {
  const { record: input } = found;
  const file = fileOf(context, found);
  const nothing = { direction: 'forward' as const, file, fates: [], levels: [], releases: [], destinations: [] };
  if (input === undefined || input.status === 'quarantined' || input.status === 'undone' || input.status === 'removed')
    return { ...nothing, line: null };
  const line = found.line === undefined ? null : await lineOf(context, found, input);
  if (line !== null && line.state !== 'record') return { ...nothing, line, releases: [] };
  const walk: Walk = { input, line: line?.number, reached: new Map(), levels: [], fates: [] };
  await bronzeRows(context, walk);
  for (const node of context.graph.nodes) {
    if (node.layer === 'silver' && node.inputs.includes(`bronze.${input.source}`))
      await silverFates(context, walk, node);
    if (node.layer === 'gold') await goldRows(context, walk, node);
  }
  const levels = walk.levels.map((level) => ({
    ...level,
    next: walk.levels
      .filter((other) => context.graph.byKey.get(other.table)?.inputs.includes(level.table) === true)
      .map((other) => other.table),
  }));
  const reached = new Set(levels.map((level) => level.table));
  const { project, ledger } = context;
  const destinations = destinationsOf(project, ledger, reached);
  return { ...nothing, line, fates: walk.fates, levels, releases: releasesWith(context, input), destinations };
}

function fileOf({ ledger }: TraceContext, found: FoundFile): ForwardTrace['file'] {
  const { record, twin } = found;
  const own = twin ?? record;
  const rule = ledger
    .quarantine(`bronze.${own?.source ?? ''}`)
    .find((entry) => entry.file === found.path && own?.status === 'quarantined')?.rule;
  return {
    path: found.path,
    source: own?.source ?? null,
    state: own?.status ?? 'unknown',
    sha256: own?.sha256 ?? '',
    size_bytes: own?.size_bytes ?? null,
    run_id: own?.run_id ?? null,
    bronze_version: record?.version ?? null,
    records: own?.records ?? null,
    rejected: own?.rejected ?? null,
    same_as: own?.same_as ?? null,
    rule: rule ?? null,
    reason: own?.reason ?? found.reason ?? null,
  };
}

/** The rows of the file in the newest bronze version and in each version that a step read. */
async function bronzeRows(context: TraceContext, walk: Walk): Promise<void> {
  const { trace, lake } = context;
  const { input, line } = walk;
  const newest = await lake.snapshot({ layer: 'bronze', name: input.source });
  if (newest === undefined) return;
  const versions = new Map<number, Snapshot>([[newest.version, newest]]);
  const key = `bronze.${input.source}`;
  for (const node of context.graph.nodes.filter((one) => one.inputs.includes(key))) {
    const version = context.ledger.lastSuccess(node.key)?.inputs[key];
    if (version === undefined || versions.has(version)) continue;
    const snapshot = await lake.snapshot({ layer: 'bronze', name: input.source }, { version });
    if (snapshot !== undefined) versions.set(version, snapshot);
  }
  for (const snapshot of versions.values()) {
    const bound = await trace.bind(snapshot);
    const place = { source: input.source, positioned: bound.positioned, prefix: trace.fresh('line') };
    const lines = await lineSql(context, trace.session, place, [input], `_file = ${quoteText(input.path)}`);
    const where = line === undefined ? '' : ` where _df_line = ${line}`;
    const marked = await mark(trace, `select ${POSITION_ID} as _df_id, true as _df_sure from (${lines})${where}`);
    walk.reached.set(`${key}@${snapshot.version}`, marked);
    if (snapshot === newest) walk.levels.push(await levelOf(context, bound, marked.relation));
  }
}

async function silverFates(context: TraceContext, walk: Walk, node: SilverNode): Promise<void> {
  const { trace, lake } = context;
  const published = await lake.snapshot({ layer: 'silver', name: node.name });
  const making = published === undefined ? undefined : await makingOf(context, node, published.version);
  const key = `bronze.${walk.input.source}`;
  const marked = making === undefined ? undefined : walk.reached.get(`${key}@${making.inputs[key]}`);
  const newest = walk.levels[0]?.rows ?? 0;
  if (published === undefined || making === undefined || marked === undefined || marked.rows === 0) {
    if (newest > 0) walk.fates.push({ ...NO_FATE, table: node.key, fate: 'not_read_yet', rows: newest });
    return;
  }
  const rows = await openSilverRows(
    silverStep(context, node, making, await inputsOf(context, making), published),
    trace.session,
  );
  const from = trace.fresh('from');
  const position = 'cast(_df_id // 1099511627776 as bigint) as _part, cast(_df_id % 1099511627776 as bigint) as _pos';
  await trace.session.materialize(
    from,
    `select ${node.inputs.indexOf(key)} as _src, ${position} from ${marked.relation}`,
  );
  const fates = trace.fresh('fates');
  await fatesOf(rows, from, fates);
  walk.fates.push(...(await countedFates(context, walk, node, fates)));
  const bound = await trace.bind(published);
  const kept = await mark(
    trace,
    `select (cast(p._part as bigint) * 1099511627776 + p._pos) as _df_id, true as _df_sure
     from ${bound.positioned} as p join ${fates} as f on ${publishedAs(rows)} where f._df_fate = 'kept'`,
  );
  walk.reached.set(`${node.key}@${published.version}`, kept);
  if (kept.rows > 0)
    walk.levels.push(await levelOf(context, bound, kept.relation, { notes: notesOf(making.redefined) }));
}

function notesOf(redefined: boolean): readonly string[] {
  return redefined ? ['its definition changed since; the trace follows the definition of today'] : [];
}

const NO_FATE = { rule: null, reason: null, instead: null, quarantine_id: null } as const;

async function countedFates(
  context: TraceContext,
  walk: Walk,
  node: SilverNode,
  fates: string,
): Promise<readonly TracedFate[]> {
  const { session } = context.trace;
  const rule = "case when _df_fate = 'quarantined' then _df_rule end";
  const rows = await session.rows(
    `select _df_fate as fate, ${rule} as rule, first(_df_reason order by _part, _pos) as reason, count(*) as n,
       first(_df_w_src order by _part, _pos) as w_src, first(_df_w_part order by _part, _pos) as w_part, first(_df_w_pos order by _part, _pos) as w_pos
     from ${fates} group by 1, 2 order by n desc, fate, rule`,
  );
  const found: TracedFate[] = [];
  for (const row of rows) {
    const fate = String(row['fate']) as TracedFate['fate'];
    const instead = fate === 'deduplicated' ? await insteadOf(context, node, row) : null;
    const reason = fate === 'quarantined' && row['reason'] !== null ? String(row['reason']) : null;
    const named = row['rule'] === null || row['rule'] === undefined ? null : String(row['rule']);
    const quarantine_id = fate === 'quarantined' ? await entryOf(context, walk, node) : null;
    found.push({ table: node.key, fate, rule: named, reason, rows: Number(row['n']), quarantine_id, instead });
  }
  return found;
}

/** The quarantine's entry of a single line. */
async function entryOf(context: TraceContext, walk: Walk, node: SilverNode): Promise<string | null> {
  const { lake, trace } = context;
  if (walk.line === undefined) return null;
  const quarantine = await lake.snapshot(quarantineOf({ layer: 'silver', name: node.name }));
  if (quarantine === undefined) return null;
  const name = trace.fresh('entries');
  await trace.session.bind(relationOf(quarantine, name));
  const [row] = await trace.session.rows(
    `select quarantine_id from ${name} where file = ${quoteText(walk.input.path)} and line = ${walk.line} limit 1`,
  );
  return row === undefined ? null : String(row['quarantine_id']);
}

/** Where the row stands that was kept in place of a duplicate. */
async function insteadOf(
  context: TraceContext,
  node: SilverNode,
  row: Readonly<Record<string, unknown>>,
): Promise<TracedFate['instead']> {
  const { session } = context.trace;
  const table = node.inputs[Number(row['w_src'])];
  if (table === undefined || row['w_part'] === null) return null;
  const place = `_part = ${Number(row['w_part'])} and _pos = ${Number(row['w_pos'])}`;
  const positioned = `in_${node.inputs.indexOf(table)}`;
  const [winner] = await session.rows(`select _file from ${positioned} where ${place}`);
  const path = String(winner?.['_file'] ?? '');
  const source = table.slice('bronze.'.length);
  const inputs = context.ledger.inputs(source).filter((one) => one.path === path);
  const prefix = context.trace.fresh('line');
  const lines = await lineSql(context, session, { source, positioned, prefix }, inputs, `_file = ${quoteText(path)}`);
  const [found] = await session.rows(`select _df_line as line from (${lines}) where ${place}`);
  const line = found?.['line'];
  return { file: path, line: line === null || line === undefined ? null : Number(line) };
}

async function goldRows(context: TraceContext, walk: Walk, node: GoldNode): Promise<void> {
  const published = await context.lake.snapshot({ layer: 'gold', name: node.name });
  if (published === undefined) return;
  const making = await makingOf(context, node, published.version);
  const inputs = await inputsOf(context, making);
  const bound = await context.trace.bind(published);
  const reached = await goldReached(context, node, bound, inputs, walk.reached);
  if (reached === undefined) {
    const older = [...inputs.values()].some((snapshot) => {
      const name = tableKey(snapshot.table);
      return walk.levels.some((level) => level.table === name && level.version !== snapshot.version);
    });
    if (older) walk.fates.push({ ...NO_FATE, table: node.key, fate: 'not_read_yet', rows: 0 });
    return;
  }
  walk.reached.set(`${node.key}@${published.version}`, reached.marked);
  if (reached.marked.rows === 0) return;
  walk.levels.push(
    await levelOf(context, bound, reached.marked.relation, {
      at_most: reached.at_most,
      notes: notesOf(making.redefined),
    }),
  );
}

/** A release holds the file from the bronze version on that it came with. */
function releasesWith({ ledger }: TraceContext, input: InputRecord): ForwardTrace['releases'] {
  const key = `bronze.${input.source}`;
  return ledger
    .releases(RELEASES_MAX)
    .filter((release) => input.version !== undefined && (release.tables[key] ?? -1) >= input.version)
    .map(({ release_id, created_at }) => ({ release_id, created_at }));
}
