import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { decisionFrom } from '../../core/model/decision-note.ts';
import { settledFrom } from '../../core/model/settled-note.ts';
import { isStepNote, outcomeFrom, releaseFrom } from '../../core/model/step-note.ts';
import { parseTableKey, quarantineOf, type TableId, tableKey } from '../../core/model/table.ts';
import type { HistoryEntry, Lake } from '../../core/ports/lake.ts';
import type { DecisionRecord, Ledger, Lock, ReleaseRecord, RunRecord, StepOutcome } from '../../core/ports/ledger.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { decidedInput } from '../../medallion/decisions.ts';
import { toldRun } from '../run/told-run.ts';
import { makeFolder } from './ledger-folder.ts';

export interface RebuildOptions {
  readonly lake: Lake;
  /** Folder that holds `ledger.db`. */
  readonly folder: string;
  readonly openLedger: (place: {
    readonly folder: string;
    readonly create?: boolean;
    readonly durable?: boolean;
  }) => Promise<Ledger>;
}

/** How much was found again. */
export interface RebuildReport {
  /** Tables of the lake that a step of ours published. */
  readonly tables: number;
  readonly runs: number;
  /** Units of input that are known again, so that they are not loaded twice. */
  readonly inputs: number;
  readonly steps: number;
  /** Where the earlier ledger was kept. */
  readonly kept_as?: string;
}

/** One publish, as its commit tells of it. */
interface Found {
  readonly outcome: StepOutcome;
  readonly committed_at_ms: number;
  readonly release: ReleaseRecord | undefined;
}

const FILE = 'ledger.db';

/**
 * Makes the ledger anew from the lake alone: every commit carries a note of the step that made it. What no commit tells (failed
 * steps, locks) is gone. The new ledger is built aside, made durable, and
 * comes into place by one rename; the old one stays as `ledger.db.damaged-<time>`.
 * @throws DataflowError E_LOCKED while a live process of this host works with the old ledger, E_LEDGER_NEWER when that was written
 * by a newer dataflow, E_LAKE_CORRUPT when a commit's note cannot be read.
 */
