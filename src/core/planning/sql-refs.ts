import { LAYERS } from '../model/table.ts';

/**
 * The lake tables that an SQL text names (`silver.achats`, `"gold"."dim x"` excluded by the name rule), in order of first
 * appearance. Works on tokens, so strings and comments do not count; it needs no engine, which keeps planning free of it.
 */
export function tablesNamedIn(sql: string): readonly string[] {
  const found = new Set<string>();
  const tokens = tokenise(sql);
  for (let i = 0; i + 2 < tokens.length; i++) {
    const [schema, dot, table] = [tokens[i], tokens[i + 1], tokens[i + 2]];
    if (schema?.name === undefined || dot?.text !== '.' || table?.name === undefined) continue;
    if (tokens[i - 1]?.text === '.') continue;
    const layer = schema.name.toLowerCase();
    if ((LAYERS as readonly string[]).includes(layer) || layer === 'quarantine') found.add(`${layer}.${table.name}`);
  }
  return [...found];
}

interface Token {
  readonly text: string;
  /** Set for identifiers: the name without its quotes. */
  readonly name?: string;
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'?|\$(\w*)\$[\s\S]*?\$\1\$|"((?:[^"]|"")*)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|\d[\w.]*|\s+|[\s\S]/g;

function tokenise(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of sql.matchAll(TOKEN)) {
    const text = match[0];
    if (/^(\s|--|\/\*)/.test(text)) continue;
    const quoted = match[2];
    const bare = match[3];
    if (quoted !== undefined) tokens.push({ text, name: quoted.replaceAll('""', '"') });
    else if (bare !== undefined) tokens.push({ text, name: bare });
    else tokens.push({ text });
  }
  return tokens;
}

/** Names, in lower case, that stand before an opening bracket: the functions that an SQL text calls, among others. */
export function functionsNamedIn(sql: string): readonly string[] {
  const tokens = tokenise(sql);
  return tokens.flatMap((token, i) =>
    token.name !== undefined && tokens[i + 1]?.text === '(' ? [token.name.toLowerCase()] : [],
  );
}

/** The text without comments and with runs of blanks folded: what a code fingerprint looks at, so that re-indenting runs nothing. */
export function normaliseSql(sql: string): string {
  let out = '';
  for (const match of sql.matchAll(TOKEN)) {
    const text = match[0];
    if (/^(--|\/\*|\s)/.test(text)) {
      if (!out.endsWith(' ')) out += ' ';
    } else out += text;
  }
  return out.trim();
}

/** The text with strings, quoted names and comments blanked: what is left is keywords, bare names and punctuation. */
export function withoutLiterals(sql: string): string {
  return tokenise(sql)
    .map((token) => (/^['"$]/.test(token.text) ? ' _ ' : token.text))
    .join(' ');
}
