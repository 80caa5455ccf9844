import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { HeldTable } from '../../core/model/load.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { ReleaseRecord } from '../../core/ports/ledger.ts';
import type { Outline, Sink, SinkTable, Standing } from '../../core/ports/sink.ts';
import { commonType } from '../../core/types/widening.ts';
import { versionsGoneBackTo } from './going-back.ts';
import { type ChosenColumn, chosenColumns, type LoadedTable, sinkTable, sourceHash } from './load-tables.ts';

/** What becomes of one table. `none`: the destination has it. `record`: it has the rows, and only has to be told of the release. */
export type LoadAction = 'none' | 'record' | 'changes' | 'whole';

/** One table of a load that has something to do. */
export interface PlannedWork {
  readonly action: Exclude<LoadAction, 'none'>;
  readonly loaded: LoadedTable;
  readonly standing: Standing;
  /** For people. */
  readonly reason: string;
  readonly after: Snapshot;
  /** For changes: what the destination holds. */
  readonly before?: Snapshot;
  /** For rows that are appended and have no key: versions that the table goes back to on its way. */
  readonly gone_back_to?: readonly Snapshot[];
  readonly chosen: readonly ChosenColumn[];
  readonly target: SinkTable;
  readonly source_hash: string;
  readonly outline?: Outline;
  readonly remake: boolean;
}

export interface PlannedNothing {
  readonly action: 'none';
  readonly loaded: LoadedTable;
  readonly standing: Standing;
  readonly reason: string;
}

export type PlannedTable = PlannedWork | PlannedNothing;

/** What planning looks at. */
export interface LoadSituation {
  readonly lake: Lake;
  readonly sink: Sink;
  readonly release: ReleaseRecord;
  readonly tables: readonly LoadedTable[];
  readonly full_refresh: boolean;
  /** What is planned is done at once. */
  readonly writes: boolean;
}

/** The same for a destination that holds the release, which it is only asked for; undefined: it does not, or a closer look has to tell. */
export async function planIdle(situation: LoadSituation): Promise<readonly PlannedNothing[] | undefined> {
  return idlePlan(situation, await situation.sink.standing(situation.tables, { deep: false }));
}

function idlePlan(
  situation: LoadSituation,
  found: ReadonlyMap<string, Standing>,
): readonly PlannedNothing[] | undefined {
  const { tables, release } = situation;
  const planned = tables.flatMap((loaded): readonly PlannedNothing[] => {
    const standing = found.get(loaded.table);
    return standing === undefined || !holds(standing, loaded, situation) ? [] : [nothing(loaded, standing, release)];
  });
  return planned.length === tables.length ? planned : undefined;
}

function nothing(loaded: LoadedTable, standing: Standing, { release_id }: ReleaseRecord): PlannedNothing {
  return { action: 'none', loaded, standing, reason: `holds version ${loaded.version} of release ${release_id}` };
}

/**
 * What has to be done so that the destination holds the release. Reads the lake's log and what the destination says of itself, and changes nothing.
 * @throws DataflowError E_LOAD_CHANGED when somebody else wrote there, E_LOAD_SCHEMA when columns do not fit.
 */
export async function planLoad(situation: LoadSituation): Promise<readonly PlannedTable[]> {
  const { sink, tables, full_refresh, writes } = situation;
  const glance = await sink.standing(tables, { deep: false });
  const idle = idlePlan(situation, glance);
  if (idle !== undefined) return idle;
  const moves = ({ table, version }: LoadedTable): boolean => (glance.get(table)?.held?.version ?? version) !== version;
  const spare = new Set(writes && !full_refresh ? tables.filter(moves).map(({ table }) => table) : []);
  const standing = await sink.standing(tables, { deep: true, spare });
  if (!full_refresh) refuseChanged(situation, standing);
  const planned: PlannedTable[] = [];
  for (const loaded of tables)
    planned.push(await planTable(situation, loaded, standing.get(loaded.table) ?? { state: 'absent' }));
  const refused = planned.flatMap((one) =>
    one.action === 'none' || one.outline?.refused === undefined ? [] : [`${one.loaded.table}: ${one.outline.refused}`],
  );
  if (refused.length > 0) throw new DataflowError('E_LOAD_SCHEMA', refused.join('; '));
  return planned;
}

