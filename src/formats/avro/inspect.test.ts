import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import avsc from 'avsc';
import fc from 'fast-check';
import snappy from 'kafkajs-snappy';
import { describe, expect, it } from 'vitest';
import { convert } from '../convert.fixture.ts';
import { avroFile } from './file.fixture.ts';

const schema = {
  type: 'record',
  name: 'Sale',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'note', type: ['null', 'string'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
};
/** Each value as its own type writes it, without the logical ones. */
const parts = schema.fields.map(({ type }) =>
  avsc.Type.forSchema(type as never, { logicalTypes: {}, wrapUnions: true }),
);
const record = (...values: readonly unknown[]): Buffer =>
  Buffer.concat(parts.map((type, at) => type.toBuffer(values[at])));
/** 2^63 - 1, which the library cannot write. */
const HIGHEST = Buffer.from('feffffffffffffffff01', 'hex');

const first = record(1, Buffer.from('fb2e', 'hex'), 1_700_000_000_000_001, 19_753, { string: 'é\n' }, ['a', 'b']);
const second = Buffer.concat([HIGHEST, record(1, Buffer.from('01', 'hex'), -1, -1, null, []).subarray(1)]);
const expected = [
  '{"id":1,"price":"-12.34","at":"2023-11-14T22:13:20.000001Z","day":"2024-01-31","note":"é\\n","tags":["a","b"]}\n',
  '{"id":9223372036854775807,"price":"0.01","at":"1969-12-31T23:59:59.999999Z","day":"1969-12-31","note":null,"tags":[]}\n',
].join('');

describe('avro', () => {
  it.each(['null', 'deflate'])('reads records exactly, codec %s', async (codec) => {
    const found = await convert('avro', avroFile(schema, [[first], [second]], codec));
    expect(found.problem).toBeUndefined();
    expect(found.text).toBe(expected);
    expect(found).toMatchObject({ records: 2, first_record_line: 1, multiline_records: false });
    expect(found.fields?.map((field) => field.name)).toEqual(['id', 'price', 'at', 'day', 'note', 'tags']);
  });

  it('reads blocks of Snappy, and believes their checksum', async () => {
    const many = Array.from({ length: 200 }, () => second);
    const blocks = [[first], [second], many];
    const packed = new Map<string, Buffer>();
    for (const bytes of blocks.map((records) => Buffer.concat(records))) {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(bytes));
      const block = Buffer.from(await snappy().compress({ buffer: bytes }));
      packed.set(bytes.toString('hex'), Buffer.concat([block, sum]));
    }
    const pack = (bytes: Buffer): Buffer => packed.get(bytes.toString('hex')) ?? bytes;
    const whole = avroFile(schema, blocks, 'snappy', pack);
    const found = await convert('avro', whole);
    expect(found.problem).toBeUndefined();
    expect(found.text?.startsWith(expected)).toBe(true);
    expect(found).toMatchObject({ records: 202 });
    const wrong = avroFile(schema, blocks, 'snappy', (bytes) => {
      const block = Buffer.from(pack(bytes));
      block.writeUInt8(block.readUInt8(block.length - 1) ^ 1, block.length - 1);
      return block;
    });
    expect((await convert('avro', wrong)).problem).toMatchObject({
      rule: 'damaged_avro',
      reason: expect.stringContaining('checksum'),
    });
    expect(
      (
        await convert(
          'avro',
          avroFile(schema, [[first]], 'snappy', () => Buffer.from('ab')),
        )
      ).problem?.rule,
    ).toBe('damaged_avro');
    const bomb = avroFile(schema, [many], 'snappy', pack);
    expect((await convert('avro', bomb, { max_expanded_bytes: 500 })).problem?.rule).toBe('expansion_limit');
  });

  it('reads what the library writes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dataflow-avro-'));
    try {
      const path = join(folder, 'a.avro');
      const type = {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'i', type: 'int' },
          { name: 's', type: 'string' },
        ],
      };
      const encoder = new avsc.streams.BlockEncoder(type as never, { codec: 'deflate' });
      const written = pipeline(encoder, createWriteStream(path));
      for (let i = 0; i < 5000; i++) encoder.write({ i, s: `n${i}` });
      encoder.end();
      await written;
      const lines = (await convert('avro', readFileSync(path))).text?.trim().split('\n') ?? [];
      expect(lines).toHaveLength(5000);
      expect(lines[4999]).toBe('{"i":4999,"s":"n4999"}');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is refused where it is cut, but between blocks, where nothing tells', async () => {
    const one = avroFile(schema, [[first]]);
    const whole = avroFile(schema, [[first], [second, first]]);
    const begin = avroFile(schema, []).length;
    for (let at = 0; at < whole.length; at++) {
      const { problem, records } = await convert('avro', whole.subarray(0, at));
      if (at === one.length) expect(records).toBe(1);
      else expect(problem, `cut at ${at} of ${begin}`).toBeDefined();
    }
  });

  it('with a bit that is another it is refused or holds as many records as it says, never more', async () => {
    const whole = avroFile(schema, [[first], [second, first]], 'deflate');
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        const found = await convert('avro', damaged);
        if (found.problem === undefined) expect(found.text?.trim().split('\n')).toHaveLength(3);
        else expect(found.problem.reason).not.toBe('');
      }),
      { numRuns: 150 },
    );
  });

  it('stops a bomb and refuses what it does not read', async () => {
    const fat = { type: 'record', name: 'F', fields: [{ name: 's', type: 'string' }] };
    const text = avsc.Type.forSchema('string').toBuffer('x'.repeat(3_000_000));
    const bomb = avroFile(fat, [[text]], 'deflate');
    expect((await convert('avro', bomb, { max_expanded_bytes: 1_000_000 })).problem?.rule).toBe('expansion_limit');
    expect((await convert('avro', bomb)).records).toBe(1);
    expect((await convert('avro', avroFile(schema, [[first]], 'xz'))).problem?.rule).toBe('wrong_compression');
    expect((await convert('avro', 'id,v\n1,2\n')).problem?.rule).toBe('wrong_format');
    expect((await convert('avro', avroFile(schema, []))).problem?.rule).toBe('empty_file');
  });
});
