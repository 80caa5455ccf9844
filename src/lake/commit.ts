import { setTimeout as sleep } from 'node:timers/promises';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { tableKey } from '../core/model/table.ts';
import type { CommitRequest, CommitResult } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';
import { commitActions, refuseUnwritable } from './commit-actions.ts';
import { serialiseLog } from './delta-actions.ts';
import { historyOf } from './history-archive.ts';
import { entryName } from './log-listing.ts';
import { lakePath } from './log-paths.ts';
import type { LogReader } from './log-reader.ts';
import { type PlacedFiles, placeFiles } from './place-files.ts';
import { dataFile, EMPTY, type TableState } from './table-state.ts';

/** Every boundary of a commit at which the kill tests strike, in the order in which a commit passes them. */
export const LAKE_FAULT_POINTS = [
  'data-fsync',
  'after-hash',
  'after-data-fsync',
  'before-move',
  'after-move',
  'after-settle',
  'before-log-create',
  'after-temp-log',
  'after-log-create',
  'after-publish',
  'before-checkpoint',
  'after-checkpoint-file',
  'after-checkpoint',
] as const;

const ATTEMPTS_MAX = 20;
const PAUSE_STEP_MS = 10;

/**
 * Publishes candidate files as the next version: hash and fsync each, move them under their final names, fsync the folders, and
 * create the log entry exclusively. That last act is the publish; whatever fails before it leaves the table as it was.
 * @throws DataflowError E_LAKE_CONFLICT, E_LAKE_IO, E_LAKE_FSYNC, E_LAKE_FEATURE, E_SCHEMA_CHANGED; whatever `fence` throws.
 */
export async function commitTo(
  storage: LakeStorage,
  folder: string,
  log: LogReader,
  request: CommitRequest,
): Promise<CommitResult> {
  if (request.mode === 'append' && request.remove.length > 0)
    throw new DataflowError('E_INTERNAL', 'an append removes nothing: use mode rewrite');
  const state = (await log.head()) ?? EMPTY;
  const done_before = await unitsDoneWhenRead(log, state, request);
  const done = judge(state, request, done_before);
  if (done !== undefined) return done;
  await refuseRival(log, state, request);
  const placed = await placeFiles(storage, folder, request);
  const outcome = { unknown: false };
  try {
    const result = await publish(storage, folder, log, request, { state, placed, done_before, outcome });
    if (result.already_done) await placed.undo();
    return result;
  } catch (error) {
    // When the answer of the last act is lost, the files may be part of the table: look it up next time, and leave them.
    if (!outcome.unknown) await placed.undo();
    throw error;
  }
}

interface Attempt {
  readonly state: TableState;
  readonly placed: PlacedFiles;
  readonly done_before: ReadonlySet<string>;
  readonly outcome: { unknown: boolean };
}

async function publish(
  storage: LakeStorage,
  folder: string,
  log: LogReader,
  request: CommitRequest,
  { state: first, placed, done_before, outcome }: Attempt,
): Promise<CommitResult> {
  let state = first;
  await storage.makeFolder(`${folder}/_delta_log`);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const version = state.version + 1;
    // Clocks jump: commit times never go back, so that "as of" follows the order of versions.
    const committed_at_ms = Math.max(Date.now(), state.committed_at_ms + 1);
    const actions = commitActions(state, request, placed.adds, committed_at_ms);
    request.fence();
    faultPoint('before-log-create');
    outcome.unknown = true;
    const created = await storage.createExclusive(`${folder}/_delta_log/${entryName(version)}`, serialiseLog(actions));
    outcome.unknown = false;
    if (created) {
      log.advance({ version, actions, committed_at_ms });
      const uriOf = (path: string): string => storage.uri(lakePath(folder, path));
      const files = placed.adds.map((action) => dataFile(log.resolve(action.path), { action, version }, uriOf));
      return {
        version,
        files,
        already_done: false,
        bytes_written: placed.adds.reduce((sum, add) => sum + add.size, 0),
      };
    }
    await sleep(Math.random() * PAUSE_STEP_MS * attempt);
    state = (await log.head()) ?? EMPTY;
    const done = judge(state, request, done_before);
    if (done !== undefined) return done;
    await refuseRival(log, state, request);
  }
  throw new DataflowError(
    'E_LAKE_CONFLICT',
    `${tableKey(request.table)} is written to by others all the time: ${ATTEMPTS_MAX} attempts lost the race`,
    {
      kept: 'every published version stays as it is; the candidate was not published',
    },
  );
}

/** Units of work of this request that the table held already when the candidate was computed. */
async function unitsDoneWhenRead(
  log: LogReader,
  state: TableState,
  request: CommitRequest,
): Promise<ReadonlySet<string>> {
  if (request.read_version === undefined || request.txns.length === 0) return new Set();
  const read =
    request.read_version === state.version ? state : await log.state(request.read_version).catch(() => undefined);
  return unitsDone(read ?? EMPTY, request);
}

function unitsDone(state: TableState, { txns }: CommitRequest): ReadonlySet<string> {
  return new Set(
    txns
      .filter(({ app_id, version }) => (state.txns.get(app_id)?.version ?? -1) >= version)
      .map(({ app_id }) => app_id),
  );
}

/** Whether the candidate may be published on top of `state`: a result when its work is done already, an error on a conflict. */
function judge(state: TableState, request: CommitRequest, done_before: ReadonlySet<string>): CommitResult | undefined {
  for (const { app_id, version } of request.expected_txns ?? []) {
    const found = state.txns.get(app_id)?.version ?? -1;
    if (found !== version)
      throw conflict(
        request,
        `stands at ${app_id} ${found}, but this commit continues ${version}: another one was faster`,
      );
  }
  const done = unitsDone(state, request);
  if (request.txns.length > 0 && done.size === new Set(request.txns.map(({ app_id }) => app_id)).size) {
    // A crash came between lake and ledger, or another machine was faster.
    return { version: state.version, files: [], already_done: true, bytes_written: 0 };
  }
  const read = request.read_version ?? -1;
  if (state.version < read)
    throw conflict(request, `went back from version ${read} to ${state.version} while the candidate was computed`);
  if (state.version !== read && request.mode === 'rewrite') {
    throw conflict(
      request,
      `is at version ${state.version} now, but the candidate was computed from ${read < 0 ? 'no version' : `version ${read}`}`,
    );
  }
  if ([...done].some((app_id) => !done_before.has(app_id)))
    throw conflict(request, 'holds a part of this work already, published by somebody else');
  refuseUnwritable(state, request);
  return undefined;
}

/**
 * What another run did to this step meanwhile is unknown to the one that made this candidate. The lock keeps them apart;
 * this is for a process that stood still between looking at its lock and publishing.
 */
async function refuseRival(log: LogReader, state: TableState, request: CommitRequest): Promise<void> {
  const read = request.read_version ?? -1;
  if (request.sole !== true || state.version <= read) return;
  const since = (await log.listing()).entries.filter((version) => version > read && version <= state.version);
  for (const entry of await log.entries(since)) {
    const { note } = historyOf(entry);
    if (note?.step === request.note.step && note.run_id !== request.note.run_id)
      throw conflict(request, `got version ${entry.version} from another run (${note.run_id}) meanwhile`);
  }
}

function conflict(request: CommitRequest, what: string): DataflowError {
  return new DataflowError('E_LAKE_CONFLICT', `${tableKey(request.table)} ${what}`, {
    kept: 'every published version stays as it is; the candidate was not published',
  });
}
