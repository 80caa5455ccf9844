import { createHash } from 'node:crypto';
import type { Db } from 'mongodb';
import type { Comparison, OutRows, SinkTable } from '../../core/ports/sink.ts';
import { outDocuments } from './out-documents.ts';

const SAMPLES = 3;
const BATCH = { documents_max: 1000, bytes_max: 4 * 1024 * 1024 };

/** Compares by `_id`, byte by byte; a table without key as a bag of rows. */
export async function compareCollection(
  database: Db,
  bson: typeof import('mongodb').BSON,
  table: SinkTable,
  rows: OutRows,
): Promise<Comparison> {
  let refused = 0;
  const refuse = (): void => {
    refused += 1;
  };
  const lake = outDocuments(rows, { bson, table, brought_by: {}, refuse, ...BATCH });
  const found =
    table.key.length === 0 ? await asBags(database, bson, table, lake) : await byKey(database, bson, table, lake);
  const { rows_lake, only_lake, ...rest } = found;
  // What no document can be is not there.
  return { ...rest, rows_lake: rows_lake + refused, only_lake: only_lake + refused };
}

type Lake = ReturnType<typeof outDocuments>;

async function byKey(
  database: Db,
  bson: typeof import('mongodb').BSON,
  { name }: SinkTable,
  lake: Lake,
): Promise<Comparison> {
  const collection = database.collection(name);
  let [rows_lake, matched] = [0, 0];
  const samples: string[] = [];
  for await (const { documents } of lake) {
    const ids = documents.map((one) => one['_id'] as unknown);
    const there = new Map<string, Buffer>();
    for await (const raw of collection.find(
      { _id: { $in: ids as never[] } },
      { raw: true },
    ) as unknown as AsyncIterable<Uint8Array>) {
      const bytes = Buffer.from(raw);
      there.set(idText(bson, bson.deserialize(bytes, { promoteValues: false })['_id']), sorted(bson, bytes));
    }
    for (const document of documents) {
      rows_lake += 1;
      const bytes = bson.serialize(document);
      const id = idText(bson, bson.deserialize(bytes, { promoteValues: false })['_id']);
      const found = there.get(id);
      if (found?.equals(sorted(bson, bytes)) === true) matched += 1;
      else {
        if (samples.length < SAMPLES) samples.push(`${id}: ${found === undefined ? 'only in the lake' : 'differs'}`);
      }
    }
  }
  const rows_there = await collection.countDocuments({}, { hint: '_id_' }).catch(() => 0);
  return { rows_lake, rows_there, only_lake: rows_lake - matched, only_there: rows_there - matched, samples };
}

function idText(bson: typeof import('mongodb').BSON, id: unknown): string {
  return bson.EJSON.stringify({ id }, { relaxed: false });
}

/** Fields in the order of their names: a document that was made before a column came has it elsewhere. */
function sorted(bson: typeof import('mongodb').BSON, bytes: Uint8Array): Buffer {
  const document = bson.deserialize(bytes, { promoteValues: false });
  const names = Object.keys(document).sort();
  return Buffer.from(bson.serialize(Object.fromEntries(names.map((name) => [name, document[name] as unknown]))));
}

/** Memory for one hash a row: such tables have no key that could be asked for. */
async function asBags(
  database: Db,
  bson: typeof import('mongodb').BSON,
  { name }: SinkTable,
  lake: Lake,
): Promise<Comparison> {
  const hashOf = (bytes: Uint8Array): string => {
    const { _id, ...rest } = bson.deserialize(bytes, { promoteValues: false });
    return createHash('md5')
      .update(sorted(bson, bson.serialize(rest)))
      .digest('base64');
  };
  const bag = new Map<string, number>();
  let [rows_lake, rows_there, matched] = [0, 0, 0];
  for await (const { documents } of lake)
    for (const document of documents) {
      rows_lake += 1;
      const hash = hashOf(bson.serialize(document));
      bag.set(hash, (bag.get(hash) ?? 0) + 1);
    }
  for await (const raw of database.collection(name).find({}, { raw: true }) as unknown as AsyncIterable<Uint8Array>) {
    rows_there += 1;
    const hash = hashOf(raw);
    const left = bag.get(hash) ?? 0;
    if (left === 0) continue;
    matched += 1;
    bag.set(hash, left - 1);
  }
  return { rows_lake, rows_there, only_lake: rows_lake - matched, only_there: rows_there - matched, samples: [] };
}
