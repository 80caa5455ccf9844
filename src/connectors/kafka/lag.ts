import type { Outlook } from '../../core/ports/pulled-source.ts';
import type { KafkaClient } from './client.ts';
import type { TopicPlan } from './pull.ts';
import { batchHeads, readBatch } from './record-batch.ts';

/** How far the lake is behind the topic. */
export function lagOf(starts: ReadonlyMap<number, number>, ends: ReadonlyMap<number, number>, topic: string): Outlook {
  const behind = [...ends].map(([partition, end]) => end - (starts.get(partition) ?? end)).filter((count) => count > 0);
  const records = behind.reduce((sum, count) => sum + count, 0);
  if (records === 0) return { pending: 'none', records: 0, words: `topic ${topic}: nothing new` };
  const where = behind.length === 1 ? '' : ` in ${behind.length} partitions`;
  return {
    pending: 'some',
    records,
    // Markers of transactions and what was compacted away have offsets, too.
    words: `topic ${topic}: up to ${records.toLocaleString('en')} ${records === 1 ? 'message' : 'messages'} behind${where}`,
  };
}

/** Age of the oldest message that waits; undefined when no answer came with one. */
export async function oldestOf(
  client: KafkaClient,
  topic: string,
  { starts, ends, facts }: TopicPlan,
  now_ms: number,
): Promise<number | undefined> {
  let oldest: number | undefined;
  for (const [partition, end] of ends) {
    const from = starts.get(partition) ?? end;
    const leader = facts.leaders.get(partition) ?? -1;
    if (from >= end || leader < 0) continue;
    const { partitions } = await client.fetch({
      topic,
      leader,
      offsets: new Map([[partition, from]]),
      wait_ms: 0,
      bytes_max: 1,
      partition_bytes_max: 1,
    });
    for (const { batches } of partitions) {
      const [head] = batchHeads(batches);
      const batch = head === undefined ? undefined : await readBatch(batches, head);
      if (batch === undefined || 'damage' in batch) continue;
      const age = now_ms - (batch.append_timestamp ?? batch.base_timestamp);
      oldest = oldest === undefined ? age : Math.max(oldest, age);
    }
  }
  return oldest;
}
