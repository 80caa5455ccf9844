import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryText, dateText, decimalText, timestampText } from './cell-text.ts';

/** The four words of a 128-bit number. */
function words(value: bigint): Uint32Array {
  const raw = BigInt.asUintN(128, value);
  return Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((raw >> shift) & 0xffff_ffffn));
}

describe('cells as text', () => {
  it('decimals are exact at every size and sign', () => {
    const most = 10n ** 38n - 1n;
    fc.assert(
      fc.property(fc.bigInt(-most, most), fc.integer({ min: 0, max: 38 }), (value, scale) => {
        const text = decimalText(words(value), 0, scale);
        expect(text).toMatch(scale === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${scale}}$`));
        expect(BigInt(text.replace('.', ''))).toBe(value);
      }),
    );
    expect([decimalText(words(-5n), 0, 2), decimalText(words(9007199254740993n), 0, 0)]).toEqual([
      '-0.05',
      '9007199254740993',
    ]);
  });

  it.each([
    [0n, '1970-01-01T00:00:00'],
    [-1n, '1969-12-31T23:59:59.999999'],
    [1_709_208_000_100_000n, '2024-02-29T12:00:00.1'],
    [253_402_300_799_999_999n, '9999-12-31T23:59:59.999999'],
    [-62_135_596_800_000_000n, '0001-01-01T00:00:00'],
    [-62_135_596_800_000_001n, '0001-12-31 (BC)T23:59:59.999999'],
  ])('%s µs is %s', (micros, text) => {
    expect(timestampText(micros)).toBe(text);
  });

  it('dates and bytes', () => {
    expect([dateText(0), dateText(-719_162), dateText(2_932_896)]).toEqual(['1970-01-01', '0001-01-01', '9999-12-31']);
    expect(binaryText(Buffer.from('a\\"\n\'é~'))).toBe('a\\x5C\\x22\\x0A\\x27\\xC3\\xA9~');
  });
});
