import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import { quarantineOf, type TableId, tableKey } from '../../core/model/table.ts';
import { buildGraph, type Graph } from '../../core/planning/graph.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';
import type { CollectionPlan, CollectionRules, LakeCare, Removed } from '../../core/ports/lake-care.ts';
import type { Leases } from '../../core/ports/leases.ts';
import type { Ledger, Lock } from '../../core/ports/ledger.ts';
import { nameHint } from '../../kit/name-list.ts';
import { ranAhead } from '../../medallion/quarantine.ts';
import type { Rooms } from '../rooms.ts';
import { ledgerForReading, openLedgerFor } from '../run/open-project.ts';
import { owesUndo } from '../run/pipeline-lock.ts';
import { stagingKept } from '../run/staging-kept.ts';
import { busySteps, ownerOf, runAtWork } from './compact/at-work.ts';
import { collectDecided } from './compact/collect-decided.ts';
import { collectDocuments } from './compact/collect-documents.ts';
import { type CollectLanding, collectLanding, planLanding } from './compact/collect-landing.ts';
import { collectLookups } from './compact/collect-lookups.ts';
import { type MergePlan, mergeTable, planMerge } from './compact/merge-table.ts';
import { type CompactedTable, type CompactReport, landingOf, lineOf, type Merged, totalsOf } from './compact/report.ts';
import { collectionRules, readableHistory } from './compact/retention-rules.ts';
import { sessions } from './compact/sessions.ts';

export interface CompactOptions {
  /** Tables or layers; none = the whole lake. */
  readonly tables: readonly string[];
  readonly target_bytes: number;
  /** Versions replaced less long ago than this stay, whatever is configured: a reader without a lease may be at them. */
  readonly grace_ms: number;
  readonly dry_run: boolean;
  /** The command line as typed, for the lock. */
  readonly command: string;
  readonly signal: AbortSignal;
  readonly tell: (notice: string) => void;
}

interface Open {
  readonly project: Project;
  readonly lake: Lake;
  readonly care: LakeCare;
  readonly ledger: Ledger;
  readonly leases: Leases;
  readonly graph: Graph;
}

interface Working extends Open {
  readonly rooms: Rooms;
  readonly openSession: (label: string) => Promise<EngineSession>;
}

const DAY_MS = 86_400_000;
const ATTEMPTS_MAX = 3;

/**
 * Writes small files together and collects what nobody needs any more: old versions with their files and log entries, and staging of runs that
 * are gone. Runs and readers go on meanwhile; where one is in the way, that part is left for the next time and told.
 * @throws DataflowError E_LOCKED while another compaction is at work, E_LAKE_NO_TABLE.
 */
export async function compactLake(rooms: Rooms, project: Project, options: CompactOptions): Promise<CompactReport> {
  const started_ms = Date.now();
  const lake = await rooms.openLake(project);
  const care = await rooms.openLakeCare(project);
  const leases = await rooms.openLeases(project);
  const ledger = await (options.dry_run ? ledgerForReading : openLedgerFor)(rooms, project, lake);
  try {
    const open: Open = { project, lake, care, ledger, leases, graph: buildGraph(project, await rooms.checks()) };
    const tables = await wantedTables(lake, options.tables);
    const engine = sessions(rooms, project, options.signal);
    const work = { ...open, rooms, openSession: engine.openSession };
    const done = await (options.dry_run ? preview : locked)(work, tables, options).finally(engine.close);
    return { ...totalsOf(done.tables), ...done, dry_run: options.dry_run, wall_ms: Date.now() - started_ms };
  } finally {
    ledger.close();
  }
}

async function wantedTables(lake: Lake, words: readonly string[]): Promise<readonly TableId[]> {
  const all = await lake.tables();
  const keys = all.map(tableKey);
  for (const word of words)
    if (!keys.some((key) => key === word || key.startsWith(`${word}.`)))
      throw new DataflowError('E_LAKE_NO_TABLE', `the lake has no table ${word}`, {
        hint: keys.length === 0 ? 'The lake is empty: run `dataflow run` first.' : nameHint(word, keys),
      });
  return words.length === 0
    ? all
    : all.filter((table) => words.some((word) => tableKey(table) === word || tableKey(table).startsWith(`${word}.`)));
}

type Done = Pick<CompactReport, 'tables' | 'files_waiting' | 'leftovers' | 'landing' | 'documents' | 'lookup_answers'>;

