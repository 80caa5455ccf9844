import { decisionFrom } from '../../core/model/decision-note.ts';
import { outcomeFrom } from '../../core/model/step-note.ts';
import { LAYERS, parseTableKey, quarantineOf, tableKey } from '../../core/model/table.ts';
import { runsWithoutEffect } from '../../core/planning/undone-runs.ts';
import type { HistoryEntry, Lake } from '../../core/ports/lake.ts';
import type { QuarantineCount, StepOutcome, StepRecord, UndoTablePlan } from '../../core/ports/ledger.ts';
import type { UndoMove } from '../../core/ports/undo.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { decidedOf } from '../../medallion/decisions.ts';
import { lostBefore } from './lost-before.ts';
import { quarantineBefore } from './quarantine-before.ts';
import { quarantineKey, rejectsLost } from './rejects-lost.ts';
import { sourceBefore } from './source-before.ts';
import type { Histories, UndoPlanning } from './undo-planning.ts';

/** The logs of all tables, entries in ascending order: one reading for everything that is asked of them. */
export async function readHistories(lake: Lake): Promise<Histories> {
  const histories = new Map<string, readonly HistoryEntry[]>();
  for (const table of await lake.tables()) {
    const entries = await lake.history(table);
    histories.set(
      tableKey(table),
      [...entries].sort((a, b) => a.version - b.version),
    );
  }
  return histories;
}

/** Runs that changed rows, as the logs tell. Compaction does not count. */
export function publishingRuns(histories: Histories): ReadonlySet<string> {
  const entries = [...histories.values()].flat().filter(changesRows);
  return new Set(entries.flatMap(({ note }) => note?.run_id ?? []));
}

function changesRows(entry: HistoryEntry): boolean {
  return entry.operation !== 'OPTIMIZE';
}

/**
 * Plans going back to the state before `since_run`, table by table, each after the tables that it is computed from. Tables that no
 * undone run changed stay as they are.
 */
export async function planUndo(
  planning: UndoPlanning,
  wanted: ReadonlySet<string> | undefined,
): Promise<readonly UndoTablePlan[]> {
  const by_log = movesOf(planning);
  const moves = new Map(by_log);
  for (const [key, move] of await quarantineMoves(planning, moves)) moves.set(key, move);
  const all = orderedSteps(planning).filter((step) => wanted === undefined || wanted.has(step));
  const lost = [...lostBefore(planning, all, moves)];
  for (const step of lost)
    planning.notice(`${step} was lost and made anew by what is undone: it stays as it is; next: dataflow run`);
  for (const step of await rejectsLost(planning, all, by_log)) {
    if (lost.includes(step)) continue;
    planning.notice(`${quarantineKey(step)} was lost and made anew by what is undone: ${staysWith(step)}`);
    moves.delete(quarantineKey(step));
    if (!isDelivered(step)) lost.push(step);
  }
  const steps = all.filter((step) => !lost.includes(step));
  const chosen = new Map(
    [...moves].filter(([key]) => steps.some((step) => key === step || besideOf(step).includes(key))),
  );
  const plans: UndoTablePlan[] = [];
  for (const step of steps) {
    const plan = await planTable(planning, step, chosen);
    if (plan !== undefined) plans.push(plan);
  }
  return plans;
}

/** What a source delivered goes back all the same: nothing could compute it again. */
function isDelivered(step: string): boolean {
  return step.startsWith('bronze.');
}

function staysWith(step: string): string {
  return isDelivered(step)
    ? 'it stays as it is, with the rejected rows of what is undone'
    : `it and ${step} stay as they are; next: dataflow run`;
}

/**
 * The version that a table goes back to when these runs are undone, -1 for none: the first commit of such a run goes, and everything
 * after it. Undefined when none of them changed the table. Entries are ascending.
 */
export function versionBefore(entries: readonly HistoryEntry[], undone: ReadonlySet<string>): number | undefined {
  const first = entries.find(
    (entry) => changesRows(entry) && entry.note !== undefined && undone.has(entry.note.run_id),
  );
  return first === undefined ? undefined : first.version - 1;
}

