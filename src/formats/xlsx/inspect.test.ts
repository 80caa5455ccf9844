import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectOptions, InspectRequest } from '../../core/ports/format.ts';
import type { Inspection } from '../../core/ports/source.ts';
import { zipOf } from '../zip.fixture.ts';
import { dateText } from './dates.ts';
import { inspector } from './inspect.ts';
import { numberToken } from './numbers.ts';
import { columnLetters } from './sheet.ts';
import { bookOf, bookParts } from './workbook.fixture.ts';

const OPTIONS: InspectOptions = {
  encoding: 'auto',
  quote: '"',
  has_header: true,
  skip_lines: 0,
  max_expanded_bytes: 1e9,
  max_ratio: 200,
  max_line_bytes: 1e6,
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function inspect(content: Buffer, options: Partial<InspectOptions> = {}, columns?: InspectRequest['columns']) {
  const uri = join(folder, 'case.xlsx');
  writeFileSync(uri, content);
  const unit = {
    path: 'case.xlsx',
    uri,
    size_bytes: content.length,
    mtime_ns: '0',
    inode: '0',
    format: 'ndjson',
    made_from: 'xlsx',
    compression: 'none',
  } as const;
  const found: Inspection = await inspector.inspect({
    unit,
    temp_folder: folder,
    options: { ...OPTIONS, ...options },
    ...(columns === undefined ? {} : { columns }),
  });
  const text = found.decoded_uri === undefined ? undefined : readFileSync(found.decoded_uri, 'utf8');
  if (found.decoded_uri !== undefined) rmSync(found.decoded_uri);
  return { ...found, text };
}

const head =
  '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>';

describe('cells', () => {
  it('reads texts, numbers, booleans, errors, dates and stored values of formulas', async () => {
    const cells = [
      '<c r="A2" t="s"><v>0</v></c>',
      '<c r="A3"><v>19.989999999999998</v></c>',
      '<c r="A4" t="b"><v>1</v></c>',
      '<c r="A5" t="e"><v>#N/A</v></c><c r="B5"><v>1</v></c>',
      '<c r="A6" t="e"><v>#DIV/0!</v></c>',
      '<c r="A7" s="1"><v>45322</v></c>',
      '<c r="A8" s="2"><v>45322.5</v></c>',
      '<c r="A9" t="str"><f>B1</f><v>ok</v></c>',
      '<c r="A10"><f>1+1</f><v>2</v></c>',
      '<c r="A11" t="s"><v>1</v></c>',
    ];
    const rows = cells.map((inner, at) => `<row r="${at + 2}" hidden="1">${inner}</row>`).join('');
    const found = await inspect(
      bookOf({
        sheets: { One: head + rows },
        texts: ['<t>00123</t>', '<r><t>l1_x000D_</t></r><r><t>\nl2 &amp;</t></r><rPh><t>no</t></rPh>'],
        formats: [14, 'yyyy\\-mm\\-dd hh:mm'],
        after: '<mergeCells><mergeCell ref="A2:B3"/></mergeCells>',
      }),
    );
    expect(found.problem).toBeUndefined();
    expect(found.header).toEqual(['a', 'b']);
    expect(found.text?.split('\n')).toEqual([
      '',
      '{"a":"00123","b":null}',
      '{"a":19.99,"b":null}',
      '{"a":true,"b":null}',
      '{"a":null,"b":1}',
      '{"a":"#DIV/0!","b":null}',
      '{"a":"2024-01-31","b":null}',
      '{"a":"2024-01-31 12:00:00","b":null}',
      '{"a":"ok","b":null}',
      '{"a":2,"b":null}',
      '{"a":"l1\\r\\nl2 &","b":null}',
      '',
    ]);
    expect(found).toMatchObject({ records: 10, first_record_line: 2, multiline_records: false });
    expect(found.notes[0]).toMatch(/1 merged/);
  });

  it('keeps line = row across blank rows, and names a column without a name by its letter', async () => {
    const found = await inspect(
      bookOf({
        sheets: {
          One: `<row r="1"/>${head.replaceAll('1"', '3"')}<row r="7"><c r="B7"><v>1</v></c></row><row><c r="D8"><v>2</v></c></row>`,
        },
      }),
    );
    expect(found.text).toBe('\n\n\n\n\n\n{"a":null,"b":1}\n{"a":null,"b":null,"D":2}\n');
    expect(found).toMatchObject({
      records: 2,
      first_record_line: 7,
      multiline_records: false,
      header: ['a', 'b', 'D'],
    });
  });

  it('takes the sheet that is named, skips lines, and goes by the known columns', async () => {
    const book = bookOf({
      sheets: {
        One: head,
        Two: '<row><c><v>9</v></c></row><row><c t="str"><v>Ab</v></c></row><row><c><v>5</v></c></row>',
      },
    });
    const columns = [{ name: 'aB', type: 'integer', nullable: true }];
    expect((await inspect(book, { sheet: 'Two', skip_lines: 1 }, columns)).text).toBe('\n\n{"aB":5}\n');
    expect((await inspect(book, { sheet: 2, skip_lines: 2, has_header: false }, columns)).text).toBe('\n\n{"aB":5}\n');
    expect((await inspect(book, { sheet: 'Three' })).problem).toEqual({
      rule: 'missing_sheet',
      reason: 'it has no sheet Three; its sheets are One, Two',
    });
  });

  it.each([
    ['no_stored_value', '<row r="2"><c r="A2"><f>1</f></c></row>', 2],
    ['damaged_xlsx', '<row r="2"><c r="A2" t="s"><v>7</v></c></row>', 2],
    ['damaged_xlsx', '<row r="2"><c r="A2"><v>twelve</v></c></row>', 2],
    ['damaged_xlsx', '<row r="2"><c r="B2"/><c r="A2"/></row>', 2],
    ['damaged_xlsx', '<row r="5"/><row r="4"/>', 5],
    ['damaged_xlsx', '<row r="2"><row r="3"><c r="A3"><v>1</v></c></row></row>', 2],
    ['damaged_xlsx', '<row r="2"><c r="A3"><v>1</v></c></row>', 2],
  ])('refuses %s with its row: %s', async (rule, rows, line) => {
    expect((await inspect(bookOf({ sheets: { One: head + rows } }))).problem).toMatchObject({ rule, line });
  });
});

describe('numbers and dates', () => {
  it.each([
    ['44927', '44927'],
    ['0.1', '0.1'],
    ['2.9999999999999999E-2', '0.03'],
    ['123456789012345678', '123456789012345678'],
    ['12345678901234567890', '"12345678901234567890"'],
    ['0.1234567890123456789', '"0.1234567890123456789"'],
    ['1E999', '"1E999"'],
    ['', undefined],
    ['NaN', undefined],
  ])('%s is %s', (stored, token) => {
    expect(numberToken(stored)).toBe(token);
  });

  it('writes every double so that it reads as the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const token = numberToken(value.toPrecision(17)) ?? 'x';
        expect(Number(token.replaceAll('"', ''))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it.each([
    [1, false, '1900-01-01'],
    [59, false, '1900-02-28'],
    [60, false, '1900-02-29'],
    [61, false, '1900-03-01'],
    [2_958_465, false, '9999-12-31'],
    [2_958_466, false, undefined],
    [0, true, '1904-01-01'],
    [43_860, true, '2024-01-31'],
  ])('day %d (1904: %s) is %s', (serial, from_1904, text) => {
    expect(dateText(serial, 'date', from_1904)).toBe(text);
  });

  it('tells every millisecond of every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 61, max: 2_958_465 }), fc.integer({ min: 1, max: 86_399_999 }), (day, ms) => {
        const at = new Date(Date.UTC(1899, 11, 30) + day * 86_400_000 + ms).toISOString();
        const text = dateText(day + ms / 86_400_000, 'datetime', false) ?? '';
        expect(new Date(`${text.replace(' ', 'T')}Z`).toISOString()).toBe(at);
      }),
    );
  });

  it.each([
    ['[h]:mm:ss', 2.0625, '"49:30:00"'],
    ['h:mm AM/PM', 0.75, '"18:00:00"'],
    ['[$-40C]d mmmm yyyy;@', 45322, '"2024-01-31"'],
    ['#,##0.00 "days"', 45322, '45322'],
    ['[Red]0.0', 1.5, '1.5'],
    [22, 45322.25, '"2024-01-31 06:00:00"'],
  ])('format %s', async (format, value, token) => {
    const row = `<row r="2"><c r="A2" s="1"><v>${value}</v></c></row>`;
    expect((await inspect(bookOf({ sheets: { One: head + row }, formats: [format] }))).text).toBe(
      `\n{"a":${token},"b":null}\n`,
    );
  });

  it('names columns as a sheet does', () => {
    expect([0, 25, 26, 701, 702, 16_383].map(columnLetters)).toEqual(['A', 'Z', 'AA', 'ZZ', 'AAA', 'XFD']);
  });
});

