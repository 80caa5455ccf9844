// Reads a topic to its end with the plain client and does nothing with it: raw-kafka.mjs BROKER TOPIC MESSAGES
import { Kafka, logLevel } from 'kafkajs';

const [broker, topic, messages] = process.argv.slice(2);
const client = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
const consumer = client.consumer({ groupId: `raw-${process.pid}`, maxBytesPerPartition: 8_000_000 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
let count = 0;
await new Promise((done) => {
  void consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      count += batch.messages.length;
      if (count >= Number(messages)) done();
    },
  });
});
process.exit(0);
