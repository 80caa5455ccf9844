import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

const WAIT_MS = 30_000;

/**
 * Makes a topic and waits until its partitions have leaders. The library's own `waitForLeaders` gives up when the broker, which learns of a topic a
 * moment after it was made, says that it does not host it.
 */
export async function makeTopic(admin: Admin, config: ITopicConfig): Promise<void> {
  await admin.createTopics({ topics: [config], waitForLeaders: false });
  const end = Date.now() + WAIT_MS;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [config.topic] });
      const partitions = topics[0]?.partitions ?? [];
      if (partitions.length > 0 && partitions.every((one) => one.leader >= 0)) return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error(`${config.topic} has no leaders`);
    await sleep(50);
  }
}
