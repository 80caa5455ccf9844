import type { AddAction, MetaDataAction, ProtocolAction } from '../delta-actions.ts';
import { entryName } from '../log-listing.ts';
import type { TableState } from '../table-state.ts';

/** The first thing in which a checkpoint and the entries before it differ; undefined when they tell the same. Tombstones may be fewer. */
export function checkpointDifference(replayed: TableState, checkpoint: TableState): string | undefined {
  const at = `the checkpoint of version ${checkpoint.version}`;
  for (const [path, { action, version }] of replayed.adds) {
    const other = checkpoint.adds.get(path)?.action;
    const entry = version === undefined ? 'the log' : entryName(version);
    if (other === undefined) return `${at} lacks the file ${path}, which ${entry} has`;
    if (fingerprint(action) !== fingerprint(other))
      return `${at} describes the file ${path} otherwise than ${entry} does`;
  }
  for (const path of checkpoint.adds.keys())
    if (!replayed.adds.has(path)) return `${at} holds the file ${path}, which the log does not`;
  if (table(replayed.metaData) !== table(checkpoint.metaData)) return `${at} has other metadata than the log`;
  if (protocol(replayed.protocol) !== protocol(checkpoint.protocol)) return `${at} has another protocol than the log`;
  for (const [app_id, { version }] of replayed.txns) {
    if (checkpoint.txns.get(app_id)?.version !== version) return `${at} has another txn of ${app_id} than the log`;
  }
  return undefined;
}

function fingerprint({ size, partitionValues, stats, tags }: AddAction): string {
  return JSON.stringify([size, sorted(partitionValues), stats ?? null, sorted(tags)]);
}

function table(metaData: MetaDataAction | undefined): string {
  return JSON.stringify([metaData?.id, metaData?.schemaString, metaData?.partitionColumns]);
}

function protocol(one: ProtocolAction | undefined): string {
  return JSON.stringify([one?.minReaderVersion, one?.minWriterVersion]);
}

function sorted(map: Readonly<Record<string, string | null>> | null | undefined): unknown {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}
