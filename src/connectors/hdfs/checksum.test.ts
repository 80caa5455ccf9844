import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../kit/crc32c.ts';
import { ChecksumMaker, type ChecksumRule, ruleOf, sameChecksum } from './checksum.ts';

const RULE: ChecksumRule = { kind: 'md5', crc: 'CRC32C', chunk_bytes: 512, block_bytes: 1_048_576 };

function madeOf(rule: ChecksumRule, ...pieces: readonly Uint8Array[]) {
  const maker = new ChecksumMaker(rule);
  for (const piece of pieces) maker.add(piece);
  return maker.digest();
}

/** The bytes that a real cluster (Hadoop 3.4.1, blocks of 1 MiB) was given for these answers. */
function sample(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 7 + (i >>> 9)) & 255;
  return bytes;
}

describe('checksums of HDFS', () => {
  it.each([
    [0, 'MD5-of-0MD5-of-0CRC32', '00000000000000000000000070bc8f4b72a86921468bf8e8441dce5100000000'],
    [1, 'MD5-of-0MD5-of-512CRC32C', '000002000000000000000000dc236201841049096ad31b6213203a9000000000'],
    [512, 'MD5-of-0MD5-of-512CRC32C', '00000200000000000000000024fc15b0dc8014ae28fa07f51bdef26d00000000'],
    [513, 'MD5-of-0MD5-of-512CRC32C', '0000020000000000000000002051e2daa660541e8658fb9f4250e69000000000'],
    [1_048_576, 'MD5-of-0MD5-of-512CRC32C', '000002000000000000000000da56788efc5893bd7b43ab27fb9c0c5700000000'],
    [2_097_153, 'MD5-of-2048MD5-of-512CRC32C', '000002000000000000000800a93341a1e19ba5b13eddce09ec32fee000000000'],
    [3_145_733, 'MD5-of-2048MD5-of-512CRC32C', '000002000000000000000800f45b878d8bdf1d5964b85ccd6fcbc4b400000000'],
    [5_242_880, 'MD5-of-2048MD5-of-512CRC32C', '000002000000000000000800518d3becb8f03e14fcdd5c5a5ba03ff400000000'],
  ])('of %i bytes is what a cluster says', (size, algorithm, bytes) => {
    const ours = madeOf(RULE, sample(size));
    expect(ours.algorithm).toBe(algorithm);
    expect(sameChecksum(ours, { algorithm, bytes })).toBe(true);
    const rule = ruleOf({ algorithm, bytes });
    if (rule !== undefined) expect(madeOf(rule, sample(size))).toEqual(ours);
  });

  it('does not depend on the pieces in which bytes come', () => {
    const rules: readonly ChecksumRule[] = [
      { kind: 'md5', crc: 'CRC32C', chunk_bytes: 8, block_bytes: 32 },
      { kind: 'md5', crc: 'CRC32C', chunk_bytes: 10, block_bytes: 30 },
      { kind: 'md5', crc: 'CRC32', chunk_bytes: 16, block_bytes: 0 },
      { kind: 'composite', crc: 'CRC32C', chunk_bytes: 0, block_bytes: 0 },
    ];
    const pieces = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, fc.constantFrom(...rules), (some, rule) => {
        expect(madeOf(rule, ...some)).toEqual(madeOf(rule, Buffer.concat(some)));
      }),
    );
  });

  it('knows the CRC of all bytes, which some clusters give instead', () => {
    const check = Buffer.from('123456789');
    expect(crc32c(check, 0, 9)).toBe(0xe3069283);
    const composite = ruleOf({ algorithm: 'COMPOSITE-CRC32C', bytes: 'e3069283' });
    expect(composite && madeOf(composite, check.subarray(0, 4), check.subarray(4))).toEqual({
      algorithm: 'COMPOSITE-CRC32C',
      bytes: 'e3069283',
    });
    const zip = ruleOf({ algorithm: 'COMPOSITE-CRC32', bytes: '' });
    expect(zip && madeOf(zip, check).bytes).toBe(crc32(check).toString(16));
    expect(ruleOf({ algorithm: 'SHA-256', bytes: '00' })).toBeUndefined();
  });
});
