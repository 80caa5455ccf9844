import { cellWidth, cutBetweenWords, escapeControls, padToWidth } from '../kit/terminal-text.ts';

/** What a text means; the colours follow from it. */
export type Tone = 'plain' | 'dim' | 'bold' | 'good' | 'bad' | 'warn' | 'active';

export interface Segment {
  readonly text: string;
  readonly tone: Tone;
  /** Part of what the keys act on, where not the whole line is. */
  readonly chosen?: boolean;
}

/** One line of the screen. `chosen`: the line that the keys act on. */
export interface Line {
  readonly segments: readonly Segment[];
  readonly chosen?: boolean;
}

/** The terminal that lines are for. */
export interface Room {
  readonly width: number;
  readonly height: number;
  /** No other signs than those of ASCII. */
  readonly ascii: boolean;
}

export function segment(text: string, tone: Tone = 'plain'): Segment {
  return { text, tone };
}

export function line(...segments: readonly (Segment | string)[]): Line {
  return { segments: segments.map((one) => (typeof one === 'string' ? segment(one) : one)) };
}

export function textOf({ segments }: Line): string {
  return segments.map((one) => one.text).join('');
}

/** The same line in so many cells: what is too long is cut, never within a number. Control characters are spelt out. */
export function fitted(one: Line, width: number): Line {
  const segments = one.segments.map((part) => ({ ...part, text: escapeControls(part.text) }));
  const whole = segments.map(({ text }) => text).join('');
  if (cellWidth(whole) <= width) return { ...one, segments };
  const cut = cutBetweenWords(whole, width);
  let left = cut.length - 1;
  const kept = segments.flatMap((part) => {
    const text = part.text.slice(0, left);
    left -= text.length;
    return text === '' ? [] : [{ ...part, text }];
  });
  const mark = segment('…', kept.at(-1)?.tone);
  return { ...one, segments: [...kept, one.chosen === true ? { ...mark, chosen: true } : mark] };
}

/** Two texts at both ends of a line; the one at the right goes when there is no room for both. */
export function apart(left: Line, right: Line, width: number): Line {
  const gap = width - cellWidth(textOf(left)) - cellWidth(textOf(right));
  if (gap < 2) return fitted(left, width);
  return { ...left, segments: [...left.segments, segment(' '.repeat(gap)), ...right.segments] };
}

/** A rule across, with a heading in it. */
export function rule(heading: string, { width, ascii }: Room): Line {
  const sign = ascii ? '-' : '─';
  const shown = heading === '' ? '' : `${sign} ${heading} `;
  return line(segment(padToWidth(shown, 0, 'left') + sign.repeat(Math.max(0, width - cellWidth(shown))), 'dim'));
}
