import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complaints } from '../scripts/hygiene.ts';
import { judge, measure, tighten } from '../scripts/sizes.ts';
import { LONGEST } from '../scripts/vitest-order.ts';
import { skipReason, splitReason } from '../scripts/vitest-summary.ts';
import { afterSecond, filesToRepeat, summaryLine } from '../scripts/vitest-tally.ts';

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `  step(${i});`).join('\n');

describe('sizes', () => {
  const text = `export function long() {\n${lines(80)}\n}\nclass A {\n  short() {\n    return () => 1;\n  }\n}\n`;
  const measured = measure('src/a.ts', text);

  it('measures the file and each function by name', () => {
    expect(measured.map((one) => [one.kind, one.key, one.lines])).toEqual([
      ['file', 'src/a.ts', 87],
      ['function', 'src/a.ts long', 82],
      ['function', 'src/a.ts short', 3],
      ['function', 'src/a.ts (anonymous)', 1],
    ]);
  });

  it('fails beyond the limit and says where', () => {
    expect(judge(measured, {}).failures).toEqual([
      expect.stringMatching(/^src\/a\.ts:1 long: 82 lines, limit 70\. Fix: /),
    ]);
  });

  it('lets what was too long before stay, but not grow, and asks to tighten when it shrinks', () => {
    expect(judge(measured, { 'src/a.ts long': 82 }).failures).toEqual([]);
    expect(judge(measured, { 'src/a.ts long': 81 }).failures).toHaveLength(1);
    expect(judge(measured, { 'src/a.ts long': 90 }).failures).toEqual([expect.stringContaining('--tighten')]);
  });

  it('tightens without ever loosening or adding', () => {
    expect(tighten(measured, { 'src/a.ts long': 90, 'src/a.ts short': 75, 'src/gone.ts': 400 })).toEqual({
      'src/a.ts long': 82,
    });
    expect(tighten(measured, { 'src/a.ts long': 72 })).toEqual({ 'src/a.ts long': 72 });
    expect(tighten(measured, {})).toEqual({});
  });

  it('does not count a suite of tests as a function', () => {
    const suite = `describe('x', () => {\n${lines(90)}\n});\n`;
    expect(judge(measure('src/a.test.ts', suite), {}).failures).toEqual([]);
    expect(judge(measure('src/a.ts', suite), {}).failures).toHaveLength(1);
  });
});

describe('hygiene', () => {
  it.each([
    ['a.md', 'see /home/bob/x', 1],
    ['a.md', 'see C:\\Users\\bob', 1],
    ['a.ts', "import x from './home/bob/x.ts'", 0],
    ['a.ts', 'fetch(`${base}/home/page`)', 0],
    ['a.md', 'https://example.com/home/page', 0],
    ['package-lock.json', '"resolved": "https://mirror.example/x.tgz"', 1],
    ['.npmrc', 'registry=https://mirror.example/', 1],
    ['a.ts', '// @ts-ignore', 1],
    ['a.test.ts', "it.only('x')", 1],
  ])('%s: %s → %i', (path, text, count) => {
    expect(complaints(path, text)).toHaveLength(count);
  });
});

describe('summary of a test run', () => {
  it('ends with one line', () => {
    const one = {
      file: 'a.test.ts',
      passed: 3,
      failed: ['a.test.ts > x'],
      skipped: [{ name: 'a', reason: 'b' }],
      ended: true,
    };
    expect(summaryLine({ files: [one], stray_errors: 0, retried: [] })).toBe('3 passed, 1 failed, 1 skipped');
  });

  it('runs files with a failure again, but not when many failed, and names what passed only then', () => {
    const file = (name: string, passed: number, ...failed: string[]) => ({
      file: name,
      passed,
      failed,
      skipped: [],
      ended: !failed.includes(name),
    });
    const first = {
      files: [file('a', 5), file('b', 2, 'b > x', 'b > y'), file('lost', 0, 'lost')],
      stray_errors: 2,
      retried: [],
    };
    expect(filesToRepeat(first)).toEqual(['b', 'lost']);
    const many = Array.from({ length: 13 }, (_, i) => file(`f${i}`, 0, `f${i} > x`));
    expect(filesToRepeat({ ...first, files: many })).toEqual([]);

    const second = { files: [file('b', 3, 'b > y'), file('lost', 4)], stray_errors: 0, retried: [] };
    const both = afterSecond(first, ['b', 'lost'], second);
    expect(both.retried).toEqual(['b > x', 'lost']);
    // One of both stray errors was that of the process that was lost.
    expect(summaryLine(both)).toBe('12 passed, 2 failed, 0 skipped');
    // A second run that did not get to a file says nothing of it.
    expect(summaryLine(afterSecond(first, ['b', 'lost'], { ...second, files: [] }))).toBe(
      '7 passed, 5 failed, 0 skipped',
    );
  });

  it('finds the reason of a skipped test', () => {
    expect(skipReason('reads with delta-rs — skipped: no Python', undefined)).toBe('no Python');
    expect(skipReason('reads', 'no PyPI')).toBe('no PyPI');
    expect(skipReason('reads', undefined)).toBe('no reason given');
    expect(skipReason('kafka — skipped: no Maven > reads', undefined)).toBe('no Maven');
    expect(splitReason('a.test.ts > kafka — skipped: no Maven > reads').name).toBe('a.test.ts > kafka > reads');
  });
});

describe('the order of test files', () => {
  it('names each once, and files that are there', () => {
    expect(LONGEST.filter((name) => !existsSync(name))).toEqual([]);
    expect(new Set(LONGEST).size).toBe(LONGEST.length);
  });
});
