import { randomUUID } from 'node:crypto';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import { tableKey } from '../core/model/table.ts';
import type { CandidateFile } from '../core/ports/engine.ts';
import type { CommitRequest, CommitResult, DataFile } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';
import { type Action, type AddAction, checkWritable, columnsOf, protocolFor, schemaString, serialiseLog, statsText } from './delta-actions.ts';
import { entryName, type LogReader } from './log-reader.ts';
import { dataFile, EMPTY, encodedPath, type TableState } from './table-state.ts';

/** Every boundary of a commit at which the kill tests strike. */
export const LAKE_FAULT_POINTS = ['data-fsync', 'after-seal', 'after-move', 'after-settle', 'before-log-create', 'after-temp-log', 'after-log-create', 'before-checkpoint'] as const;

const ATTEMPTS_MAX = 20;
const SEALS_AT_ONCE = 4;

/**
 * Publishes candidate files as the next version: hash and fsync each, move them under their final names, fsync the folders, and
 * create the log entry exclusively. That last act is the publish; whatever fails before it leaves the table as it was.
 */
export async function commitTo(storage: LakeStorage, folder: string, log: LogReader, request: CommitRequest): Promise<CommitResult> {
  let state = (await log.state()) ?? EMPTY;
  const done = alreadyDone(state, request);
  if (done !== undefined) return done;
  if (state.protocol !== undefined) checkWritable(state.protocol, tableKey(request.table));
  refuseConflict(state, request);
  const adds = await placeFiles(storage, folder, request);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const version = state.version + 1;
    const actions = actionsFor(state, request, adds);
    if (version === 0) await storage.makeFolder(`${folder}/_delta_log`);
    request.fence();
    faultPoint('before-log-create');
    if (await storage.createExclusive(`${folder}/_delta_log/${entryName(version)}`, serialiseLog(actions))) {
      log.advance(version, actions);
      const uriOf = (path: string): string => storage.uri(`${folder}/${path}`);
      const files = adds.map((add) => dataFile(decodeURIComponent(add.path), add, version, uriOf));
      return { version, files, already_done: false, bytes_written: adds.reduce((sum, add) => sum + add.size, 0) };
    }
    state = (await log.state()) ?? EMPTY;
    const raced = alreadyDone(state, request);
    if (raced !== undefined) return raced;
    refuseConflict(state, request);
    await new Promise((wake) => setTimeout(wake, Math.random() * 10 * attempt));
  }
  throw new DataflowError('E_LAKE_CONFLICT', `${tableKey(request.table)} is written to by others all the time: ${ATTEMPTS_MAX} attempts lost the race`);
}

/** All units of work are in the table: a crash came between lake and ledger, or another machine was faster. */
function alreadyDone(state: TableState, request: CommitRequest): CommitResult | undefined {
  if (request.txns.length === 0 || state.version < 0) return undefined;
  const all = request.txns.every(({ app_id, version }) => (state.txns.get(app_id)?.version ?? -1) >= version);
  return all ? { version: state.version, files: [], already_done: true, bytes_written: 0 } : undefined;
}

function refuseConflict(state: TableState, request: CommitRequest): void {
  const read = request.read_version ?? -1;
  if (state.version === read) return;
  const key = tableKey(request.table);
  if (state.version < read) throw new DataflowError('E_LAKE_CONFLICT', `${key} went back from version ${read} to ${state.version} while it was computed`);
  if (request.mode === 'append' && read >= 0) return;
  throw new DataflowError('E_LAKE_CONFLICT', `${key} is at version ${state.version} now, but the candidate was computed from ${read < 0 ? 'no version' : `version ${read}`}`, {
    kept: `version ${state.version} stays as it is; the candidate was not published`,
  });
}

