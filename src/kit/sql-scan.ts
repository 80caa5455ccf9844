const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'?|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|"(?:[^"]|"")*"?|[()[\]{};]|[^'"$()[\]{};/-]+|[\s\S]/g;
const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/**
 * What keeps an SQL text from standing inside a larger statement in parentheses: an open quote or comment, brackets that
 * do not pair, a second statement. Undefined when nothing does. Looks at tokens, not grammar: the engine judges the rest.
 */
export function fragmentProblem(sql: string): string | undefined {
  if (sql.includes('\0')) return 'contains a NUL character';
  const open: string[] = [];
  let seen = false;
  for (const [text, tag] of sql.matchAll(TOKEN)) {
    const problem = unterminated(text, tag);
    if (problem !== undefined) return problem;
    if (text === '(' || text === '[' || text === '{') open.push(text);
    else if (CLOSES[text] !== undefined && open.pop() !== CLOSES[text]) return `has a '${text}' that closes nothing`;
    else if (text === ';') return 'contains a semicolon: one statement only, without ; at its end';
    if (!/^(\s*$|--|\/\*)/.test(text)) seen = true;
  }
  if (open.length > 0) return `has a '${open.at(-1)}' that is never closed`;
  return seen ? undefined : 'is empty';
}

function unterminated(text: string, tag: string | undefined): string | undefined {
  if (text.startsWith('/*') && !text.endsWith('*/')) return 'has a comment that is never closed';
  const quote = text.charAt(0);
  if ((quote === "'" || quote === '"') && (text.length < 2 || !text.endsWith(quote) || oddQuotes(text, quote)))
    return `has a ${quote} that is never closed`;
  if (tag !== undefined && (text.length < 2 * tag.length + 4 || !text.endsWith(`$${tag}$`)))
    return 'has a dollar quote that is never closed';
  return undefined;
}

/** `'a''` matches the token as closed, but its last two quotes are one escaped quote. */
function oddQuotes(text: string, quote: string): boolean {
  let count = 0;
  for (const char of text) if (char === quote) count += 1;
  return count % 2 === 1;
}
