import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellWidth } from '../kit/terminal-text.ts';
import { layoutRecords, layoutTable, type PrintData, plainText, toJson } from './table.ts';

function lines(data: PrintData, width = 80): readonly string[] {
  const layout = layoutTable(data, width);
  return [...layout.head(), ...layout.lines(data.rows)];
}

describe('layoutTable', () => {
  it('sets numbers right, text left, NULL as asked', () => {
    const rows = [
      { name: 'a', n: 5, m: null },
      { name: 'longer', n: 1200, m: 3n },
    ];
    expect(lines({ columns: ['name', { name: 'n', title: 'rows' }, 'm'], rows, null_text: '-' })).toEqual([
      'name    rows  m',
      '------  ----  -',
      'a          5  -',
      'longer  1200  3',
    ]);
  });

  it('cuts the widest text first and never a number', () => {
    const rows = [{ id: 12345678901, short: 'abcdefgh', long: 'x'.repeat(100) }];
    const [, , line] = lines({ columns: ['id', 'short', 'long'], rows }, 40);
    expect(line).toBe(`12345678901  abcdefgh  ${'x'.repeat(16)}…`);
    expect(cellWidth(line ?? '')).toBe(40);
  });

  it('spells out what would move the cursor', () => {
    const [, , line] = lines({ columns: ['v'], rows: [{ v: 'a\u001b[31mb\nc\u202e' }] });
    expect(line).toBe('a\\u001b[31mb\\nc\\u202e');
  });

  it('cuts columns that give way before the others', () => {
    const data = {
      columns: ['rule', { name: 'run_id', give_way: true }],
      rows: [{ rule: 'date_valide', run_id: 'x'.repeat(20) }],
    };
    expect(lines(data, 24)).toEqual(['rule         run_id', '-----------  -----------', 'date_valide  xxxxxxxxxx…']);
    // Where that is not enough, the others are cut too.
    expect(lines(data, 18).at(-1)).toBe('date_va…  xxxxxxx…');
  });

  it('lets a text go on in further lines where that is asked for', () => {
    const rows = [
      { step: 'gold.ca', n: 1, reason: 'if silver.achats or silver.clients publishes a new version' },
      { step: 'gold.x', n: 2, reason: `{"id":"${'7'.repeat(30)}"}` },
      { step: 'gold.y', n: 3, reason: 'cut: if silver.achats publishes a new version' },
    ];
    const wrap = ({ reason }: Readonly<Record<string, unknown>>): boolean => !String(reason).startsWith('cut');
    const columns = [{ name: 'step', give_way: false }, 'n', { name: 'reason', wrap }];
    expect(lines({ columns, rows }, 40).slice(2)).toEqual([
      'gold.ca  1  if silver.achats or',
      '            silver.clients publishes a',
      '            new version',
      `gold.x   2  {"id":"${'7'.repeat(21)}`,
      `            ${'7'.repeat(9)}"}`,
      'gold.y   3  cut: if silver.achats publi…',
    ]);
  });

  it('gives each column a line of its own where not even narrow ones fit', () => {
    const columns = ['id', 'nom', 'ville', 'note'];
    const rows = [{ id: 1, nom: 'Cédric Gauthier', ville: 'Aix-la-Chapelle', note: null }];
    expect(layoutTable({ columns, rows }, 30).too_wide).toBe(false);
    expect(layoutTable({ columns, rows }, 25).too_wide).toBe(true);
    const records = layoutRecords({ columns, null_text: 'NULL' }, 25);
    expect(records.head()).toEqual([]);
    expect([...records.lines(rows), ...records.lines([{ ...rows[0], id: 2 }])].slice(0, 6)).toEqual([
      'row 1',
      '  id     1',
      '  nom    Cédric Gauthier',
      '  ville  Aix-la-Chapelle',
      '  note   NULL',
      'row 2',
    ]);
  });

  it('keeps columns aligned and within the width, whatever the text', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constant('日本語'),
      fc.constant('e\u0301'),
    );
    const rows = fc.array(fc.record({ a: cell, b: cell, n: fc.integer() }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, (data) => {
        for (const line of lines({ columns: ['a', 'b', 'n'], rows: data }, 60)) {
          expect(cellWidth(line)).toBeLessThanOrEqual(60);
          expect(line).not.toMatch(/[\u0000-\u001f]/);
        }
      }),
    );
  });
});

describe('values', () => {
  it('writes bigint as a number while that is exact, else as text', () => {
    expect(toJson({ a: 5n, b: 9007199254740993n })).toBe('{"a":5,"b":"9007199254740993"}');
  });

  it('writes nested values as JSON', () => {
    expect(plainText({ a: [1n, 'x'] })).toBe('{"a":[1,"x"]}');
    expect(plainText(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
  });
});
