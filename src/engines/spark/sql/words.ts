/** An identifier of Spark's dialect, always quoted: no word of either dialect then means anything else. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A text literal of Spark's dialect, in which a backslash escapes, and `${name}` would be replaced by a setting even in literals. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('${', '\\u0024{')}'`;
}

/** Deeper by one level. */
export function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

/** Literals and quoted names, in which a parenthesis is none. */
const QUOTED = /'(?:[^'\\]|\\.)*'|`[^`]*`/gs;

/** Without the parentheses around the whole text, where they are a pair and hold no query. */
export function bare(text: string): string {
  if (!text.startsWith('(') || text.startsWith('(\n') || !text.endsWith(')')) return text;
  const blank = text.replaceAll(QUOTED, (found) => '_'.repeat(found.length));
  let depth = 0;
  for (const { 0: sign, index } of blank.matchAll(/[()]/g)) {
    depth += sign === '(' ? 1 : -1;
    if (depth === 0 && index < text.length - 1) return text;
  }
  return text.slice(1, -1);
}
