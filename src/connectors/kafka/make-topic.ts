import type { Admin, ITopicConfig } from 'kafkajs';

const WAIT_MS = 30_000;
const PAUSE_MS = 50;

/**
 * Makes a topic, if it is not there, and waits until the leader of each partition knows it. The library's own `waitForLeaders` gives up when a broker,
 * which learns of a topic a moment after it was made, says that it does not host it; a batch that is sent meanwhile may be taken by one leader only,
 * and be sent to it again.
 */
export async function makeTopic(admin: Admin, config: ITopicConfig): Promise<void> {
  await admin.createTopics({ topics: [config], waitForLeaders: false });
  const end = performance.now() + WAIT_MS;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [config.topic] });
      const partitions = topics[0]?.partitions ?? [];
      if (partitions.length > 0 && partitions.every((one) => one.leader >= 0)) {
        await admin.fetchTopicOffsets(config.topic);
        return;
      }
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    if (performance.now() > end) throw new Error(`${config.topic} has no leaders`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
