import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';
import { encodeCheckpoint } from './checkpoint-codec.ts';
import type { Action } from './delta-actions.ts';
import { checkpointName } from './log-listing.ts';
import type { TableState } from './table-state.ts';

/** The protocol's usual distance between checkpoints. */
export const CHECKPOINT_EVERY = 10;
/** Tombstones serve other tools' clean-up, which by default keeps removed files for a week. */
const TOMBSTONE_DAYS = 30;

/**
 * Writes a classic single-file checkpoint and points `_last_checkpoint` at it. Purely a help for readers: a crash in here
 * leaves a table that is whole without it.
 */
export async function writeCheckpoint(storage: LakeStorage, folder: string, state: TableState): Promise<void> {
  const { protocol, metaData } = state;
  if (protocol === undefined || metaData === undefined) return;
  faultPoint('before-checkpoint');
  const oldest = Date.now() - TOMBSTONE_DAYS * 86_400_000;
  const removes = [...state.removes.values()].filter((remove) => (remove.deletionTimestamp ?? 0) >= oldest);
  const actions: readonly Action[] = [
    { protocol },
    { metaData },
    ...[...state.txns.values()].map((txn) => ({ txn })),
    ...removes.map((remove) => ({ remove: { ...remove, dataChange: false } })),
    ...[...state.adds.values()].map(({ action }) => ({ add: { ...action, dataChange: false } })),
  ];
  const bytes = await encodeCheckpoint(actions);
  await storage.replace(`${folder}/_delta_log/${checkpointName(state.version)}`, bytes);
  faultPoint('after-checkpoint-file');
  const pointer = {
    version: state.version,
    size: actions.length,
    sizeInBytes: bytes.byteLength,
    numOfAddFiles: state.adds.size,
  };
  await storage.replace(`${folder}/_delta_log/_last_checkpoint`, Buffer.from(JSON.stringify(pointer)));
  faultPoint('after-checkpoint');
}
