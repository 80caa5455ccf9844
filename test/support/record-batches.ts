import { createRequire } from 'node:module';
import type { RecordBatch } from '../../src/connectors/kafka/record-batch.ts';

/** A message to be put into a batch. */
export interface GivenMessage {
  readonly offset: number;
  readonly timestamp?: number;
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

interface Encoded {
  readonly buffer: Buffer;
}

const load = createRequire(import.meta.url);
const { RecordBatch: encodeBatch } = load('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  readonly RecordBatch: (batch: Readonly<Record<string, unknown>>) => Promise<Encoded>;
};
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (
  record: Readonly<Record<string, unknown>>,
) => Encoded;

/** A record batch as the library's producer writes it: an encoder that is not ours. */
export async function encodedBatch(
  messages: readonly GivenMessage[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<Buffer> {
  const first = messages[0]?.offset ?? 0;
  const time = messages[0]?.timestamp ?? 0;
  const records = messages.map(({ offset, timestamp = time, key = null, value, headers = {} }) =>
    encodeRecord({ offsetDelta: offset - first, timestampDelta: timestamp - time, key, value, headers }),
  );
  const batch = await encodeBatch({
    records,
    firstOffset: first,
    firstTimestamp: time,
    maxTimestamp: time,
    lastOffsetDelta: (messages.at(-1)?.offset ?? 0) - first,
    ...more,
  });
  return batch.buffer;
}

/** A batch made by hand, for what reads records. */
export async function batchOf(
  read: (bytes: Buffer) => Promise<RecordBatch | { readonly damage: string }>,
  messages: readonly GivenMessage[],
): Promise<RecordBatch> {
  const batch = await read(await encodedBatch(messages));
  if ('damage' in batch) throw new Error(batch.damage);
  return batch;
}
