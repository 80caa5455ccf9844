import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { TableId } from '../../core/model/table.ts';
import type { LogProblem, LogReport } from '../../core/ports/lake-care.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import { readCheckpoint } from '../checkpoint/reader.ts';
import { archivedHistory } from '../history-archive.ts';
import { entryName, type LogListing } from '../log-listing.ts';
import { lakePath } from '../log-paths.ts';
import { LogReader, type VersionEntry } from '../log-reader.ts';
import { EMPTY, replay, stateOf, type TableState } from '../table-state.ts';
import { checkpointDifference } from './compare-checkpoint.ts';
import { orphansOf } from './orphans.ts';
import { ReplayedLog } from './replayed.ts';

const READS_AT_ONCE = 16;

/**
 * Reads a whole log: each entry and each checkpoint is decoded, each checkpoint is held against what the entries before it say, and
 * versions that are missing are named. Damage is reported, never thrown, and what comes after it is still read.
 */
export async function examineLog(storage: LakeStorage, folder: string, table: TableId): Promise<LogReport> {
  const log = new LogReader(storage, folder);
  const listing = await log.listing();
  const problems: LogProblem[] = [];
  const entries = await readEntries(log, folder, listing, problems);
  const checkpoints = await readCheckpoints(storage, folder, log, listing, entries, problems);
  const replayed = new ReplayedLog(log.resolve, (path) => storage.uri(lakePath(folder, path)));
  const collected = await collectedVersions(storage, folder, problems);
  const state = walk({ folder, log, listing, entries, checkpoints, collected, problems }, replayed);
  await checkPointer(storage, folder, listing, problems);
  return {
    table,
    folder,
    versions: replayed.versions,
    files: replayed.files(),
    txns: new Map([...state.txns].map(([app_id, { version }]) => [app_id, version])),
    collected,
    problems,
    orphans: await orphansOf(storage, folder, log, entries, replayed.files(), state),
  };
}

interface Decoded {
  readonly folder: string;
  readonly log: LogReader;
  readonly listing: LogListing;
  readonly entries: ReadonlyMap<number, VersionEntry>;
  readonly checkpoints: ReadonlyMap<number, TableState>;
  /** Versions whose entries went when they were old. */
  readonly collected: ReadonlySet<number>;
  readonly problems: LogProblem[];
}

/** From the oldest version to the newest; where the chain is broken it starts again at the next checkpoint. */
function walk(decoded: Decoded, replayed: ReplayedLog): TableState {
  const { folder, log, listing, entries, checkpoints, problems } = decoded;
  let state: TableState = EMPTY;
  let pending: VersionEntry[] = [];
  let known: number | undefined = -1;
  const first = Math.min(...listing.entries.slice(0, 1), ...checkpoints.keys(), listing.newest);
  for (let version = Math.max(0, first); version <= listing.newest; version++) {
    const entry = entries.get(version);
    const checkpoint = checkpoints.get(version);
    if (entry !== undefined && known === version - 1) {
      replayed.advance(entry);
      pending.push(entry);
      known = version;
      // The immutable state is needed only where a checkpoint can be held against it, and at the end.
      if (checkpoint === undefined && version < listing.newest) continue;
      state = replay(state, pending, version, log.resolve);
      pending = [];
      const difference = checkpoint === undefined ? undefined : checkpointDifference(state, checkpoint);
      if (difference !== undefined) problems.push(problem('difference', folder, version, listing, difference));
    } else if (checkpoint !== undefined) {
      replayed.restart(checkpoint, entry);
      state = checkpoint;
      pending = [];
      known = version;
    } else {
      const lost = missing(version, decoded, known === -1);
      if (lost !== undefined) problems.push(problem('gap', folder, lost.version, listing, lost.message));
      replayed.lose();
      known = undefined;
    }
  }
  return state;
}

/** What is missing where a version cannot be read; undefined when it was collected, or when damage told elsewhere is the cause. */
function missing(
  version: number,
  { entries, listing, collected }: Decoded,
  at_the_start: boolean,
): { readonly version: number; readonly message: string } | undefined {
  if (collected.has(version)) return undefined;
  if (!listing.entries.includes(version)) return { version, message: `version ${version} is missing from the log` };
  if (at_the_start && version > 0 && entries.has(version))
    return {
      version: 0,
      message: `${before(version)} missing from the log: no later one can be read, up to the next checkpoint`,
    };
  return undefined;
}