async function preview(open: Working, tables: readonly TableId[], options: CompactOptions): Promise<Done> {
  const rules = await rulesOf(open, options);
  const lines: CompactedTable[] = [];
  for (const table of tables) {
    const [snapshot, merge] = await mergeOf(open, table, options);
    if (snapshot === undefined) continue;
    const plan = await open.care.planCollection(table, await rules(table));
    const merged = { before: snapshot, plan: typeof merge === 'string' ? undefined : merge };
    const spent = await collectDecided({ ...open, lease_id: '' }, table);
    lines.push(lineOf(table, merged, plan, leftOf(merge, plan), spent));
  }
  const leftovers = await open.lake.leftovers(await keptStaging(open), false);
  const landing = landingOf(await planLanding(await landingWork(open, options), sourcesOf(options)));
  const documents = await collectDocuments(documentsWork(open), sourcesOf(options), options);
  const lookup_answers = answersCollected(open, options);
  return { tables: lines, files_waiting: 0, leftovers: leftovers.length, landing, documents, lookup_answers };
}

async function locked(open: Working, tables: readonly TableId[], options: CompactOptions): Promise<Done> {
  const own = open.ledger.lock(`compact:${open.project.name}`, options.command);
  try {
    // A run of this machine is known by its ledger and left alone; one of another machine has the lake's lock.
    const owes = (): boolean => owesUndo(open.ledger);
    const shared = await open.rooms.lockLake(open.project, { command: options.command, owes });
    const check = (): void => {
      own.check();
      shared?.check();
    };
    try {
      return await holding(open, tables, options, { check });
    } finally {
      await shared?.release();
    }
  } finally {
    own.release();
  }
}

async function holding(
  open: Working,
  tables: readonly TableId[],
  options: CompactOptions,
  lock: Pick<Lock, 'check'>,
): Promise<Done> {
  const { lake, care, ledger, leases } = open;
  const lease = await leases.open('compact');
  try {
    await lease.pin({});
    await leases.live({ sweep: true });
    const leftovers = await lake.leftovers(await keptStaging(open), true);
    const work = { ...open, lease_id: lease.lease_id };
    const lines: CompactedTable[] = [];
    for (const table of tables) {
      options.signal.throwIfAborted();
      const merged = await mergeOrLeave(work, table, options, () => lock.check());
      if (merged === undefined) continue;
      const spent = runAtWork(ledger) ? 0 : await collectDecided(work, table, () => lock.check());
      const plan = await hideOld(open, table, options, () => lock.check());
      const left = leftOf(merged.left, plan);
      if (left !== null && left !== RUN_AT_WORK) options.tell(`${tableKey(table)}: ${left}`);
      lines.push(lineOf(table, merged, typeof plan === 'string' ? undefined : plan, left, spent));
    }
    if (lines.some((line) => line.left === RUN_AT_WORK)) options.tell(RUN_AT_WORK);
    const removed: Removed = await care.removeHidden(() => anybodyReading(open));
    if (removed.waiting > 0)
      options.tell(`${removed.waiting} files of old versions wait until nobody reads any more; compact again then`);
    const landed = await collectLanding(await landingWork(work, options), options.command, sourcesOf(options));
    if (landed === undefined)
      options.tell('a run is at work; what sources left beside the lake is collected the next time');
    const landing = landingOf(landed ?? []);
    const documents = runAtWork(ledger) ? [] : await collectDocuments(documentsWork(open), sourcesOf(options), options);
    const lookup_answers = runAtWork(ledger) ? 0 : answersCollected(open, options);
    const files_waiting = removed.waiting;
    return { tables: lines, files_waiting, leftovers: leftovers.length, landing, documents, lookup_answers };
  } finally {
    await lake.discardStaging(lease.lease_id);
    await lease.release();
  }
}

/** They belong to no table alone, so they go when the layer that has lookups is meant. */
function answersCollected({ project, ledger }: Open, { tables, dry_run }: CompactOptions): number {
  return tables.length > 0 && !tables.includes('silver') ? 0 : collectLookups(project, ledger, dry_run);
}

function documentsWork({ project, ledger, rooms }: Working): Parameters<typeof collectDocuments>[0] {
  return { project, ledger, state_folder: rooms.stateFolder(project) };
}

async function landingWork(open: Working, options: CompactOptions): Promise<CollectLanding> {
  return { ...open, grace_ms: options.grace_ms, rules: await rulesOf(open, options) };
}

