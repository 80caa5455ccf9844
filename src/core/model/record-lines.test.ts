import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineRuns, linesOf, RecordLines, recordBegin } from './record-lines.ts';

/** Lines that each record takes, the header first. */
const heights = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 60 });

describe('where records begin', () => {
  it('is known of each record, whichever way they were noted', () => {
    fc.assert(
      fc.property(heights, fc.boolean(), (lines, together) => {
        const noted = new RecordLines(1);
        const begins: number[] = [];
        let next = 3;
        for (let at = 0; at < lines.length; ) {
          let count = 1;
          if (together && lines[at] === 1) while (lines[at + count] === 1) count += 1;
          for (let i = 0; i < count; i++) begins.push(next + i);
          const line = next;
          next += count === 1 ? (lines[at] ?? 0) : count;
          noted.add(line, count, next);
          at += count;
        }
        const runs = lineRuns(noted.text() ?? '');
        const told = runs.flatMap((run) => Array.from({ length: run.records }, (_, i) => run.line + i * run.lines));
        expect(told).toEqual(begins.slice(1));
        for (let line = 1; line <= next; line++) {
          const begin = told.findLast((one) => one <= line);
          expect(recordBegin(runs, line)).toBe(line >= next ? undefined : begin);
        }
      }),
    );
  });

  it('is short where it is regular, and given up where there would be too much to say', () => {
    const regular = new RecordLines();
    for (let i = 0; i < 100_000; i++) regular.add(2 + 2 * i, 1, 4 + 2 * i);
    expect(regular.text()).toBe('2:100000x2');
    const irregular = new RecordLines();
    let line = 1;
    for (let i = 0; i < 20_001; i++) {
      const lines = 1 + (i % 2);
      irregular.add(line, 1, line + lines);
      line += lines;
    }
    expect(irregular.text()).toBeUndefined();
    expect(new RecordLines(1).text()).toBeUndefined();
  });

  it('follows from the first line where each record takes one', () => {
    const unit = { first_record_line: 2, multiline_records: false, records: 5 };
    expect(linesOf(unit)).toEqual([{ record: 0, line: 2, records: 5, lines: 1 }]);
    expect(linesOf({ ...unit, multiline_records: true })).toEqual([]);
    expect(linesOf({ ...unit, multiline_records: true, record_lines: '2:4x1,1x3' })).toHaveLength(2);
  });
});
