import type { Column } from '../../core/model/table.ts';
import { parseType } from '../../core/types/type-text.ts';
import { quoteIdent } from '../../kit/sql.ts';

/** Declared types that PostgreSQL has, although the lake keeps their values as text. */
const KEPT: ReadonlyMap<string, string> = new Map([
  ['uuid', 'uuid'],
  ['json', 'jsonb'],
  ['time', 'time'],
  ['timetz', 'time with time zone'],
]);

/** Types of the lake and of PostgreSQL; the latter as `format_type` spells them. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ['bigint', 'bigint'],
  ['integer', 'integer'],
  ['smallint', 'smallint'],
  ['tinyint', 'smallint'],
  ['double', 'double precision'],
  ['float', 'real'],
  ['varchar', 'text'],
  ['boolean', 'boolean'],
  ['blob', 'bytea'],
  ['date', 'date'],
  ['timestamptz', 'timestamp with time zone'],
  ['timestamp', 'timestamp without time zone'],
]);

/** What a column of the lake is at PostgreSQL: lists, maps and structs are `jsonb`. */
export function pgType({ type, kept_as }: Column): string {
  const kept = kept_as === undefined ? undefined : KEPT.get(kept_as);
  if (kept !== undefined) return kept === 'time' ? 'time without time zone' : kept;
  const node = parseType(type);
  if (node.kind === 'decimal') return `numeric(${node.precision},${node.scale})`;
  return node.kind === 'plain' ? (PLAIN.get(node.name) ?? 'text') : 'jsonb';
}

/** Types that hold every value of the key's type. */
const WIDER: ReadonlyMap<string, readonly string[]> = new Map([
  ['smallint', ['integer', 'bigint', 'real', 'double precision']],
  ['integer', ['bigint', 'double precision']],
  ['real', ['double precision']],
]);

const INTEGER_DIGITS: ReadonlyMap<string, number> = new Map([
  ['smallint', 5],
  ['integer', 10],
  ['bigint', 19],
]);

/** Whether a column of type `there` holds every value of `wanted`, unchanged. */
export function holdsValues(there: string, wanted: string): boolean {
  if (there === wanted || WIDER.get(wanted)?.includes(there) === true) return true;
  const digits = INTEGER_DIGITS.get(wanted);
  const other = digits === undefined ? numericParts(wanted) : { whole: digits, scale: 0 };
  if (other === undefined) return false;
  if (there === 'numeric') return true;
  const mine = numericParts(there);
  return mine !== undefined && mine.whole >= other.whole && mine.scale >= other.scale;
}

function numericParts(type: string): { readonly whole: number; readonly scale: number } | undefined {
  const parts = /^numeric\((\d+),(\d+)\)$/.exec(type);
  if (parts === null) return undefined;
  return { whole: Number(parts[1]) - Number(parts[2]), scale: Number(parts[2]) };
}

/**
 * The text of a column for `COPY`, as SQL of the engine: tabs, line ends and backslashes of texts are escaped, instants are in UTC, and bytes are hexadecimal.
 */
export function copyText(column: Column): string {
  const name = quoteIdent(column.name);
  const type = pgType(column);
  if (type === 'jsonb') return escaped(jsonText(column, name));
  switch (type) {
    case 'text':
      return escaped(name);
    case 'bytea':
      return `'\\\\x' || lower(hex(${name}))`;
    case 'date':
    case 'timestamp without time zone':
      return era(name, `${name}::varchar`);
    case 'timestamp with time zone':
      // The engine writes an instant in the zone of its session; as an instant without zone it is written as it is in UTC.
      return `case when isfinite(${name}) then ${era(name, `make_timestamp(epoch_us(${name}))::varchar`, " || '+00'")} else ${name}::varchar end`;
    default:
      return `${name}::varchar`;
  }
}

/** What is no JSON, although its column was declared so, becomes a JSON text. */
function jsonText({ kept_as }: Column, name: string): string {
  if (kept_as !== 'json') return `to_json(${name})::varchar`;
  return `case when json_valid(${name}) then ${name} else to_json(${name})::varchar end`;
}

/** The engine writes `(BC)`, PostgreSQL reads `BC` behind the offset. */
function era(name: string, text: string, offset = ''): string {
  return `case when year(${name}) > 0 then ${text}${offset} else replace(${text}, ' (BC)', '')${offset} || ' BC' end`;
}

const ESCAPES = [
  ['chr(92)', "'\\\\'"],
  ['chr(9)', "'\\t'"],
  ['chr(10)', "'\\n'"],
  ['chr(13)', "'\\r'"],
] as const;

/** Few texts have anything to escape, and looking is quicker than replacing. */
function escaped(text: string): string {
  const found = ESCAPES.map(([character]) => `contains(${text}, ${character})`).join(' or ');
  const replaced = ESCAPES.reduce((inner, [character, written]) => `replace(${inner}, ${character}, ${written})`, text);
  return `case when ${found} then ${replaced} else ${text} end`;
}
