import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteText } from '../../kit/sql.ts';
import { bsonColumn, decimal128, namesRefused } from './bson-columns.ts';

/** Values on their way: engine → JSON → document → bytes → document. */
let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run("set TimeZone='UTC'");
});
afterAll(() => connection.closeSync());

async function fields(type: string, values: readonly string[], kept_as?: string): Promise<readonly unknown[]> {
  const column = bsonColumn({ name: 'v', type, nullable: true, ...(kept_as === undefined ? {} : { kept_as }) }, BSON);
  const rows = values.map((value, index) => `(${index}, cast(${value} as ${type}))`).join(', ');
  const sql = `select to_json(struct_pack(c0 := ${column.sql})) as line from (values ${rows}) t(i, v) order by i`;
  const found = (await connection.runAndReadAll(sql)).getRowsJson();
  return found.map(([line]) => {
    const { c0 } = JSON.parse(String(line)) as { c0?: unknown };
    return BSON.deserialize(BSON.serialize({ v: column.decode(c0) }), { promoteValues: false })['v'] as unknown;
  });
}

describe('values become what BSON has for them', () => {
  it('whole numbers, doubles, booleans, texts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), { minLength: 1 }),
        async (values) => {
          const found = await fields('bigint', values.map(String));
          expect(found.map((one) => (one instanceof BSON.Long ? one.toBigInt() : one))).toEqual(values);
        },
      ),
      { numRuns: 20 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double(), { minLength: 1 }), async (values) => {
        const literal = (one: number): string => `'${Object.is(one, -0) ? '-0.0' : String(one)}'`;
        const found = await fields('double', values.map(literal));
        expect(found.map((one) => (one instanceof BSON.Double ? one.value : one))).toEqual(values);
      }),
      { numRuns: 20 },
    );
    expect(await fields('integer', ['-2147483648', '5', 'null'])).toEqual([
      new BSON.Int32(-2147483648),
      new BSON.Int32(5),
      null,
    ]);
    expect(await fields('boolean', ['true', 'false'])).toEqual([true, false]);
    const texts = ['', 'a"b\\n\n\t\u0001é😀', '\\x41'];
    expect(await fields('varchar', texts.map(quoteText))).toEqual(texts);
  });

  it('decimals with up to 34 digits; more are refused', async () => {
    const digits = fc.tuple(
      fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }),
      fc.integer({ min: 0, max: 34 }),
    );
    fc.assert(
      fc.property(digits, ([unscaled, scale]) => {
        const sign = unscaled < 0n ? '-' : '';
        const padded = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
        const text = `${sign}${padded.slice(0, padded.length - scale)}${scale === 0 ? '' : `.${padded.slice(padded.length - scale)}`}`;
        expect(decimal128(text, BSON)).toEqual(BSON.Decimal128.fromString(text));
      }),
    );
    const nines = '9'.repeat(38);
    await expect(fields('decimal(38,0)', [nines])).rejects.toThrow('more than the 34 digits');
    expect(await fields('decimal(38,0)', [`${'9'.repeat(34)}0000`])).toEqual([
      BSON.Decimal128.fromString(`${'9'.repeat(34)}E+4`),
    ]);
    expect(String((await fields('decimal(12,2)', ['1.10']))[0])).toBe('1.10');
  });

  it('days and instants, to the millisecond; those that no date can be are refused', async () => {
    const day = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(day, { minLength: 1 }), async (values) => {
        const texts = values.map((one) => quoteText(one.toISOString()));
        expect(await fields('timestamptz', texts)).toEqual(values);
        expect(
          await fields(
            'timestamp',
            texts.map((one) => one.replace('Z', '')),
          ),
        ).toEqual(values);
        const [nested] = await fields('timestamptz[]', [`[${texts.join(', ')}]`]);
        expect(nested).toEqual(values);
        const midnights = values.map((one) => new Date(`${one.toISOString().slice(0, 10)}T00:00:00Z`));
        expect(
          await fields(
            'date',
            midnights.map((one) => quoteText(one.toISOString().slice(0, 10))),
          ),
        ).toEqual(midnights);
      }),
      { numRuns: 20 },
    );
    expect(await fields('timestamp', ["'1969-12-31 23:59:59.999999'"])).toEqual([new Date(-1)]);
    for (const type of ['date', 'timestamp', 'timestamptz', 'date[]'])
      await expect(fields(type, [type === 'date[]' ? "['infinity']" : "'-infinity'"])).rejects.toThrow('infinite');
  });

  it('bytes, UUIDs, lists, structs and maps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 50 }), async (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        const [found, nested] = [
          await fields('blob', [`unhex('${hex}')`]),
          await fields('blob[]', [`[unhex('${hex}')]`]),
        ];
        expect((found[0] as BSON.Binary).toString('hex')).toBe(hex);
        expect((nested[0] as BSON.Binary[])[0]?.toString('hex')).toBe(hex);
      }),
      { numRuns: 50 },
    );
    const uuid = '6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0';
    expect(String((await fields('varchar', [`'${uuid}'`], 'uuid'))[0])).toBe(uuid);
    const type = 'struct("a" bigint, "b" decimal(20,2)[], "c" map(varchar, double), "d" boolean)';
    const value = "{'a': 9007199254740993, 'b': [1.10, null], 'c': map {'x': 1, 'y': 'nan'::double}, 'd': false}";
    const [nested, none] = await fields(type, [value, 'null']);
    expect(BSON.EJSON.stringify(nested, { relaxed: false })).toBe(
      '{"a":{"$numberLong":"9007199254740993"},"b":[{"$numberDecimal":"1.10"},null],"c":{"x":{"$numberDouble":"1.0"},"y":{"$numberDouble":"NaN"}},"d":false}',
    );
    expect(none).toBe(null);
    await expect(fields('map(varchar, integer)', ["map {'a.b': 1}"])).rejects.toThrow('would be a path');
  });
});

it('names that would be paths or operators are refused before anything is written', () => {
  const column = (name: string, type = 'varchar') => ({ name, type, nullable: true });
  expect(namesRefused('t', [column('a.b')], [])).toContain('a.b');
  expect(namesRefused('t', [column('$set')], [])).toContain('$set');
  expect(namesRefused('t', [column('s', 'struct("x.y" integer)')], [])).toContain('x.y');
  expect(namesRefused('system.users', [column('a')], [])).toContain('system.users');
  expect(namesRefused('t', [column('_id'), column('k')], ['k'])).toContain('_id');
  expect(namesRefused('t', [column('k', 'varchar[]')], ['k'])).toContain('which no _id can be');
  expect(namesRefused('t', [column('_id'), column('x')], ['_id'])).toBeUndefined();
});