/** The sources that the words name; undefined: all, also those that are no longer configured. */
function sourcesOf({ tables }: CompactOptions): ReadonlySet<string> | undefined {
  if (tables.length === 0 || tables.includes('bronze')) return undefined;
  return new Set(tables.flatMap((word) => (word.startsWith('bronze.') ? [word.slice('bronze.'.length)] : [])));
}

/** Somebody who may have looked up a version before it was hidden: a reader that has not said what it reads, or a run. */
async function anybodyReading({ leases, ledger }: Open): Promise<boolean> {
  return runAtWork(ledger) || (await leases.live()).some((lease) => lease.pins === undefined);
}

function keptStaging({ project, ledger, leases }: Open): Promise<ReadonlySet<string>> {
  return stagingKept(ledger, leases, Date.now() - project.lake.keep.versions_days * DAY_MS);
}

async function rulesOf(
  open: Open,
  { grace_ms }: CompactOptions,
): Promise<(table: TableId) => Promise<CollectionRules>> {
  const rules = collectionRules(open.project, open.graph, open.ledger, await open.leases.live(), grace_ms);
  return async (table) => rules(table, await readableHistory(open.lake, table));
}

/** The merge that a table could do with, or why it has to wait. */
async function mergeOf(
  { lake, ledger, graph }: Open,
  table: TableId,
  { target_bytes }: CompactOptions,
): Promise<readonly [Snapshot | undefined, MergePlan | string | undefined]> {
  const snapshot = await lake.snapshot(table);
  if (snapshot === undefined) return [undefined, undefined];
  const owner = ownerOf(table);
  // Decisions about rejected rows are told apart by the version that brought them.
  if (owner.layer === 'quarantine') return [snapshot, undefined];
  if (busySteps(ledger).has(tableKey(owner))) return [snapshot, 'a run works on it'];
  const node = graph.byKey.get(tableKey(table));
  // Its steps keep one file a month, so that a refresh rewrites few of them.
  if (node?.layer === 'gold' && node.spec.refresh !== undefined) return [snapshot, undefined];
  const plan = planMerge(snapshot, target_bytes);
  if (plan.bins.length === 0) return [snapshot, undefined];
  // The number of the version that a dead run left its quarantine for must not be taken by a version of ours.
  const quarantine = await lake.snapshot(quarantineOf(owner));
  if (ranAhead(tableKey(owner), quarantine, await lake.latestVersion(owner)))
    return [snapshot, 'a run died on it: dataflow run first'];
  return [snapshot, plan];
}

/** Runs have the right of way: after a few lost races the table is left for the next time. */
async function mergeOrLeave(
  work: Working & { readonly lease_id: string },
  table: TableId,
  options: CompactOptions,
  check: () => void,
): Promise<Merged | undefined> {
  const fence = (): void => {
    check();
    if (busySteps(work.ledger).has(tableKey(ownerOf(table))))
      throw new DataflowError('E_LAKE_CONFLICT', `a run has begun to work on ${tableKey(table)}`);
  };
  for (let attempt = 1; ; attempt++) {
    const [before, merge] = await mergeOf(work, table, options);
    if (before === undefined) return undefined;
    if (merge === undefined || typeof merge === 'string') return { before, plan: undefined, left: merge };
    try {
      await mergeTable({ ...work, fence }, merge);
      return { before, plan: merge, left: undefined };
    } catch (error) {
      if (!(error instanceof DataflowError) || error.code !== 'E_LAKE_CONFLICT') throw error;
      if (attempt >= ATTEMPTS_MAX)
        return { before, plan: undefined, left: 'a run was faster; its files were not merged' };
    }
  }
}

const RUN_AT_WORK = 'a run is at work; old versions are collected the next time';

async function hideOld(
  open: Open,
  table: TableId,
  options: CompactOptions,
  fence: () => void,
): Promise<CollectionPlan | string | undefined> {
  if (runAtWork(open.ledger)) return RUN_AT_WORK;
  const rules = await rulesOf(open, options);
  const plan = await open.care.planCollection(table, await rules(table));
  if (plan !== undefined) await open.care.hideVersions(plan, fence);
  return plan;
}

function leftOf(merge: MergePlan | string | undefined, plan: CollectionPlan | string | undefined): string | null {
  if (typeof merge === 'string') return merge;
  if (plan === undefined) return 'its log is damaged, so that nothing was collected: dataflow verify';
  return typeof plan === 'string' ? plan : null;
}
