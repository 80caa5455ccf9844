import { cellWidth } from '../kit/terminal-text.ts';
import { type Line, type Segment, type Tone, textOf } from './line.ts';

type Sgr = readonly [on: number, off: number];

const COLORS: Readonly<Record<Tone, Sgr | undefined>> = {
  plain: undefined,
  dim: [2, 22],
  bold: [1, 22],
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  active: [36, 39],
};
/** Without colours: what stands out still does. */
const PLAIN: Readonly<Record<Tone, Sgr | undefined>> = {
  ...{ plain: undefined, dim: [2, 22], bold: [1, 22] },
  ...{ good: undefined, bad: [1, 22], warn: undefined, active: [1, 22] },
};

/** A line as the terminal is sent it. */
export function painted(line: Line, { width, color }: { readonly width: number; readonly color: boolean }): string {
  const tones = color ? COLORS : PLAIN;
  const text = line.segments.map((one) => shown(one, tones, line.chosen === true)).join('');
  const rest = line.chosen === true ? ' '.repeat(Math.max(0, width - cellWidth(textOf(line)))) : '';
  // An empty line would take no room.
  return text + (rest === '' ? '' : wrapped(rest, [7, 27])) || ' ';
}

function shown({ text, tone, chosen }: Segment, tones: typeof COLORS, line_chosen: boolean): string {
  if (text === '') return '';
  const sgr = tones[tone];
  // Dim on a reversed background cannot be read.
  if (chosen === true || line_chosen) return wrapped(tone === 'bold' ? wrapped(text, [1, 22]) : text, [7, 27]);
  return sgr === undefined ? text : wrapped(text, sgr);
}

function wrapped(text: string, [on, off]: Sgr): string {
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