async function placeFiles(storage: LakeStorage, folder: string, request: CommitRequest): Promise<readonly AddAction[]> {
  await storage.makeFolder(folder);
  const sealed = new Map<CandidateFile, string>();
  const queue = [...request.add];
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) sealed.set(file, await storage.seal(stagedPath(storage, file)));
  };
  await Promise.all(Array.from({ length: Math.min(SEALS_AT_ONCE, queue.length) }, worker));
  faultPoint('after-seal');
  const adds: AddAction[] = [];
  const folders = new Set<string>([folder]);
  for (const file of request.add) {
    const path = publishedPath(request, file);
    await storage.move(stagedPath(storage, file), `${folder}/${path}`);
    folders.add(`${folder}/${path}`.replace(/\/[^/]*$/, ''));
    adds.push({
      path: encodedPath(path),
      partitionValues: file.partition_values,
      size: file.size_bytes,
      modificationTime: Date.now(),
      dataChange: request.data_change ?? true,
      stats: statsText(file.stats),
      tags: { 'dataflow.sha256': sealed.get(file) ?? '' },
    });
  }
  faultPoint('after-move');
  await storage.settle([...folders]);
  faultPoint('after-settle');
  return adds;
}

function stagedPath(storage: LakeStorage, file: CandidateFile): string {
  const path = storage.pathOf(file.uri);
  if (path === undefined) throw new DataflowError('E_INTERNAL', `a candidate lies outside the lake: ${file.uri}`);
  return path;
}

/** Names are made here, never taken from input; partition folders are for people, the log is what counts. */
function publishedPath(request: CommitRequest, file: CandidateFile): string {
  const name = `part-${randomUUID()}.zst.parquet`;
  const folders = request.partition_by.map((column) => {
    const value = file.partition_values[column];
    return `${hiveName(column)}=${value === null || value === undefined ? '__HIVE_DEFAULT_PARTITION__' : hiveName(value)}`;
  });
  return [...folders, name].join('/');
}

/** Hive's escaping of partition folders, cut to a safe length. */
function hiveName(text: string): string {
  return text.replace(/[^\p{L}\p{N}_.-]/gu, (c) => `%${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}`).slice(0, 100) || '%00';
}

function actionsFor(state: TableState, request: CommitRequest, adds: readonly AddAction[]): readonly Action[] {
  // Clocks jump: commit times never go back, so that "as of" stays in the order of versions.
  const now = Math.max(Date.now(), state.committed_at_ms + 1);
  const dataChange = request.data_change ?? true;
  const actions: Action[] = [{ commitInfo: { timestamp: now, operation: operationOf(request), engineInfo: 'dataflow', dataflow: request.note } }];
  actions.push(...definition(state, request, now));
  for (const { app_id, version } of request.txns) actions.push({ txn: { appId: app_id, version, lastUpdated: now } });
  for (const file of request.remove) actions.push({ remove: removal(file, now, dataChange) });
  for (const add of adds) actions.push({ add });
  return actions;
}

function operationOf(request: CommitRequest): string {
  if (request.data_change === false) return 'OPTIMIZE';
  return request.mode === 'append' ? 'WRITE' : 'MERGE';
}

function definition(state: TableState, request: CommitRequest, now: number): readonly Action[] {
  const wanted = protocolFor(request.columns);
  const actions: Action[] = [];
  const protocol = state.protocol;
  if (protocol === undefined || (wanted.minReaderVersion > protocol.minReaderVersion)) actions.push({ protocol: wanted });
  const schema = schemaString(request.columns);
  const known = state.metaData;
  const same = known !== undefined && sameColumns(known.schemaString, schema, tableKey(request.table)) && JSON.stringify(known.partitionColumns) === JSON.stringify(request.partition_by);
  if (!same) {
    actions.push({
      metaData: {
        id: known?.id ?? randomUUID(),
        format: { provider: 'parquet', options: {} },
        schemaString: schema,
        partitionColumns: request.partition_by,
        configuration: known?.configuration ?? {},
        createdTime: known?.createdTime ?? now,
      },
    });
  }
  return actions;
}

function sameColumns(a: string, b: string, table: string): boolean {
  return a === b || JSON.stringify(columnsOf(a, table)) === JSON.stringify(columnsOf(b, table));
}

function removal(file: DataFile, now: number, dataChange: boolean) {
  return { path: encodedPath(file.path), deletionTimestamp: now, dataChange, extendedFileMetadata: true, partitionValues: file.partition_values, size: file.size_bytes };
}
