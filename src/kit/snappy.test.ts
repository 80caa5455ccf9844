import fc from 'fast-check';
import snappyCodec from 'kafkajs-snappy';
import { describe, expect, it } from 'vitest';
import { SnappyDamage, unpackSnappy } from './snappy.ts';

const codec = snappyCodec();
const pack = async (bytes: Buffer): Promise<Buffer> => Buffer.from(await codec.compress({ buffer: bytes }));

describe('snappy', () => {
  it('gives back what another program packed', async () => {
    // Repetition at every distance, and noise.
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(400))
        .map(([part, times]) => repeated(part, times)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (parts) => {
        const bytes = Buffer.concat(parts);
        expect(unpackSnappy(await pack(bytes), 1 << 20).equals(bytes)).toBe(true);
      }),
      { numRuns: 200 },
    );
    const large = Buffer.concat([
      repeated(Buffer.from('0123456789'), 30_000),
      Buffer.alloc(200_000),
      repeated(Buffer.from('ab'), 9),
    ]);
    expect(unpackSnappy(await pack(large), 1 << 24).equals(large)).toBe(true);
  });

  it('stops at bytes that are damaged, whatever they say, and at the limit', async () => {
    const packed = await pack(repeated(Buffer.from('some text and '), 50));
    for (let at = 0; at < packed.length; at++)
      expect(() => unpackSnappy(packed.subarray(0, at), 1 << 20), `${at}`).toThrow(SnappyDamage);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect(unpackSnappy(bytes, 1000).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error instanceof SnappyDamage || error instanceof RangeError).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
    expect(() => unpackSnappy(packed, 699)).toThrow(RangeError);
    expect(unpackSnappy(packed, 700).length).toBe(700);
  });
});

function repeated(part: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => part));
}
