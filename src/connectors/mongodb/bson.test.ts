import fc from 'fast-check';
import { BSON, type Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { documentRows } from './document-rows.ts';
import { canonicalDocument } from './json-text.ts';

const { EJSON, Decimal128, Long, ObjectId, Binary, Timestamp, Double, Int32, BSONRegExp, Code, MinKey, MaxKey, UUID } =
  BSON;

const bytesOf = (document: Document): Buffer => Buffer.from(BSON.serialize(document));
const rowsOf = (document: Document, nested: 'json' | 'flatten' | { unwind: string } = 'json') =>
  documentRows(bytesOf(document), { nested, document: false }).map((row) => row.slice(0, -1));

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.double().map((n) => new Double(n)),
  fc.integer().map((n) => new Int32(n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => Long.fromBigInt(n)),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 20 }).map((b) => new Binary(b, 0)),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((b) => new ObjectId(b)),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }), fc.integer({ min: -6176, max: 6111 }))
    .map(([digits, exponent]) => Decimal128.fromString(`${digits}E${exponent}`)),
  fc.constantFrom(...['NaN', 'Infinity', '-Infinity', '-0', '0E+3', '1.10'].map((text) => Decimal128.fromString(text))),
  fc.constantFrom(
    new MinKey(),
    new MaxKey(),
    new Timestamp({ t: 4294967295, i: 7 }),
    new BSONRegExp('^a/', 'im'),
    new Code('f()'),
  ),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-zé. "]{1,5}$/), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('documents', () => {
  it('are canonical extended JSON exactly as the driver writes it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-zé. "]{1,5}$/), value, { maxKeys: 6 }), (document) => {
        const bytes = bytesOf(document);
        const typed = BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
        expect(JSON.parse(canonicalDocument(bytes))).toEqual(JSON.parse(EJSON.stringify(typed, { relaxed: false })));
        expect(BSON.serialize(EJSON.parse(canonicalDocument(bytes), { relaxed: false }))).toEqual(
          BSON.serialize(typed),
        );
      }),
    );
  });

  it('become rows with every number and text as it is', () => {
    const document = {
      _id: new ObjectId('507f1f77bcf86cd799439011'),
      big: Long.fromString('9223372036854775807'),
      low: Long.fromString('-9223372036854775808'),
      n: new Int32(-5),
      x: new Double(5),
      y: new Double(0.1),
      zero: new Double(-0),
      nan: new Double(Number.NaN),
      money: Decimal128.fromString('12345678901234567890.1200'),
      at: new Date('2020-01-01T00:00:00.123Z'),
      blob: new Binary(Buffer.from([0xde, 0xad]), 0),
      id: new UUID('6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0'),
      stamp: new Timestamp({ t: 5, i: 6 }),
      like: new BSONRegExp('^a', 'i'),
      none: null,
      in: { a: [1, { b: 'é"' }] },
    };
    expect(rowsOf(document)).toEqual([
      '{"_id":"507f1f77bcf86cd799439011","big":9223372036854775807,"low":-9223372036854775808,"n":-5,"x":5.0,"y":0.1,"zero":-0.0,"nan":"NaN",' +
        '"money":"12345678901234567890.1200","at":"2020-01-01T00:00:00.123Z","blob":"\\\\xde\\\\xad","id":"6f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0",' +
        '"stamp":"5:6","like":"/^a/i","none":null,"in":"{\\"a\\":[1,{\\"b\\":\\"é\\\\\\"\\"}]}"}',
    ]);
  });

  it('are flattened or unwound', () => {
    const document = { _id: 1, a: { b: { c: 2 }, l: [1] }, items: [{ sku: 'x', q: { n: 1 } }, 7] };
    expect(rowsOf(document, 'flatten')).toEqual([
      '{"_id":1,"a_b_c":2,"a_l":"[1]","items":"[{\\"sku\\":\\"x\\",\\"q\\":{\\"n\\":1}},7]"}',
    ]);
    expect(rowsOf(document, { unwind: 'items' })).toEqual([
      '{"_id":1,"a_b_c":2,"a_l":"[1]","items_sku":"x","items_q_n":1,"_index":0}',
      '{"_id":1,"a_b_c":2,"a_l":"[1]","items":7,"_index":1}',
    ]);
    expect(rowsOf({ _id: 1, items: [] }, { unwind: 'items' })).toEqual(['{"_id":1,"_index":null}']);
    expect(rowsOf({ _id: 1, a: { items: [3] } }, { unwind: 'a.items' })).toEqual(['{"_id":1,"a_items":3,"_index":0}']);
  });

  it('with two fields for one column are refused, and so is text that is none', () => {
    expect(() => rowsOf({ a_b: 1, a: { b: 2 } }, 'flatten')).toThrow('two of its fields would be the column a_b');
    const bytes = bytesOf({ a: 'xyz' });
    bytes[bytes.indexOf('xyz')] = 0xff;
    expect(() => documentRows(bytes, { nested: 'json', document: false })).toThrow('not UTF-8');
  });
});
