import type { LakeStorage } from '../../core/ports/storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import type { AddAction, RemoveAction } from '../delta-actions.ts';
import { checkpointName } from '../log-listing.ts';
import type { TableState } from '../table-state.ts';
import { encodeCheckpoint } from './codec.ts';

/** The protocol's usual distance between checkpoints. */
export const CHECKPOINT_EVERY = 10;
/** A table with more files than this waits longer: for so many commits, or until a part of its files changed. */
const FILES_PER_COMMIT = 1000;
const CHANGED_PART = 1 / 20;
/** Tombstones serve other tools' clean-up, which by default keeps removed files for a week. */
const TOMBSTONE_DAYS = 30;

/**
 * Whether a checkpoint is worth its while: it takes time and space in proportion to the table, which the commits since the last one share.
 * Without one a reader reads their entries.
 */
export function isCheckpointDue({ adds }: TableState, commits: number, changes: number): boolean {
  if (commits < CHECKPOINT_EVERY) return false;
  return commits >= adds.size / FILES_PER_COMMIT || changes >= adds.size * CHANGED_PART;
}

/**
 * Writes a classic single-file checkpoint and points `_last_checkpoint` at it. Purely a help for readers: a crash in here
 * leaves a table that is whole without it.
 */
export async function writeCheckpoint(storage: LakeStorage, folder: string, state: TableState): Promise<void> {
  const { protocol, metaData } = state;
  if (protocol === undefined || metaData === undefined) return;
  faultPoint('before-checkpoint');
  const oldest = Date.now() - TOMBSTONE_DAYS * 86_400_000;
  const removes: RemoveAction[] = [];
  for (const [, remove] of state.removes) if ((remove.deletionTimestamp ?? 0) >= oldest) removes.push(remove);
  const actions = [
    { protocol },
    { metaData },
    ...Array.from(state.txns, ([, txn]) => ({ txn })),
    ...removes.map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ];
  const rows = state.adds.silent().next().done === true ? state.adds.rows : undefined;
  const bytes = await encodeCheckpoint({ actions, files: actionsOf(state), rows });
  await storage.replace(`${folder}/_delta_log/${checkpointName(state.version)}`, bytes);
  faultPoint('after-checkpoint-file');
  const pointer = {
    version: state.version,
    size: actions.length + state.adds.size,
    sizeInBytes: bytes.byteLength,
    numOfAddFiles: state.adds.size,
  };
  await storage.replace(`${folder}/_delta_log/_last_checkpoint`, Buffer.from(JSON.stringify(pointer)));
  faultPoint('after-checkpoint');
}

function* actionsOf({ adds }: TableState): Generator<AddAction> {
  for (const { action } of adds.values()) yield action;
}
