/**
 * Letters whose upper case has several letters in Spark (`ß` → `SS`) and one in DuckDB (`ẞ`, `Ǆ`), or which DuckDB leaves as they are (`ŉ`, `ﬁ`). Letters that came with
 * Unicode 15 and later are left out: they differ between versions of the engines anyway.
 */
const SPECIAL: readonly (readonly [letter: string, upper: string])[] = [
  ['ß', 'ẞ'],
  ...alone('ŉǰΐΰևẖẗẘẙẚὐὒὔὖ'),
  ...shifted(0x1f80),
  ...shifted(0x1f90),
  ...shifted(0x1fa0),
  ...alone('ᾲᾴᾶᾷᾼῂῄῆῇῌῒΐῖῗῢΰῤῦῧῲῴῶῷῼﬀﬁﬂﬃﬄﬅﬆﬓﬔﬕﬖﬗ'),
  ['ᾳ', 'ᾼ'],
  ['ῃ', 'ῌ'],
  ['ῳ', 'ῼ'],
];

function alone(letters: string): readonly (readonly [string, string])[] {
  return [...letters].map((letter) => [letter, letter]);
}

/** Eight letters, then eight that are their upper case. */
function shifted(from: number): readonly (readonly [string, string])[] {
  const letter = (offset: number): string => String.fromCodePoint(from + offset);
  return Array.from({ length: 16 }, (_, at) => [letter(at), letter(at < 8 ? at + 8 : at)]);
}

/** Stands for a special letter while the others are converted: the end of the private use area. */
const STANDS_FROM = 0xf8ff - SPECIAL.length;

const LETTERS = SPECIAL.map(([letter]) => letter).join('');
const STANDS = SPECIAL.map((_, at) => String.fromCodePoint(STANDS_FROM + at)).join('');
const UPPER = SPECIAL.map(([, upper]) => upper).join('');

/** upper() as DuckDB has it: each letter becomes one letter. */
export function upperCase(text: string): string {
  return `TRANSLATE(UPPER(TRANSLATE(${text}, '${LETTERS}', '${STANDS}')), '${STANDS}', '${UPPER}')`;
}

/** lower() as DuckDB has it: `İ` becomes one letter, and a sigma at the end of a word is like any other. */
export function lowerCase(text: string): string {
  return `LOWER(TRANSLATE(${text}, 'İΣ', 'iσ'))`;
}
