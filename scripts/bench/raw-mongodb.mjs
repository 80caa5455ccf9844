// A bare loop of unordered bulk writes: raw-mongodb.mjs URL DATABASE FILE. Reads NDJSON, makes documents of the same types and the same index.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Decimal128, Double, Long, MongoClient } from 'mongodb';

const BATCH = 1000;
const [url, database, file] = process.argv.slice(2);
const client = await MongoClient.connect(url);
const db = client.db(database);
await db.dropDatabase();
const collection = db.collection('factures');
let operations = [];
for await (const line of createInterface({ input: createReadStream(file) })) {
  const row = JSON.parse(line);
  const document = {
    _id: Long.fromNumber(row.id),
    id: Long.fromNumber(row.id),
    day: new Date(row.day),
    pays: row.pays,
    mode: row.mode,
    montant: Decimal128.fromString(row.montant),
    score: new Double(row.score),
    updated_at: new Date(row.updated_at),
  };
  operations.push({ insertOne: { document } });
  if (operations.length < BATCH) continue;
  await collection.bulkWrite(operations, { ordered: false });
  operations = [];
}
if (operations.length > 0) await collection.bulkWrite(operations, { ordered: false });
await collection.createIndex({ id: 1 }, { unique: true });
await client.close();