function movesOf({ histories, run_ids, since_run }: UndoPlanning): ReadonlyMap<string, UndoMove> {
  const undone = new Set(run_ids.slice(run_ids.indexOf(since_run)));
  const moves = new Map<string, UndoMove>();
  for (const [key, entries] of histories) {
    const to = versionBefore(entries, undone);
    const newest = entries.at(-1);
    if (to !== undefined && newest !== undefined) moves.set(key, { from: newest.version, to });
  }
  return moves;
}

async function quarantineMoves(
  { open, histories }: UndoPlanning,
  moves: ReadonlyMap<string, UndoMove>,
): Promise<readonly (readonly [string, UndoMove])[]> {
  const found: [string, UndoMove][] = [];
  for (const key of histories.keys()) {
    const table = parseTableKey(key);
    if (table === undefined || table.layer === 'quarantine') continue;
    const move = await quarantineBefore(open.lake, histories, table, moves);
    if (move !== undefined) found.push([tableKey(quarantineOf(table)), move]);
  }
  return found;
}

/** Tables in the order of the graph; those that the project no longer has come last, layer by layer. */
function orderedSteps({ open, histories }: UndoPlanning): readonly string[] {
  const known = open.graph.nodes.map((node) => node.key);
  const others = [...histories.keys()].filter((key) => !known.includes(key) && !key.startsWith('quarantine.'));
  const rank = (key: string): number => LAYERS.findIndex((layer) => key.startsWith(`${layer}.`));
  return [...known, ...others.sort((a, b) => rank(a) - rank(b))];
}

/** Tables that go with a table: the decisions about its rejected rows, and its quarantine. */
function besideOf(step: string): readonly string[] {
  const table = parseTableKey(step);
  return table === undefined ? [] : [tableKey(decidedOf(table)), tableKey(quarantineOf(table))];
}

async function planTable(
  planning: UndoPlanning,
  step: string,
  moves: ReadonlyMap<string, UndoMove>,
): Promise<UndoTablePlan | undefined> {
  const table = moves.get(step);
  const beside = besideOf(step).flatMap((key) => {
    const move = moves.get(key);
    return move === undefined ? [] : [{ table: key, ...move }];
  });
  if (table === undefined && beside.length === 0) return undefined;
  const quarantine = beside.find((one) => one.table === besideOf(step).at(-1));
  const { open, histories, run_ids } = planning;
  const without = runsWithoutEffect(run_ids, open.ledger.undos(), step, planning.since_run);
  const before = open.ledger.lastSuccessOutside(step, without) ?? recordAt(histories.get(step), table?.to);
  const now = open.ledger.lastSuccess(step);
  const quarantine_counts = quarantine === undefined ? undefined : await countsAt(planning, step, quarantine.to);
  const emptied = table !== undefined && table.to < 0;
  const inputs =
    emptied || before === undefined ? presentInputs(planning, moves, now) : await movedInputs(planning, moves, before);
  const fingerprint = (emptied ? now : before)?.code_fingerprint;
  const outcome: StepOutcome = {
    step: {
      run_id: planning.run_id,
      step_id: timeSortedId(),
      step,
      status: 'succeeded',
      reason: reasonOf(planning, table),
      mode: 'incremental',
      ...(fingerprint === undefined ? {} : { code_fingerprint: fingerprint }),
      inputs,
      balance: await balanceOf(open.lake, step, table),
      tests: [],
      started_at: planning.started_at,
    },
    ...(quarantine_counts === undefined ? {} : { quarantine: quarantine_counts, replaces_quarantine: true }),
    undo: {
      since_run: planning.since_run,
      restored_version: table?.to ?? histories.get(step)?.at(-1)?.version ?? -1,
      ...sourceBefore(open.ledger, step, without),
      ...decisionsAfter(planning, step, moves),
      hold: {
        ...(now?.code_fingerprint === undefined ? {} : { code_fingerprint: now.code_fingerprint }),
        inputs: presentInputs(planning, moves, now),
        emptied,
      },
    },
  };
  return {
    step,
    ...(table === undefined ? {} : { table }),
    beside,
    outcome,
  };
}

function reasonOf({ since_run }: UndoPlanning, table: UndoMove | undefined): string {
  if (table === undefined) return `undone: its quarantine is as it was before run ${since_run}`;
  if (table.to < 0) return `undone: empty, as it did not exist before run ${since_run}`;
  return `undone: back to version ${table.to}, as before run ${since_run}`;
}

