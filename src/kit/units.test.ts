import { describe, expect, it } from 'vitest';
import { groupedDigits, parseDuration, parseSize, sizeText } from './units.ts';

describe('units', () => {
  it.each([
    ['500ms', 500],
    ['5m', 300_000],
    ['2d', 172_800_000],
    ['1.5h', 5_400_000],
    ['5', undefined],
    ['5 m', undefined],
    ['-5m', undefined],
    ['5y', undefined],
  ])('duration %s is %s ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    ['4GB', 4_000_000_000],
    ['4GiB', 4_294_967_296],
    ['512 mb', 512_000_000],
    ['10B', 10],
    ['4', undefined],
    ['4G', undefined],
    ['GB', undefined],
  ])('size %s is %s bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 KB'],
  [345_200, '345 KB'],
  [999_600, '1.0 MB'],
  [15_200_000_000, '15.2 GB'],
])('%i bytes are shown as %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));

it.each([0, 7, 999, 1000, -1234, 12_345_678, Number.MAX_SAFE_INTEGER])('%i is grouped as English groups it', (count) =>
  expect(groupedDigits(count)).toBe(count.toLocaleString('en')),
);