/** The destination says that it holds this very version, made in this very way. */
function holds(standing: Standing | undefined, loaded: LoadedTable, { release, full_refresh }: LoadSituation): boolean {
  const held = standing?.held;
  return (
    !full_refresh &&
    held !== undefined &&
    standing?.state === 'as_left' &&
    standing.under_way === undefined &&
    held.release_id === release.release_id &&
    held.version === loaded.version &&
    held.settings_hash === loaded.settings_hash
  );
}

function refuseChanged({ sink, tables }: LoadSituation, standing: ReadonlyMap<string, Standing>): void {
  const words = tables.flatMap(({ table, name }) => {
    const found = standing.get(table);
    if (found === undefined) return [];
    const about = found.words === undefined ? '' : `: ${found.words}`;
    if (found.state === 'changed') return [`${name} was changed by somebody else${about}`];
    if (found.state === 'foreign') return [`${name} is there already, and was not made by this load${about}`];
    if (found.state === 'absent' && found.held !== undefined) return [`${name} was loaded and is gone`];
    return [];
  });
  if (words.length === 0) return;
  const [some, more] = [words.slice(0, 5), words.length - 5];
  throw new DataflowError(
    'E_LOAD_CHANGED',
    `${sink.place}: ${some.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    {
      kept: 'nothing was changed at the destination',
    },
  );
}

async function planTable(situation: LoadSituation, loaded: LoadedTable, standing: Standing): Promise<PlannedTable> {
  const { release, sink } = situation;
  if (holds(standing, loaded, situation)) return nothing(loaded, standing, release);
  const after = await snapshotOf(situation.lake, loaded.table, loaded.version);
  const chosen = chosenColumns(loaded, after);
  const target = sinkTable(loaded, chosen);
  const common = { loaded, standing, after, chosen, target, source_hash: sourceHash(after) };
  const way = await wayTo(situation, loaded, standing, after);
  if (way.action === 'record') return { ...common, ...way, remake: false };
  const outline = await sink.outline(target, { whole: way.action === 'whole' });
  if (outline.refused !== undefined && situation.full_refresh)
    return { ...common, ...way, action: 'whole', remake: true, outline: withoutRefusal(outline) };
  return { ...common, ...way, outline, remake: false };
}

function withoutRefusal({ statements, remarks, refused = '' }: Outline): Outline {
  return { statements, remarks: [...remarks, `made anew: ${refused}`] };
}

interface Way {
  readonly action: 'record' | 'changes' | 'whole';
  readonly reason: string;
  readonly before?: Snapshot;
  readonly gone_back_to?: readonly Snapshot[];
}

async function wayTo(
  { lake, sink, full_refresh }: LoadSituation,
  loaded: LoadedTable,
  { held, under_way, state }: Standing,
  after: Snapshot,
): Promise<Way> {
  const whole = (reason: string): Way => ({ action: 'whole', reason });
  if (full_refresh) return whole('--full-refresh');
  if (held === undefined || state === 'absent') return whole('first load');
  if (loaded.mode === 'append') return await wayToAppend(lake, loaded, { held, under_way }, after);
  if (held.settings_hash !== loaded.settings_hash)
    return whole('pipelines.yaml says otherwise than when it was loaded');
  // Which of them the next version still has is not known: all are tried again.
  if (held.refused !== undefined && held.version !== after.version)
    return whole(`${held.refused} rows of version ${held.version} could not be held`);
  const before = await heldVersion(lake, held);
  if (before === undefined) return whole(`version ${held.version} is no longer in the lake`);
  if (under_way !== undefined && under_way.version !== after.version)
    return whole(`a load of version ${under_way.version} was cut off`);
  if (under_way === undefined && (held.version === after.version || (await sameRows(lake, held.version, after))))
    return { action: 'record', reason: `version ${after.version} has the rows of version ${held.version}` };
  if (loaded.mode === 'replace') return whole(`version ${held.version} → ${after.version}`);
  if (!comparable(before, after, sink.types_in_rows)) return whole('types of columns changed');
  if (!(await isWhole(lake, before))) return whole(`files of version ${held.version} are no longer in the lake`);
  return { action: 'changes', reason: `version ${held.version} → ${after.version}`, before };
}

/** Rows that are there stay, whatever became of the version that brought them: nothing is made anew without being asked. */
async function wayToAppend(
  lake: Lake,
  { table, key, settings_hash }: LoadedTable,
  { held, under_way }: { readonly held: HeldTable; readonly under_way: Standing['under_way'] },
  after: Snapshot,
): Promise<Way> {
  const before = await heldVersion(lake, held);
  const said = held.settings_hash === settings_hash;
  const words = `version ${held.version} → ${after.version}`;
  if (before !== undefined && said && under_way === undefined && held.refused === undefined) {
    if (held.version === after.version || (await sameRows(lake, held.version, after)))
      return { action: 'record', reason: `version ${after.version} has the rows of version ${held.version}` };
  }
  const usable = before !== undefined && comparable(before, after) && (await isWhole(lake, before));
  const certain = said && held.refused === undefined && (under_way?.version ?? after.version) === after.version;
  if (usable && key.length === 0)
    return { action: 'changes', reason: words, before, gone_back_to: await versionsGoneBackTo(lake, before, after) };
  if (usable && certain) return { action: 'changes', reason: words, before };
  if (key.length > 0) return { action: 'changes', reason: `${words}: of all rows those whose key is new` };
  throw new DataflowError(
    'E_LOAD_SCHEMA',
    `${table} is appended to and has no key, and version ${held.version}, which the destination holds, cannot be compared with any more: nothing tells which rows are new`,
    {
      kept: 'nothing was changed at the destination',
      hint: 'Give it a key (overrides: { TABLE: { key: … } }); or load it with --full-refresh, which leaves only the rows of the release there.',
    },
  );
}

/** The version that the destination holds; undefined when it is gone, or the table was made anew since. */
async function heldVersion(
  lake: Lake,
  held: Pick<HeldTable, 'table' | 'version' | 'version_committed_at_ms'>,
): Promise<Snapshot | undefined> {
  const found = await snapshotAt(lake, held.table, held.version);
  return found?.committed_at_ms === held.version_committed_at_ms ? found : undefined;
}

async function isWhole(lake: Lake, { table, version }: Snapshot): Promise<boolean> {
  return (await lake.previewRestore(table, version)).missing.length === 0;
}

async function sameRows(lake: Lake, from: number, after: Snapshot): Promise<boolean> {
  return from < after.version && (await lake.onlyRearranged(after.table, from, after.version));
}

/** Whether the values of columns that both versions have can be held against each other. @param exactly only as the same type */
function comparable(before: Snapshot, after: Snapshot, exactly = false): boolean {
  const old = new Map(before.columns.map((column) => [column.name, column]));
  return after.columns.every(({ name, type, kept_as }) => {
    const other = old.get(name);
    if (other === undefined) return true;
    return exactly ? other.type === type && other.kept_as === kept_as : commonType(other.type, type) !== undefined;
  });
}

/** @throws DataflowError E_LAKE_NO_VERSION */
async function snapshotOf(lake: Lake, key: string, version: number): Promise<Snapshot> {
  const table = parseTableKey(key);
  const snapshot = table === undefined ? undefined : await lake.snapshot(table, { version });
  if (snapshot !== undefined) return snapshot;
  throw new DataflowError('E_LAKE_NO_VERSION', `version ${version} of ${key} is no longer in the lake`);
}

async function snapshotAt(lake: Lake, key: string, version: number): Promise<Snapshot | undefined> {
  try {
    return await snapshotOf(lake, key, version);
  } catch (error) {
    if (error instanceof DataflowError && error.code === 'E_LAKE_NO_VERSION') return undefined;
    throw error;
  }
}