function before(version: number): string {
  return version === 1 ? 'version 0 is' : `versions 0 to ${version - 1} are`;
}

async function collectedVersions(
  storage: LakeStorage,
  folder: string,
  problems: LogProblem[],
): Promise<ReadonlySet<number>> {
  try {
    return new Set((await archivedHistory(storage, folder)).map((entry) => entry.version));
  } catch (error) {
    if (!isDamage(error)) throw error;
    problems.push({ kind: 'history', path: error.place?.file ?? folder, version: -1, message: error.message });
    return new Set();
  }
}

async function readEntries(
  log: LogReader,
  folder: string,
  listing: LogListing,
  problems: LogProblem[],
): Promise<ReadonlyMap<number, VersionEntry>> {
  const found = new Map<number, VersionEntry>();
  const read = async (version: number): Promise<void> => {
    try {
      const { entry, altered } = await log.examined(version);
      found.set(version, entry);
      if (!altered) return;
      const message = `the log entry ${folder}/_delta_log/${entryName(version)} is not as it was written`;
      problems.push(problem('entry', folder, version, listing, message));
    } catch (error) {
      if (!isDamage(error)) throw error;
      problems.push(problem('entry', folder, version, listing, error.message));
    }
  };
  for (let at = 0; at < listing.entries.length; at += READS_AT_ONCE)
    await Promise.all(listing.entries.slice(at, at + READS_AT_ONCE).map(read));
  return found;
}

async function readCheckpoints(
  storage: LakeStorage,
  folder: string,
  log: LogReader,
  listing: LogListing,
  entries: ReadonlyMap<number, VersionEntry>,
  problems: LogProblem[],
): Promise<ReadonlyMap<number, TableState>> {
  const found = new Map<number, TableState>();
  for (const [version, names] of listing.checkpoints) {
    try {
      const paths = names.map((name) => `${folder}/_delta_log/${name}`);
      const content = await readCheckpoint(storage, paths, log.resolve);
      const committed_at_ms = entries.get(version)?.committed_at_ms ?? 0;
      const base = stateOf(content, { version, committed_at_ms }, log.resolve);
      if (base.protocol === undefined || base.metaData === undefined)
        throw new DataflowError('E_LAKE_CORRUPT', `the checkpoint of version ${version} has no protocol or metadata`);
      found.set(version, base);
    } catch (error) {
      if (!isDamage(error)) throw error;
      problems.push(problem('checkpoint', folder, version, listing, error.message));
    }
  }
  return found;
}

function isDamage(error: unknown): error is DataflowError {
  return error instanceof DataflowError && ['E_LAKE_CORRUPT', 'E_LAKE_NO_VERSION'].includes(error.code);
}

/** `_last_checkpoint` is a hint, but some readers trust it. */
async function checkPointer(
  storage: LakeStorage,
  folder: string,
  listing: LogListing,
  problems: LogProblem[],
): Promise<void> {
  const path = `${folder}/_delta_log/_last_checkpoint`;
  const bytes = await storage.read(path);
  if (bytes === undefined) return;
  let version = -1;
  try {
    const said: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof said === 'object' && said !== null && 'version' in said) version = Number(said.version);
  } catch {
    // told below: no version
  }
  if (listing.checkpoints.has(version)) return;
  const message =
    version < 0
      ? `${path} is not readable JSON`
      : `${path} names a checkpoint of version ${version}, which is not there`;
  problems.push({ kind: 'pointer', path, version, message });
}

function problem(
  kind: LogProblem['kind'],
  folder: string,
  version: number,
  listing: LogListing,
  message: string,
): LogProblem {
  const name =
    kind === 'checkpoint' || kind === 'difference' ? (listing.checkpoints.get(version)?.[0] ?? '') : entryName(version);
  return { kind, path: `${folder}/_delta_log/${name}`, version, message };
}
