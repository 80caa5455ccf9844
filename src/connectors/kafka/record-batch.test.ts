import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodedBatch, type GivenMessage } from '../../../test/support/record-batches.ts';
import { crc32c } from '../../kit/crc32c.ts';
import { CODEC_NUMBERS, codecOf } from './codecs.ts';
import { batchHeads, RecordCursor, readBatch } from './record-batch.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const message = fc.record({
  gap: fc.nat(200),
  timestamp: fc.integer({ min: -1, max: 9_000_000_000_000 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }), fc.string({ maxLength: 20 }), { maxKeys: 3 }),
});

async function readAll(encoded: Buffer) {
  const found = [];
  for (const head of batchHeads(encoded)) {
    const batch = await readBatch(encoded, head);
    if ('damage' in batch) {
      found.push(batch.damage);
      continue;
    }
    const cursor = new RecordCursor(batch);
    const part = (from: number, to: number) => (from < 0 ? null : Buffer.from(cursor.bytes.subarray(from, to)));
    while (cursor.next())
      found.push({
        offset: cursor.offset,
        timestamp: cursor.timestamp,
        key: part(cursor.key_from, cursor.key_to),
        value: part(cursor.value_from, cursor.value_to),
        headers: Object.fromEntries(cursor.headers().map(([name, value]) => [name, String(value)])),
      });
  }
  return found;
}

describe('record batches', () => {
  it('are read as the library writes them, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { minLength: 1, maxLength: 10 }), { maxLength: 4 }),
        fc.nat(2 ** 40),
        async (batches, start) => {
          let offset = start;
          const all: GivenMessage[] = [];
          const parts: Buffer[] = [];
          for (const messages of batches) {
            const given = messages.map(({ gap, ...rest }) => {
              offset += gap + 1;
              return { ...rest, offset };
            });
            all.push(...given);
            parts.push(await encodedBatch(given));
          }
          // The last batch of an answer is often cut off.
          const cut = await encodedBatch([{ offset: offset + 1, value: 'cut' }]);
          const found = await readAll(Buffer.concat([...parts, cut.subarray(0, cut.length - 1)]));
          expect(found).toEqual(all);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('with one bit flipped behind the checksum are noticed', async () => {
    const encoded = await encodedBatch([{ offset: 7, key: 'k', value: '{"n":1}', headers: { a: 'b' } }]);
    for (let bit = 21 * 8; bit < encoded.length * 8; bit += 7) {
      const damaged = Buffer.from(encoded);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await readAll(damaged)).toEqual(['the checksum of its batch does not fit its bytes']);
    }
  });

  it('a codec that fails or is not known is said to be the damage', async () => {
    const encoded = await encodedBatch([{ offset: 7, value: 'x' }]);
    for (const [attributes, damage] of [
      [1, /^its batch is not gzip: /],
      [2, /^its batch is not snappy: /],
      [3, /^its batch is not lz4: /],
      [4, /^its batch is not zstd: /],
      [5, /^compression 5 is not known$/],
    ] as const) {
      const packed = Buffer.from(encoded);
      packed.writeInt16BE(attributes, 21);
      packed.writeUInt32BE(crc32c(packed, 21, packed.length), 17);
      expect(await readAll(packed)).toEqual([expect.stringMatching(damage)]);
    }
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s: there and back', async (name) => {
    const codec = await codecOf(CODEC_NUMBERS[name]);
    if (codec === undefined) throw new Error('no codec');
    for (const size of [1, 300, 70_000, 3_000_000]) {
      const bytes = Buffer.alloc(size, 'some text ');
      expect((await codec.decompress(await codec.compress(bytes))).equals(bytes)).toBe(true);
    }
  });

  it('what would grow beyond 256 MB is damage', async () => {
    const zeros = gzipSync(Buffer.alloc(300 * 1024 * 1024), { level: 1 });
    await expect((await codecOf(CODEC_NUMBERS.gzip))?.decompress(zeros)).rejects.toThrow();
    await expect((await codecOf(CODEC_NUMBERS.zstd))?.decompress(zstdClaim(2 ** 40))).rejects.toThrow('would grow');
  });

  it("lengths that lie end in an error, not in somebody else's bytes", async () => {
    const encoded = await encodedBatch([{ offset: 7, value: 'x' }]);
    encoded.writeInt32BE(3, 57); // three records instead of one
    encoded.writeUInt32BE(crc32c(encoded, 21, encoded.length), 17);
    await expect(readAll(encoded)).rejects.toThrow(RangeError);
  });
});

/** The head of a frame that claims so many bytes. */
function zstdClaim(size: number): Buffer {
  const frame = Buffer.alloc(32);
  frame.writeUInt32LE(0xfd2fb528, 0);
  frame.writeUInt8(0xe0, 4);
  frame.writeBigUInt64LE(BigInt(size), 5);
  return frame;
}

describe('CRC-32C', () => {
  it('of the digits is what everybody else has', () => {
    const digits = Buffer.from('x123456789x');
    expect(crc32c(digits, 1, 10)).toBe(0xe3069283);
    expect(crc32c(digits, 1, 1)).toBe(0);
  });
});