export async function rebuildLedger(options: RebuildOptions): Promise<RebuildReport> {
  const old = await holdOldLedger(options);
  const temporary = join(options.folder, `rebuild-${timeSortedId()}`);
  try {
    const found = await findAll(options.lake);
    makeFolder(temporary);
    const ledger = await options.openLedger({ folder: temporary, create: true, durable: false });
    let report: RebuildReport;
    try {
      report = await fill(ledger, found, options.lake);
    } finally {
      ledger.close();
    }
    old.close();
    const kept_as = takePlace(join(temporary, FILE), options.folder);
    return kept_as === undefined ? report : { ...report, kept_as };
  } finally {
    old.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * A ledger that can still be read may be in use: its locks are taken for the time of the rebuild. A holder on another host cannot be
 * asked; it is left behind, and its lock fails at its next publish, since the file is another one then.
 */
async function holdOldLedger(options: RebuildOptions): Promise<{ close(): void }> {
  let ledger: Ledger;
  try {
    ledger = await options.openLedger({ folder: options.folder, create: false });
  } catch (error) {
    if (error instanceof DataflowError && ['E_LEDGER_CORRUPT', 'E_LEDGER_MISSING'].includes(error.code))
      return { close: () => {} };
    throw error;
  }
  const locks: Lock[] = [];
  const close = (): void => {
    for (const lock of locks.splice(0)) lock.release();
    ledger.close();
  };
  try {
    for (const holder of ledger.lockHolders()) {
      if (holder.state !== 'unknown') locks.push(ledger.lock(holder.scope, 'ledger rebuild'));
    }
    return { close };
  } catch (error) {
    close();
    if (error instanceof DataflowError && error.code === 'E_LEDGER_CORRUPT') return { close: () => {} };
    throw error;
  }
}

/** All publishes of the lake. Those of one table stay in the order of its versions, whatever the clocks said. */
async function findAll(lake: Lake): Promise<readonly Found[]> {
  const histories: Found[][] = [];
  const tables = await lake.tables();
  for (const table of tables) {
    if (table.layer === 'quarantine') continue;
    const published = (await lake.history(table)).flatMap((entry) => foundIn(table, entry));
    histories.push([...published, ...(await settledIn(lake, quarantineOf(table)))].sort(byVersion));
  }
  // Everything that a source brought was refused: it has a quarantine, and no table yet.
  const known = new Set(tables.map((table) => tableKey(quarantineOf(table))));
  for (const table of tables)
    if (table.layer === 'quarantine' && !known.has(tableKey(table))) histories.push(await settledIn(lake, table));
  return mergeByTime(histories);
}

function foundIn(table: TableId, entry: HistoryEntry): readonly Found[] {
  const { note } = entry;
  if (note === undefined || !isStepNote(note) || note.step !== tableKey(table)) return [];
  return [
    {
      outcome: outcomeFrom(note, entry.version, entry.committed_at_ms),
      committed_at_ms: entry.committed_at_ms,
      release: releaseFrom(note),
    },
  ];
}

/** Steps that changed nothing but the quarantine of a table: decisions that brought no row home, files that were all refused. They follow the version that they saw. */
async function settledIn(lake: Lake, quarantine: TableId): Promise<Found[]> {
  if ((await lake.latestVersion(quarantine)) === undefined) return [];
  return (await lake.history(quarantine)).flatMap(({ note, committed_at_ms }): readonly Found[] => {
    const told = note === undefined ? undefined : settledFrom(note, committed_at_ms);
    return told === undefined ? [] : [{ outcome: told, committed_at_ms, release: undefined }];
  });
}

function byVersion(a: Found, b: Found): number {
  return (a.outcome.step.output_version ?? -1) - (b.outcome.step.output_version ?? -1);
}

/** Gives every publish the latest time seen so far in its table, then sorts by that time; sorting is stable. */
function mergeByTime(histories: readonly Found[][]): readonly Found[] {
  const timed = histories.flatMap((history) => {
    let latest = 0;
    return history.map((found) => {
      latest = Math.max(latest, found.committed_at_ms);
      return { found, at: latest };
    });
  });
  return timed.sort((a, b) => a.at - b.at).map(({ found }) => found);
}

async function fill(ledger: Ledger, found: readonly Found[], lake: Lake): Promise<RebuildReport> {
  const releases = await releasesOf(found, lake);
  const runs = withReleaseRuns(runsOf(found), releases);
  for (const run of runs) ledger.startRun(run);
  const decisions = await findDecisions(lake);
  for (const { outcome } of found) {
    for (const decision of decisionsBefore(outcome, decisions)) ledger.recordDecision(decision);
    ledger.finishStep(outcome);
  }
  for (const decision of decisions) ledger.recordDecision(decision);
  for (const release of releases) {
    ledger.recordRelease(release);
    if (release.kept === true) ledger.keepRelease(release.release_id, true);
  }
  const tables = new Set(found.map(({ outcome }) => outcome.step.step));
  return { tables: tables.size, runs: runs.length, inputs: ledger.inputs().length, steps: found.length };
}

/** All decisions about rejected rows. */
async function findDecisions(lake: Lake): Promise<readonly DecisionRecord[]> {
  const found: DecisionRecord[] = [];
  for (const table of await lake.tables()) {
    if (table.layer !== 'quarantine' || !table.name.startsWith('decided_')) continue;
    for (const entry of await lake.history(table)) {
      const decision = decisionFrom(entry.note, entry.version);
      if (decision !== undefined) found.push(decision);
    }
  }
  return found.sort((a, b) => a.decision - b.decision);
}

/** A step names the newest decision that it took into account, an undo those that it found: they came before it, whatever the clocks said. */
function decisionsBefore({ step, undo }: StepOutcome, decisions: readonly DecisionRecord[]): readonly DecisionRecord[] {
  const table = parseTableKey(step.step);
  const applied = (table === undefined ? undefined : step.inputs[decidedInput(table)]) ?? -1;
  const newest = Math.max(applied, undo?.decisions?.up_to ?? -1);
  return decisions.filter((one) => one.table === step.step && one.decision <= newest);
}

function runsOf(found: readonly Found[]): readonly RunRecord[] {
  const runs = new Map<string, RunRecord>();
  for (const { outcome, committed_at_ms } of found) {
    const { run_id } = outcome.step;
    runs.set(run_id, toldRun(outcome.step, committed_at_ms, runs.get(run_id)));
  }
  return [...runs.values()];
}

/** A run may have recorded a release without publishing anything itself. */
function withReleaseRuns(runs: readonly RunRecord[], releases: readonly ReleaseRecord[]): readonly RunRecord[] {
  const all = [...runs];
  for (const { run_id, created_at } of releases) {
    const [first] = all;
    if (first === undefined || all.some((run) => run.run_id === run_id)) continue;
    const later = all.findIndex((run) => run.started_at > created_at);
    const run = { ...first, run_id, started_at: created_at, finished_at: created_at };
    all.splice(later < 0 ? all.length : later, 0, run);
  }
  return all;
}

/** The releases that the lake keeps; without any, those that the commits name; when they name none, one of the newest versions of the tables that we published. */
async function releasesOf(found: readonly Found[], lake: Lake): Promise<readonly ReleaseRecord[]> {
  const kept = await lake.releases();
  if (kept.length > 0) return kept;
  const named = found.flatMap(({ release }) => release ?? []);
  const last = found.at(-1);
  if (named.length > 0 || last === undefined) return named;
  const published = new Set(found.map(({ outcome }) => outcome.step.step));
  const tables: [string, number][] = [];
  for (const table of await lake.tables()) {
    const version = published.has(tableKey(table)) ? await lake.latestVersion(table) : undefined;
    if (version !== undefined) tables.push([tableKey(table), version]);
  }
  const created_at = new Date(last.committed_at_ms).toISOString();
  return [
    {
      release_id: timeSortedId(last.committed_at_ms),
      run_id: last.outcome.step.run_id,
      created_at,
      tables: Object.fromEntries(tables),
    },
  ];
}

/**
 * Puts the new file in place. The old file goes before its log, and both before the new file comes: nobody can open the old file
 * while its log is gone, and no old log is ever replayed into the new file. A crash in between leaves no ledger, which every command
 * reports as E_LEDGER_MISSING. Returns the name under which the old one was kept.
 */
function takePlace(built: string, folder: string): string | undefined {
  const place = join(folder, FILE);
  const rebuilt = `${place}.rebuilt`;
  const kept = `${FILE}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  // A copy, not a rename: this process may still have the built file open under its first name.
  copyFileSync(built, rebuilt);
  fsyncPath(rebuilt);
  const moved = ['', '-wal', '-shm'].filter((suffix) => existsSync(place + suffix));
  for (const suffix of moved) renameSync(place + suffix, join(folder, kept + suffix));
  fsyncPath(folder);
  renameSync(rebuilt, place);
  fsyncPath(folder);
  return moved.length > 0 ? kept : undefined;
}

function fsyncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
