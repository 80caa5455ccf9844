import type { FetchedPartition, KafkaClient } from './client.ts';
import { type BatchHead, batchHeads, RecordCursor, readBatch } from './record-batch.ts';
import { BrokerError } from './retry.ts';
import { AbortedFilter } from './transactions.ts';

const FETCH_BYTES = 1_000_000;

/** Where a topic ends now, by partition, whatever of it can be read yet. */
export async function writtenEnds(client: KafkaClient, topic: string): Promise<ReadonlyMap<number, number>> {
  const { leaders } = await client.topic(topic);
  return await client.offsets(topic, [...leaders.keys()], 'written');
}

/**
 * The newest value of a key in a small compacted topic, as committed transactions left it.
 * @param written how far the topic must be readable: somebody's open transaction hides what others committed behind its beginning
 * @throws BrokerError that may be tried again, while it is not
 */
export async function newestByKey(
  client: KafkaClient,
  topic: string,
  key: string,
  written: ReadonlyMap<number, number>,
): Promise<string | undefined> {
  const { leaders } = await client.topic(topic);
  const partitions = [...leaders.keys()];
  const starts = await client.offsets(topic, partitions, 'start');
  const ends = await client.offsets(topic, partitions, 'end');
  for (const [partition, next] of written)
    if ((ends.get(partition) ?? 0) < next)
      throw new BrokerError('UNSTABLE_OFFSET_COMMIT', `a transaction in ${topic} is still open`);
  let newest: string | undefined;
  for (const [partition, end] of ends) {
    let next = starts.get(partition) ?? 0;
    while (next < end) {
      const answer = await client.fetch({
        topic,
        leader: leaders.get(partition) ?? -1,
        offsets: new Map([[partition, next]]),
        wait_ms: 100,
        bytes_max: FETCH_BYTES,
        partition_bytes_max: FETCH_BYTES,
      });
      const [fetched] = answer.partitions;
      const heads = fetched === undefined ? [] : batchHeads(fetched.batches);
      if (fetched !== undefined) newest = (await newestIn(fetched, heads, key)) ?? newest;
      // Compaction may have left nothing up to the end.
      next = (heads.at(-1)?.last_offset ?? end - 1) + 1;
    }
  }
  return newest;
}

async function newestIn(
  { batches, aborted }: FetchedPartition,
  heads: readonly BatchHead[],
  key: string,
): Promise<string | undefined> {
  const filter = new AbortedFilter(aborted);
  let newest: string | undefined;
  for (const head of heads) {
    const batch = await readBatch(batches, head);
    if ('damage' in batch) throw new Error(`offset ${head.base_offset}: ${batch.damage}`);
    if (!filter.counts(batch)) continue;
    const cursor = new RecordCursor(batch);
    while (cursor.next()) {
      const own = cursor.key_from >= 0 && cursor.bytes.toString('utf8', cursor.key_from, cursor.key_to) === key;
      if (own && cursor.value_from >= 0) newest = cursor.bytes.toString('utf8', cursor.value_from, cursor.value_to);
    }
  }
  return newest;
}
