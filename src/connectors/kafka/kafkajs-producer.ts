import type { KafkaProducer, ProducedMessage } from './client.ts';
import { CODEC_NUMBERS, type Codec, codecOf } from './codecs.ts';
import { type ClientSettings, kafkajsOptions } from './kafkajs-options.ts';

/** A coordinator gives a transaction up after so long; then nothing of it becomes visible. */
const TRANSACTION_TIMEOUT_MS = 60_000;

/** A producer with a transactional id: a second one with the same id fences this one off. */
export async function kafkajsProducer(settings: ClientSettings, transactional_id: string): Promise<KafkaProducer> {
  const { default: kafkajs } = await import('kafkajs');
  const { CompressionCodecs, Kafka, logLevel, Partitioners } = kafkajs;
  const number = CODEC_NUMBERS[settings.compression ?? 'none'];
  const codec = await codecOf(number);
  if (codec !== undefined) CompressionCodecs[number as 2 | 3 | 4] = () => libraryCodec(codec);
  const kafka = new Kafka({ ...kafkajsOptions(settings), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: transactional_id,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 5000 },
  });
  await producer.connect();
  return {
    // The id is taken with the first transaction; one without messages leaves no trace.
    fence: async () => {
      await (await producer.transaction()).abort();
    },
    transaction: async (batches) => {
      const transaction = await producer.transaction();
      try {
        await transaction.sendBatch({
          compression: number,
          topicMessages: batches.map(({ topic, messages }) => ({ topic, messages: messages.map(libraryMessage) })),
        });
        await transaction.commit();
      } catch (error) {
        // The reason is the first failure; what the coordinator says to the end of it adds nothing.
        if (transaction.isActive()) await transaction.abort().catch(() => undefined);
        throw error;
      }
    },
    close: () => producer.disconnect(),
  };
}

function libraryMessage({ partition, key, value, headers }: ProducedMessage) {
  return {
    key,
    value,
    ...(partition === undefined ? {} : { partition }),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  };
}

function libraryCodec(codec: Codec) {
  return {
    compress: (encoder: { readonly buffer: Buffer }) => codec.compress(encoder.buffer),
    decompress: (bytes: Buffer) => codec.decompress(bytes),
  };
}
