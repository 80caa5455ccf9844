import type { CheckpointCodec } from '../core/ports/checkpoint.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';
import { entryName } from './log-reader.ts';
import type { TableState } from './table-state.ts';

/**
 * Writes a classic single-file checkpoint and points `_last_checkpoint` at it. Purely a help for readers: a crash in here
 * leaves a table that is whole without it.
 */
export async function writeCheckpoint(storage: LakeStorage, codec: CheckpointCodec, folder: string, state: TableState | undefined): Promise<void> {
  if (state?.protocol === undefined || state.metaData === undefined) return;
  faultPoint('before-checkpoint');
  const adds = [...state.adds.values()].map(({ action }) => ({ add: { ...action, dataChange: false } }));
  const actions = [
    { protocol: state.protocol },
    { metaData: state.metaData },
    ...[...state.txns.values()].map((txn) => ({ txn })),
    ...[...state.removes.values()].map((remove) => ({ remove: { ...remove, dataChange: false } })),
    ...adds,
  ];
  const name = entryName(state.version).replace('.json', '.checkpoint.parquet');
  const sizeInBytes = await codec.write(actions, storage.uri(`${folder}/_delta_log/${name}`));
  const pointer = { version: state.version, size: actions.length, sizeInBytes, numOfAddFiles: adds.length };
  await storage.replace(`${folder}/_delta_log/_last_checkpoint`, Buffer.from(JSON.stringify(pointer)));
}