describe('files that are not what they should be', () => {
  const rows = Array.from(
    { length: 20 },
    (_, at) => `<row r="${at + 2}"><c r="A${at + 2}"><v>${at}</v></c><c r="B${at + 2}" t="s"><v>0</v></c></row>`,
  );
  const parts = bookParts({ sheets: { One: head + rows.join('') }, texts: ['<t>x</t>'], formats: [14] });

  // Without compression only the checksum tells one digit from another.
  it.each([0, 6])('is whole or refused, wherever it is cut or a bit is another (level %d)', async (level) => {
    const book = zipOf(parts, level);
    const whole = (await inspect(book)).text;
    expect(whole).toContain('"a":19');
    for (let at = 0; at < book.length; at += 61) expect((await inspect(book.subarray(0, at))).problem).toBeDefined();
    const flips = fc.tuple(fc.nat(book.length - 1), fc.nat(7));
    await fc.assert(
      fc.asyncProperty(flips, async ([at, bit]) => {
        const damaged = Buffer.from(book);
        damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << bit), at);
        const found = await inspect(damaged);
        if (found.problem === undefined) expect(found.text).toBe(whole);
      }),
      { numRuns: 150 },
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('decoded-'))).toEqual([]);
  });

  it('stops a bomb at the limits', async () => {
    const bomb = bookOf({ sheets: { One: head + ' '.repeat(5_000_000) } });
    expect((await inspect(bomb, { max_expanded_bytes: 1_000_000 })).problem?.rule).toBe('expansion_limit');
  });

  it('refuses entities, old workbooks, other archives and nothing at all', async () => {
    const entity = '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>';
    const withEntity = zipOf({ ...bookParts({ sheets: { One: head } }), 'xl/worksheets/sheet1.xml': entity });
    expect((await inspect(withEntity)).problem?.rule).toBe('xml_entities');
    expect((await inspect(Buffer.from('d0cf11e0a1b11ae1', 'hex'))).problem?.rule).toBe('wrong_format');
    expect((await inspect(zipOf({ 'a.csv': 'a\n1\n' }))).problem?.rule).toBe('damaged_zip');
    expect((await inspect(Buffer.alloc(0))).problem?.rule).toBe('empty_file');
    expect((await inspect(bookOf({ sheets: { One: '' } }))).problem?.rule).toBe('empty_file');
  });
});
