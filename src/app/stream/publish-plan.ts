import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { StreamPosition, StreamSpec } from '../../core/model/stream.ts';
import { parseTableKey } from '../../core/model/table.ts';
import type { Lake, Snapshot } from '../../core/ports/lake.ts';

export async function snapshotAt(lake: Lake, key: string, version: number): Promise<Snapshot | undefined> {
  const table = parseTableKey(key);
  return table === undefined ? undefined : await lake.snapshot(table, { version });
}

/** From the beginning, but with numbers that go on. */
export function restarted(found: StreamPosition | undefined): StreamPosition | undefined {
  return found === undefined ? undefined : { ...found, version: -1, version_committed_at_ms: 0, target: -1, done: 0 };
}

/** The system knows best, since its positions come with the messages. The ledger remembers when it has forgotten. */
export function newest(
  found: StreamPosition | undefined,
  known: StreamPosition | undefined,
  { from, topic }: StreamSpec,
): StreamPosition | undefined {
  if (found === undefined && known?.topic === topic)
    throw new DataflowError(
      'E_STREAM_POSITION',
      `the positions of ${topic} are gone, although version ${known.version} of ${from} was published`,
      { hint: 'Restore the topic dataflow-positions, or publish everything again with --full.' },
    );
  if (found !== undefined && found.table !== from)
    throw new DataflowError('E_STREAM_POSITION', `the stream published ${found.table} so far, not ${from}`, {
      hint: 'Give the stream another name, or publish everything with --full.',
    });
  if (found !== undefined && known?.topic === topic && known.sequence > found.sequence)
    throw new DataflowError(
      'E_STREAM_POSITION',
      `transaction ${known.sequence} of the stream was committed, but the position of ${topic} stands at ${found.sequence}`,
      {
        hint: 'Try again in a minute; if it stays so, the brokers lost messages: publish everything again with --full.',
      },
    );
  return found;
}

/** One step of publishing: from a version, or nothing, to another. */
export interface PublishPlan {
  readonly before: Snapshot | undefined;
  readonly target: Snapshot;
  readonly done: number;
}

export async function planOf(
  { lake }: { readonly lake: Lake },
  { from }: StreamSpec,
  position: StreamPosition | undefined,
  after: Snapshot,
): Promise<PublishPlan> {
  if (position === undefined || (position.version < 0 && position.target < 0))
    return { before: undefined, target: after, done: 0 };
  const before = position.version < 0 ? undefined : await snapshotAt(lake, from, position.version);
  const anew =
    Math.max(position.version, position.target) > after.version ||
    (before !== undefined && before.committed_at_ms !== position.version_committed_at_ms);
  if (anew) throw madeAnew(from, Math.max(position.version, position.target));
  if (position.target === position.version) return { before, target: after, done: 0 };
  const target = await snapshotAt(lake, from, position.target);
  if (target !== undefined && (position.target_committed_at_ms ?? target.committed_at_ms) !== target.committed_at_ms)
    throw madeAnew(from, position.target);
  return target === undefined ? { before, target: after, done: 0 } : { before, target, done: position.done };
}

function madeAnew(from: string, version: number): DataflowError {
  return new DataflowError(
    'E_STREAM_POSITION',
    `version ${version} of ${from} was published, but the table was made anew since then`,
    { hint: 'Publish everything again with --full.' },
  );
}

export function otherOrder({ from }: StreamSpec, version: number): DataflowError {
  return new DataflowError(
    'E_STREAM_POSITION',
    `version ${version} of ${from} was half published when the way its messages are made was changed`,
    {
      hint: 'Put `key` and `deletions` of the stream back until that version is out, or publish everything again with --full.',
    },
  );
}
