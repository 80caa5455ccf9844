/** C0 and C1 controls, DEL, line and paragraph separators, and marks that reorder or hide text. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text from files, names or drivers, made safe for a terminal: what could move the cursor or reorder the line is spelt out. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const PLAIN = /^[\x20-\x7e]*$/;
/** Scripts whose letters take two cells (East Asian Width W and F, the large blocks). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f|\p{Regional_Indicator}/u;
const NO_WIDTH = /^[\p{Mark}\p{Cf}]+$/u;
let segmenter: Intl.Segmenter | undefined;

/** How many terminal cells a text takes. Counts by grapheme, so that `é` written as two code points is one cell. */
export function cellWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** Cuts a text to so many cells and marks the cut with `…`. */
export function cutToWidth(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  let cut = '';
  let width = 1;
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme);
    if (width > cells) break;
    cut += grapheme;
  }
  return `${cut}…`;
}

/** Cuts like {@link cutToWidth}, but and never behind a digit: part of a number would be read as another one. */
export function cutBetweenWords(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  return `${cutToWidth(text, cells).slice(0, -1).replace(NUMERAL_END, '')}…`;
}

const NUMERAL_END = /[\d.,:]+$/;

/** Fills a text up with spaces to so many cells. */
export function padToWidth(text: string, cells: number, align: 'left' | 'right'): string {
  const fill = ' '.repeat(Math.max(0, cells - cellWidth(text)));
  return align === 'right' ? fill + text : text + fill;
}

function graphemes(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

function graphemeWidth(grapheme: string): number {
  if (NO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1;
}

/** A text in lines of so many cells: broken at blanks, and within words that are longer than a line. */
export function wrapToWidth(text: string, cells: number): readonly string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  let begun = false;
  for (const word of text.trimStart().split(' ')) {
    const longer = begun ? `${line} ${word}` : line + word;
    if (cellWidth(longer) <= cells) line = longer;
    else {
      if (begun) lines.push(line);
      const chunks = chunksOf(begun ? word : longer, cells);
      lines.push(...chunks.slice(0, -1));
      line = chunks.at(-1) ?? '';
    }
    begun = true;
  }
  return [...lines, line];
}

function chunksOf(line: string, cells: number): readonly string[] {
  const chunks: string[] = [];
  let chunk = '';
  for (const grapheme of graphemes(line)) {
    if (chunk !== '' && cellWidth(chunk) + graphemeWidth(grapheme) > cells) {
      chunks.push(chunk);
      chunk = '';
    }
    chunk += grapheme;
  }
  return [...chunks, chunk];
}

/** A message line by line: on a terminal broken at blanks where it is too long, what follows indented; elsewhere whole, for those who search it. */
export function linesOnTerminal(
  text: string,
  terminal: { readonly is_tty: boolean; readonly columns: number | undefined },
): readonly string[] {
  const { is_tty, columns } = terminal;
  const lines = text.split('\n');
  if (!is_tty || columns === undefined || columns <= 0) return lines;
  return lines.flatMap((line) => wrapWords(line, columns, `${/^ */.exec(line)?.[0] ?? ''}  `));
}

/** Lines of at most `width` cells, broken at blanks; those after the first begin with `hanging`. A longer word stays whole. */
export function wrapWords(text: string, width: number, hanging = ''): readonly string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  let begun = false;
  for (const word of text.trimStart().split(' ')) {
    if (begun && cellWidth(line) + 1 + cellWidth(word) > width) {
      lines.push(line);
      line = hanging + word;
    } else line += begun ? ` ${word}` : word;
    begun = true;
  }
  return [...lines, line];
}
