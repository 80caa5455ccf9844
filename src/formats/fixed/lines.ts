/** Where fields stand in a line: name → first character from 1 and number of characters. */
export type FixedFields = Readonly<Record<string, readonly [start: number, length: number]>>;

const BEYOND_BASIC = /[\ud800-\udfff]/;

/**
 * A line of fixed width as a line of CSV, blanks around values taken away. A line that ends before its last field or goes on behind it becomes a
 * record with a wrong number of values, which the reader rejects with its place and text.
 */
export function fixedToCsv(line: string, fields: FixedFields): string {
  const places = Object.values(fields);
  const characters = BEYOND_BASIC.test(line) ? Array.from(line) : undefined;
  const cut = (from: number, to?: number): string =>
    characters === undefined ? line.slice(from, to) : characters.slice(from, to).join('');
  const end = Math.max(...places.map(([start, length]) => start - 1 + length));
  const has = characters?.length ?? line.length;
  if (has < end || cut(end).trim() !== '') return places.length === 1 ? `${quoted(line)},` : quoted(line);
  return places.map(([start, length]) => cell(cut(start - 1, start - 1 + length).trim())).join(',');
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? quoted(text) : text;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
