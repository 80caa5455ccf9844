import { BSON, type Document, MongoClient } from 'mongodb';
import { sourceContract } from '../../src/connectors/testing/source-contract.ts';
import { describeService, uniqueName } from './service.ts';

const { Decimal128, Long, ObjectId, Binary, Double, Int32, UUID } = BSON;

/** Extreme values of each type: what the collection has, as which type it is declared, and what the lake has. */
const TYPES: readonly (readonly [field: string, type: string, value: unknown, expected: unknown])[] = [
  ['max', 'bigint', Long.fromString('9223372036854775807'), '9223372036854775807'],
  ['min', 'bigint', Long.fromString('-9223372036854775808'), '-9223372036854775808'],
  ['small', 'integer', new Int32(-2147483648), -2147483648],
  ['double', 'double', new Double(1.7976931348623157e308), 1.7976931348623157e308],
  ['tiny', 'double', new Double(5e-324), 5e-324],
  ['tenth', 'double', new Double(0.1), 0.1],
  [
    'money',
    'decimal(34,10)',
    Decimal128.fromString('-123456789012345678901234.1234567890'),
    '-123456789012345678901234.1234567890',
  ],
  ['cents', 'decimal(12,2)', Decimal128.fromString('1.10'), '1.10'],
  ['date', 'timestamptz', new Date('9999-12-31T23:59:59.999Z'), '9999-12-31T23:59:59.999Z'],
  ['before', 'timestamptz', new Date(-1), '1969-12-31T23:59:59.999Z'],
  ['object_id', 'varchar', new ObjectId('507f1f77bcf86cd799439011'), '507f1f77bcf86cd799439011'],
  ['uuid', 'uuid', new UUID('6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'), '6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'],
  ['blob', 'blob', new Binary(Buffer.from([0xde, 0xad, 0]), 0), '\\xDE\\xAD\\x00'],
  ['yes', 'boolean', true, true],
  ['text', 'varchar', 'a"b,\n é\t', 'a"b,\n é\t'],
  ['empty', 'varchar', '', ''],
  ['none', 'varchar', null, null],
  ['nested', 'json', { a: [1, { b: Decimal128.fromString('1.10') }] }, '{"a":[1,{"b":"1.10"}]}'],
];

/** Values that do not fit the declared column: each puts its row into quarantine. */
const REFUSED: readonly Document[] = [
  { cents: Decimal128.fromString('NaN') },
  { cents: Decimal128.fromString('1E+20') },
  { money: 'a lot' },
  { max: new Double(1.5) },
];

describeService('mongodb', ({ url }) => {
  for (const way of ['cursor', 'snapshot', 'stream'] as const)
    sourceContract(`mongodb by ${way}`, async () => {
      const database = uniqueName('contract');
      const client = await MongoClient.connect(url);
      const collection = client.db(database).collection<Document>('t');
      let next = 0;
      const add = async (documents: readonly Document[]): Promise<void> => {
        const numbered = documents.map((document) => ({ ...document, n: ++next, updated_at: new Date() }));
        await collection.insertMany(numbered);
      };
      await add([Object.fromEntries(TYPES.map(([field, , value]) => [field, value])), ...REFUSED]);
      await add(Array.from({ length: 300 }, (_, index) => ({ text: `row ${index}` })));
      const large = client.db(database).collection('large');
      for (let part = 0; part < 20; part += 1)
        await large.insertMany(Array.from({ length: 10_000 }, (_, index) => ({ index, text: 'x'.repeat(300) })));
      const declared = {
        ...Object.fromEntries(TYPES.map(([field, type]) => [field, type])),
        _id: 'varchar',
        n: 'bigint',
        updated_at: 'timestamptz',
        ...(way === 'stream' ? { _op: 'varchar', _at: 'timestamptz' } : {}),
      };
      const ways = {
        cursor: { cursor: { field: 'updated_at', overlap: '5m' } },
        snapshot: {},
        stream: { change_stream: true },
      };
      const source = {
        type: 'mongodb',
        connection: 'ops',
        collection: 't',
        columns: declared,
        batch: { records: 90, wait: '300ms' },
        ...ways[way],
      };
      return {
        source,
        connections: { ops: { type: 'mongodb', url: '${MONGO_URL}', database } },
        env: { MONGO_URL: url },
        key: 'n',
        records: () => collection.countDocuments(),
        add: (records) => add(Array.from({ length: records }, (_, index) => ({ text: `more ${index}` }))),
        types: {
          sql: `select ${TYPES.map(([field]) => `"${field}"`).join(', ')} from bronze.s where n = 1`,
          expected: [Object.fromEntries(TYPES.map(([field, , , expected]) => [field, expected]))],
        },
        secrets: ['hush-hush-4711'],
        broken: {
          source,
          connections: {
            ops: { type: 'mongodb', url: 'mongodb://eve:hush-hush-4711@127.0.0.1:9/', database, connect_timeout_s: 1 },
          },
        },
        large: { source: { type: 'mongodb', connection: 'ops', collection: 'large' }, memory_bytes_max: 900_000_000 },
        close: async () => {
          await client.db(database).dropDatabase();
          await client.close();
        },
      };
    });
});
