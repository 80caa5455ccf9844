import { Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { makeTopic } from '../../src/connectors/kafka/make-topic.ts';
import { describeService, uniqueName } from './service.ts';

describeService('kafka', ({ url }) => {
  it('gives back the messages of a topic', async () => {
    const topic = uniqueName('orders');
    const client = new Kafka({ brokers: [url], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    const producer = client.producer({ idempotent: true });
    const consumer = client.consumer({ groupId: uniqueName('group') });
    await Promise.all([admin.connect(), producer.connect(), consumer.connect()]);
    try {
      await makeTopic(admin, { topic, numPartitions: 2 });
      await producer.send({
        topic,
        messages: [
          { value: 'one', partition: 0 },
          { value: 'two', partition: 1 },
        ],
      });
      await consumer.subscribe({ topic, fromBeginning: true });
      const values = await new Promise<string[]>((resolve) => {
        const seen: string[] = [];
        void consumer.run({
          eachMessage: async ({ message }) => {
            seen.push(String(message.value));
            if (seen.length === 2) resolve(seen);
          },
        });
      });
      expect(values.sort()).toEqual(['one', 'two']);
    } finally {
      await Promise.all([admin.disconnect(), producer.disconnect(), consumer.disconnect()]);
    }
  });
});