/** The rows that come back less those that go: the net change of the table, as in a merge. Nothing else happens to rows. */
async function balanceOf(
  lake: Lake,
  step: string,
  move: UndoMove | undefined,
): Promise<NonNullable<StepRecord['balance']>> {
  const table = parseTableKey(step);
  const preview = table === undefined || move === undefined ? undefined : await lake.previewRestore(table, move.to);
  const change = preview === undefined ? 0 : preview.rows - preview.rows_before;
  return { rows_in: change, rows_out: change, quarantined: 0, deduplicated: 0, filtered: 0 };
}

function countsAt(planning: UndoPlanning, step: string, version: number): Promise<readonly QuarantineCount[]> | [] {
  const table = parseTableKey(step);
  if (table === undefined || version < 0) return [];
  return planning.countRejects(quarantineOf(table), version, step);
}

/** What the commit of a version says, for a step that the ledger has forgotten. */
function recordAt(entries: readonly HistoryEntry[] | undefined, version: number | undefined): StepRecord | undefined {
  const entry = entries?.findLast((one) => one.version <= (version ?? -1) && one.note?.['kind'] === 'step');
  return entry?.note === undefined ? undefined : outcomeFrom(entry.note, entry.version, entry.committed_at_ms).step;
}

/**
 * Versions of the inputs of the rows that come back. An input that goes back to the very version that they were computed from, or to one
 * with the same rows, counts with its new version, so that the step is up to date; any other keeps its number, and the difference to today is computed.
 */
async function movedInputs(
  { open }: UndoPlanning,
  moves: ReadonlyMap<string, UndoMove>,
  before: StepRecord,
): Promise<Readonly<Record<string, number>>> {
  const moved: [string, number][] = [];
  for (const [input, version] of Object.entries(before.inputs)) {
    const move = moves.get(input);
    const table = parseTableKey(input);
    const same =
      move !== undefined &&
      table !== undefined &&
      version <= move.to &&
      (version === move.to || (await open.lake.onlyRearranged(table, version, move.to)));
    moved.push([input, same ? move.from + 1 : version]);
  }
  return { ...Object.fromEntries(moved), ...undoneDecisions(moves, before) };
}

/** The decisions about a table's rejected rows that are in force once they went back. */
function decisionsAfter(
  { histories }: UndoPlanning,
  step: string,
  moves: ReadonlyMap<string, UndoMove>,
): Pick<NonNullable<StepOutcome['undo']>, 'decisions'> {
  const [decided = ''] = besideOf(step);
  const move = moves.get(decided);
  if (move === undefined) return {};
  const in_force = [...decisionsAt(histories.get(decided) ?? [], move.to)].sort((a, b) => a - b);
  return { decisions: { in_force, up_to: move.from } };
}

/** Entries are ascending. An undo says which version it went back to. */
function decisionsAt(entries: readonly HistoryEntry[], version: number): ReadonlySet<number> {
  let found = new Set<number>();
  for (const { version: at, note } of entries) {
    if (at > version) break;
    const restored = note?.['restored_version'];
    if (typeof restored === 'number') found = new Set(decisionsAt(entries, restored));
    else if (decisionFrom(note, at) !== undefined) found.add(at);
  }
  return found;
}

/** Decisions that none had been taken before: the emptied table of them is nothing that the step has not seen. */
function undoneDecisions(moves: ReadonlyMap<string, UndoMove>, before: StepRecord): Readonly<Record<string, number>> {
  const [decided = ''] = besideOf(before.step);
  const move = moves.get(decided);
  return move === undefined || move.to >= 0 || before.inputs[decided] !== undefined ? {} : { [decided]: move.from + 1 };
}

/** The inputs that a step reads, with the versions that they will have after the undo. */
function presentInputs(
  { histories }: UndoPlanning,
  moves: ReadonlyMap<string, UndoMove>,
  step: StepRecord | undefined,
): Readonly<Record<string, number>> {
  const present = Object.entries(step?.inputs ?? {}).map(([input, version]): [string, number] => {
    const move = moves.get(input);
    return [input, move === undefined ? (histories.get(input)?.at(-1)?.version ?? version) : move.from + 1];
  });
  return Object.fromEntries(present);
}
