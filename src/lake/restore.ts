import { DataflowError } from '../core/errors/dataflow-error.ts';
import { tableKey } from '../core/model/table.ts';
import type { CommitResult, RestoreRequest } from '../core/ports/lake.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';
import { type Action, type AddAction, type RemoveAction, serialiseLog } from './delta-actions.ts';
import { checkWritable } from './delta-protocol.ts';
import { entryName } from './log-listing.ts';
import type { LogReader } from './log-reader.ts';
import { readableState, type TableState } from './table-state.ts';

/**
 * Brings an older version back as the next one: its files are named again, the others removed, its columns hold. No file is copied, and
 * every version in between stays. The order of the files, which is the order in which rows arrived, is that of the older version.
 */
export async function restoreTable(
  storage: LakeStorage,
  folder: string,
  log: LogReader,
  request: RestoreRequest,
): Promise<CommitResult> {
  const state = await log.state();
  if (state === undefined || state.version !== request.read_version) throw conflict(request, state?.version);
  const target = request.version < 0 ? undefined : await log.state(request.version);
  const { protocol, metaData } = readableState(state, tableKey(request.table));
  checkWritable(protocol, metaData, tableKey(request.table), { removes: true, data_change: true });
  const version = state.version + 1;
  const committed_at_ms = Math.max(Date.now(), state.committed_at_ms + 1);
  const actions = restoreActions(state, target, request, committed_at_ms);
  request.fence();
  faultPoint('before-log-create');
  if (!(await storage.createExclusive(`${folder}/_delta_log/${entryName(version)}`, serialiseLog(actions))))
    throw conflict(request, version);
  log.advance({ version, actions, committed_at_ms });
  return { version, files: [], already_done: false, bytes_written: 0 };
}

function restoreActions(
  state: TableState,
  target: TableState | undefined,
  request: RestoreRequest,
  now_ms: number,
): readonly Action[] {
  const back = [...(target?.adds ?? [])].filter(([path]) => !state.adds.has(path));
  const gone = [...state.adds].filter(([path]) => target?.adds.has(path) !== true);
  const kept = [...state.adds.keys()].filter((path) => target?.adds.has(path) === true);
  const wanted = [...(target?.adds.keys() ?? [])];
  const in_order = [...kept, ...back.map(([path]) => path)].every((path, index) => wanted[index] === path);
  const metaData = target?.metaData;
  const renewed = metaData !== undefined && JSON.stringify(metaData) !== JSON.stringify(state.metaData);
  return [
    {
      commitInfo: {
        timestamp: now_ms,
        operation: 'RESTORE',
        operationParameters: { version: String(request.version) },
        engineInfo: 'dataflow',
        dataflow: request.note,
        ...(in_order ? {} : { dataflowFileOrder: wanted }),
      },
    },
    ...(renewed ? [{ metaData }] : []),
    ...request.txns.map(({ app_id, version }) => ({ txn: { appId: app_id, version, lastUpdated: now_ms } })),
    ...gone.map(([, { action }]) => ({ remove: removal(action, now_ms) })),
    ...back.map(([, { action }]) => ({ add: { ...action, dataChange: true } })),
  ];
}

function removal(add: AddAction, now_ms: number): RemoveAction {
  return {
    path: add.path,
    deletionTimestamp: now_ms,
    dataChange: true,
    extendedFileMetadata: true,
    partitionValues: add.partitionValues,
    size: add.size,
  };
}

function conflict(request: RestoreRequest, found: number | undefined): DataflowError {
  return new DataflowError(
    'E_LAKE_CONFLICT',
    `${tableKey(request.table)} is at version ${found ?? 'none'} now, but it was to be taken back from version ${request.read_version}`,
    { kept: 'every published version stays as it is' },
  );
}
