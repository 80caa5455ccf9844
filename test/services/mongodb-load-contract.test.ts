import { type Document, MongoClient } from 'mongodb';
import { sinkContract } from '../../src/connectors/testing/sink-contract.ts';
import { describeService, uniqueName } from './service.ts';

describeService('mongodb', ({ url }) => {
  sinkContract('mongodb', async () => {
    const client = await MongoClient.connect(url);
    const database = uniqueName('sink');
    const db = client.db(database);
    const password = 'L0ad-sesame-4712';
    const text = (name: string, value: unknown): string | null => {
      if (value === null || value === undefined) return null;
      if (value instanceof Date) return name === 'day' ? value.toISOString().slice(0, 10) : value.toISOString();
      return String(value);
    };
    return {
      connection: { type: 'mongodb', url, database: 'elsewhere' },
      load: { database },
      whole_release: true,
      modes: ['upsert', 'append', 'replace'],
      second_digits: 3,
      rows: async (table) => {
        if ((await db.listCollections({ name: table }).toArray()).length === 0) return undefined;
        const documents = await db
          .collection(table)
          .find({}, { projection: { _id: 0 } })
          .toArray();
        return documents.map((one) =>
          Object.fromEntries(Object.entries(one).map(([name, value]) => [name, text(name, value)])),
        );
      },
      tamper: async (table) => {
        const collection = db.collection<Document & { _id: number }>(table);
        await collection.deleteOne({ _id: 1 });
        await collection.updateOne({ _id: 2 }, { $set: { name: 'x' } });
        await collection.insertOne({ _id: 999_999, id: 999_999 });
      },
      drop: async (table) => {
        await db.dropCollection(table);
      },
      reset: async () => {
        await db.dropDatabase();
      },
      secrets: [password],
      broken: { type: 'mongodb', url: `mongodb://loader:${password}@127.0.0.1:9/`, database, connect_timeout_s: 1 },
      close: async () => {
        await db.dropDatabase();
        await client.close();
      },
    };
  });
});
