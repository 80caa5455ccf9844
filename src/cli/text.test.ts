import { describe, expect, it } from 'vitest';
import { cellWidth, cutToWidth, linesOnTerminal, padToWidth, wrapToWidth } from '../kit/terminal-text.ts';
import { barChart } from './chart.ts';
import { csvRecord } from './csv.ts';
import { isAscii, wantsColor } from './style.ts';

describe('cellWidth', () => {
  it.each([
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한글', 4],
    ['👍', 2],
    ['👨‍👩‍👧', 2],
    ['🇫🇷', 2],
    ['ｆｕ', 4],
    ['', 0],
  ])('%s takes %i cells', (text, cells) => expect(cellWidth(text)).toBe(cells));

  it('cuts between letters, not inside them', () => {
    expect(cutToWidth('日本語', 4)).toBe('日…');
    expect(cutToWidth('abc', 3)).toBe('abc');
    expect(padToWidth('日', 4, 'right')).toBe('  日');
  });
});

describe('long texts', () => {
  it('are broken at blanks, and within longer words', () => {
    expect(wrapToWidth('ab cd 日本語日本語 e', 5)).toEqual(['ab cd', '日本', '語日', '本語', 'e']);
    expect(wrapToWidth('', 5)).toEqual(['']);
    // What follows a word that was broken goes on in its last line.
    expect(wrapToWidth('nb_clients (1), q (2)', 8)).toEqual(['nb_clien', 'ts (1),', 'q (2)']);
    expect(wrapToWidth('  abcdef g', 4)).toEqual(['  ab', 'cdef', 'g']);
  });

  it('fit the terminal, and stay whole in a file or a pipe', () => {
    const text = 'error[E_X] a message\n  next: do this and that';
    expect(linesOnTerminal(text, { is_tty: true, columns: 18 })).toEqual([
      'error[E_X] a',
      '  message',
      '  next: do this',
      '    and that',
    ]);
    expect(linesOnTerminal(text, { is_tty: false, columns: 18 })).toEqual(text.split('\n'));
  });
});

describe('csvRecord', () => {
  it('tells NULL from empty text and quotes what needs it', () => {
    expect(csvRecord([null, '', 'a,b', 'say "x"', 'l1\nl2', 5n, true, ' edge'], false)).toBe(
      ',"","a,b","say ""x""","l1\nl2",5,true," edge"',
    );
  });

  it('disarms formulas on request, never numbers', () => {
    expect(csvRecord(['=1+1', '@x', '-5', -5, '+a'], true)).toBe("'=1+1,'@x,'-5,-5,'+a");
    expect(csvRecord(['=1+1'], false)).toBe('=1+1');
  });
});

describe('barChart', () => {
  const bars = [
    { label: 'France', value: 10 },
    { label: 'Italie', value: 5 },
    { label: 'Rien', value: 0 },
    { label: 'Perte', value: -3 },
  ];
  it('draws from zero and fits the width', () => {
    expect(barChart(bars, 22, true)).toEqual([
      'France  ##########  10',
      'Italie  #####        5',
      'Rien                 0',
      'Perte               -3',
    ]);
    expect(barChart(bars, 22, false)[1]).toContain('█████ ');
  });
  it('has no bars when there is nothing to compare', () => {
    expect(barChart([{ label: 'a', value: Number.NaN }], 20, true)[0]).not.toContain('#');
    expect(barChart([], 20, true)).toEqual([]);
  });
});

describe('colours and characters', () => {
  it.each([
    [{ no_color: false, is_tty: true, env: {} }, true],
    [{ no_color: true, is_tty: true, env: { FORCE_COLOR: '1' } }, false],
    [{ no_color: false, is_tty: true, env: { NO_COLOR: '1' } }, false],
    [{ no_color: false, is_tty: true, env: { NO_COLOR: '' } }, true],
    [{ no_color: false, is_tty: false, env: {} }, false],
    [{ no_color: false, is_tty: false, env: { FORCE_COLOR: '1' } }, true],
    [{ no_color: false, is_tty: true, env: { FORCE_COLOR: '0' } }, false],
    [{ no_color: false, is_tty: true, env: { TERM: 'dumb' } }, false],
  ])('%j → %s', (question, expected) => expect(wantsColor(question)).toBe(expected));

  it('draws with ASCII where the locale has nothing else', () => {
    expect(isAscii({ LANG: 'C' })).toBe(true);
    expect(isAscii({ LANG: 'C', LC_ALL: 'C.UTF-8' })).toBe(false);
    expect(isAscii({ LANG: 'fr_FR.UTF-8' })).toBe(false);
    expect(isAscii({})).toBe(false);
  });
});
