import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { crc32c, crc32cChunks } from './crc32c.ts';

/** Bit by bit, as the polynomial says. */
function plain(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const bytes = randomBytes(13_000);

it.each([0, 1, 7, 8, 2047, 2048, 4095, 4096, 4103, 6143, 6144, 12_345])(
  'of %i bytes is what the polynomial says, wherever they lie and whatever was before them',
  (length) => {
    for (const from of [0, 3, 8]) {
      const part = bytes.subarray(from, from + length);
      expect(crc32c(bytes, from, from + length)).toBe(plain(part));
      expect(crc32c(bytes.subarray(from), 0, length)).toBe(plain(part));
      const cut = Math.floor(length / 3);
      expect(crc32c(bytes, from + cut, from + length, plain(part.subarray(0, cut)))).toBe(plain(part));
    }
  },
);

it('of each chunk is that of its bytes', () => {
  for (const count of [1, 2, 5]) {
    const sums = crc32cChunks(bytes, 5, count, 512);
    for (let at = 0; at < count; at++)
      expect(sums.readUInt32BE(4 * at)).toBe(plain(bytes.subarray(5 + at * 512, 5 + (at + 1) * 512)));
  }
});
