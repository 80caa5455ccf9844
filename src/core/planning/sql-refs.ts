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

/** Functions that tell the time of the run, and those of them that are written without brackets. */
const CLOCK = new Set(['current_date', 'current_timestamp', 'current_time', 'localtime', 'localtimestamp']);
const CLOCK_CALLS = new Set([
  'now',
  'today',
  'get_current_timestamp',
  'get_current_time',
  'current_localtimestamp',
  'current_localtime',
  'transaction_timestamp',
  'age',
]);

/** The first function of an SQL text by which its result depends on the time of the run; undefined when there is none. */
export function clockReadIn(sql: string): string | undefined {
  const tokens = tokenise(sql);
  return tokens.find((_, i) => readsClockAt(tokens, i))?.name;
}

function readsClockAt(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i];
  if (token?.name === undefined || token.text.startsWith('"') || tokens[i - 1]?.text === '.') return false;
  const [name, next] = [token.name.toLowerCase(), tokens[i + 1]?.text];
  if (next === '.') return false;
  if (name === 'age') return next === '(' && argumentsFrom(tokens, i + 1) === 1;
  return CLOCK.has(name) || (CLOCK_CALLS.has(name) && next === '(');
}

/** These tell no more than the day. */
const DAYS = new Set(['current_date', 'today', 'age']);
const CHANCE_CALLS = new Set([
  'random',
  'setseed',
  'uuid',
  'uuidv4',
  'uuidv7',
  'gen_random_uuid',
  'nextval',
  'currval',
]);

/** The first function of an SQL text that gives something else at every call: chance, or the very moment of the run. */
export function unsteadyIn(sql: string): string | undefined {
  const tokens = tokenise(sql);
  return tokens.find((token, i) => {
    const name = token.name?.toLowerCase();
    if (name === undefined || tokens[i - 1]?.text === '.') return false;
    if (CHANCE_CALLS.has(name) && tokens[i + 1]?.text === '(') return true;
    return !DAYS.has(name) && readsClockAt(tokens, i);
  })?.name;
}

/** How many arguments stand in the brackets that open at this token. */
function argumentsFrom(tokens: readonly Token[], open: number): number {
  let depth = 0;
  let commas = 0;
  for (const { text } of tokens.slice(open)) {
    if (text === '(') depth++;
    else if (text === ')' && --depth === 0) break;
    else if (text === ',' && depth === 1) commas++;
  }
  return commas + 1;
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
