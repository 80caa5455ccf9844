import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InspectOptions } from '../../core/ports/format.ts';
import { convert } from '../convert.fixture.ts';
import { fixedToCsv } from './lines.ts';

const fields = { id: [1, 3], name: [4, 5] } as const;
const inspect = (text: string | Buffer, options: Partial<InspectOptions> = {}) =>
  convert('fixed', text, { fields, ...options });

describe('fixed width', () => {
  it('keeps lines where they are, and makes lines of another length into records that do not fit', async () => {
    const found = await inspect('head\n\n  1abc  \r\n  2"q",,   \n12\n\n  3too long\n  4no LF', { skip_lines: 1 });
    expect(found.text).toBe('\n\n1,abc\n2,"""q"",,"\n"12"\n\n"  3too long"\n4,no LF\n');
    expect(found).toMatchObject({
      records: 5,
      first_record_line: 3,
      multiline_records: true,
      header: ['id', 'name'],
      dialect: { has_header: false, skip_lines: 2 },
    });
  });

  it('counts characters, whatever the encoding', async () => {
    expect((await inspect(' 1 été😀x\n')).text).toBe('1,été😀x\n');
    expect((await inspect(Buffer.from(' 1 étéXY\n', 'latin1'), { encoding: 'latin-1' })).text).toBe('1,étéXY\n');
    const wrong = await inspect(Buffer.from(' 1 étéXY\n', 'latin1'));
    expect(wrong.problem).toMatchObject({ rule: 'invalid_encoding' });
    expect(wrong.decoded_uri).toBeUndefined();
  });

  it('reads gzip, and refuses what was cut off', async () => {
    const whole = gzipSync('  1abcde\n'.repeat(3));
    expect((await convert('fixed', whole, { fields }, 'gzip')).text).toBe('1,abcde\n'.repeat(3));
    for (let at = 1; at < whole.length; at++)
      expect((await convert('fixed', whole.subarray(0, at), { fields }, 'gzip')).problem).toBeDefined();
  });

  it.each([
    ['', 'empty_file', 1],
    ['\n\n', 'empty_file', 1],
    ['  1abcde\n  2ab\rde\n', 'bad_line', 2],
    [`  1abcde\n${'x'.repeat(200)}`, 'record_too_long', 2],
  ])('refuses %j', async (text, rule, line) => {
    expect((await inspect(text, { max_line_bytes: 100 })).problem).toMatchObject({ rule, line });
  });

  it('loses no character of any value', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(value, value, (a, b) => {
        const width = (text: string): number => Array.from(text).length;
        const places = { a: [1, width(a) + 1], b: [width(a) + 2, width(b) + 1] } as const;
        const csv = fixedToCsv(`${a} ${b} `, places);
        const cells = [...csv.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = '']) =>
          cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
        );
        expect(cells.slice(0, 2)).toEqual([a.trim(), b.trim()]);
      }),
    );
  });
});
