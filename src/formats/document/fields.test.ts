import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from './fields.ts';
import { pageOf } from './page-text.ts';
import type { PageReading, Word } from './reading.ts';
import { recordsOf } from './records.ts';

/** A page of words with a blank between them. */
function page(words: readonly (readonly [text: string, confidence: number])[], number = 1): PageReading {
  const placed: Word[] = [];
  let text = '';
  for (const [word, confidence] of words) {
    if (text !== '') text += ' ';
    placed.push({ text: word, confidence, at: text.length, box: [0, 0, 1, 1] });
    text += word;
  }
  return { page: number, read_by: 'ocr', confidence: 91.234, text, words: placed };
}

const pattern = (text: string) => ({ f: { pattern: text } });

describe('fieldsOf', () => {
  it('takes the first group of the first match, as sure as the least sure word of the value', () => {
    const invoice = page([
      ['TOTAL', 20],
      ['12', 96],
      ['345,60', 71.239],
      ['€', 5],
      ['TOTAL', 99],
      ['1', 99],
    ]);
    expect(fieldsOf(invoice, pattern(String.raw`TOTAL\s+([0-9 .,]+[0-9])`))).toEqual({
      f: { value: '12 345,60', confidence: 71.24 },
    });
    expect(fieldsOf(invoice, pattern('TOTAL'))).toEqual({ f: { value: 'TOTAL', confidence: 20 } });
    expect(fieldsOf(invoice, pattern('SOMME (.+)'))).toEqual({ f: { value: null, confidence: null } });
    expect(fieldsOf(invoice, pattern('€( *)TOTAL'))).toEqual({ f: { value: null, confidence: null } });
  });

  it('a pattern without a group that took part has the whole match; ^ and $ stand at each line', () => {
    const text = 'Réf. A-1\nDATE 2026-11-03';
    const lines = { text, words: [], confidence: 100 };
    expect(fieldsOf(lines, pattern('^DATE (.+)$'))['f']).toEqual({ value: '2026-11-03', confidence: 100 });
    expect(fieldsOf(lines, pattern('(X)?Réf'))['f']?.value).toBe('Réf');
    expect(fieldsOf(lines, pattern(String.raw`\p{Lu}-(\d)`))['f']?.value).toBe('1');
  });

  it('a pattern that runs away is stopped', () => {
    const text = `${'a'.repeat(40)}!`;
    expect(() => fieldsOf({ text, words: [], confidence: 1 }, pattern('(a+)+$'))).toThrow('took longer than');
  });

  it('finds each word where it stands, with its confidence', () => {
    const word = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', 'é', 'Ω', '€', '7', '😀'), minLength: 1, maxLength: 6 }),
      fc.integer({ min: 0, max: 100 }),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), fc.nat(), (words, at) => {
        const numbered = words.map(([text, confidence], n) => [`<${n}:${text}>`, confidence] as const);
        const index = at % words.length;
        const wanted = numbered[index];
        const found = fieldsOf(page(numbered), pattern(`(<${index}:[^>]*>)`))['f'];
        expect(found).toEqual({ value: wanted?.[0], confidence: wanted?.[1] });
      }),
    );
  });
});

describe('recordsOf', () => {
  const pages = [page([['DATE', 90], ['3', 80]]), page([['TOTAL', 95], ['7', 60]], 2)]; // biome-ignore format: two pages
  const fields = { date: { pattern: 'DATE (.)' }, total: { pattern: 'TOTAL (.)' } };

  it('makes a record of each page', () => {
    const records = recordsOf({ read_with: {}, pages }, 'abc', { record: 'page', fields });
    expect(records).toMatchObject([
      {
        page: 1,
        date: '3',
        date_confidence: 80,
        total: null,
        total_confidence: null,
        confidence: 91.23,
        sha256: 'abc',
      },
      { page: 2, date: null, total: '7', total_confidence: 60 },
    ]);
  });

  it('makes one of all, as sure as its least sure page; blank pages do not count', () => {
    const blank = { ...page([]), confidence: 0 };
    const unsure = { ...page([['suite', 50]]), confidence: 50 };
    const one = { record: 'document', fields } as const;
    expect(recordsOf({ read_with: {}, pages: [...pages, blank] }, 'abc', one)).toMatchObject([
      { pages: 3, date: '3', total: '7', total_confidence: 60, confidence: 91.23 },
    ]);
    expect(recordsOf({ read_with: {}, pages: [...pages, unsure] }, 'abc', one)).toMatchObject([{ confidence: 50 }]);
    expect(recordsOf({ read_with: {}, pages: [blank] }, 'abc', one)).toMatchObject([{ confidence: 0, total: null }]);
  });
});

describe('pageOf', () => {
  it('places every word where it stands in the text', () => {
    const bbox = { x0: 1, y0: 2, x1: 3, y1: 4 };
    const line = (...texts: string[]) => ({ words: texts.map((text) => ({ text, confidence: 90.005, bbox })) });
    const blocks = [
      { paragraphs: [{ lines: [line('Société', 'Générale'), line('DATE')] }, { lines: [line('TOTAL')] }] },
      { paragraphs: [{ lines: [line('Fin')] }] },
    ];
    const read = pageOf(4, { blocks, confidence: 88.888 } as unknown as Parameters<typeof pageOf>[1]);
    expect(read.text).toBe('Société Générale\nDATE\n\nTOTAL\n\nFin');
    for (const word of read.words) expect(read.text.slice(word.at, word.at + word.text.length)).toBe(word.text);
    expect(read).toMatchObject({ page: 4, confidence: 88.89, read_by: 'ocr' });
    expect(pageOf(1, { blocks: null, confidence: 95 })).toMatchObject({ text: '', words: [], confidence: 0 });
  });
});
