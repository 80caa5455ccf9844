import { renderType, type TypeNode } from '../../../core/types/type-text.ts';
import { Refused } from './refusal.ts';
import { momentText } from './text-moments.ts';
import { decimalText, doubleText, truthOf, wholeDecimal } from './text-numbers.ts';
import { asText } from './to-text.ts';
import { digitsOf, type Family, familyOf, plain, type Sql, sameType, sparkType } from './types.ts';

/** Whole numbers below which a double names every one, so that both engines see the same digits. */
const CASTABLE_DIGITS_MAX = 18;

/**
 * A cast as DuckDB does it: decimals to whole numbers and to fewer digits round half away from zero, doubles to whole numbers round half to even, doubles to
 * decimals by what a product with a power of ten gives. `may_fail`: what cannot be cast becomes NULL.
 * @throws Refused for a pair of types whose casts differ.
 */
export function cast(sql: Sql, to: TypeNode, may_fail = false): Sql {
  if (sameType(sql.type, to)) return sql;
  const text = castText(sql, to, may_fail);
  return { text, type: to, whole: true };
}

function castText(sql: Sql, to: TypeNode, may_fail: boolean): string {
  const word = may_fail ? 'TRY_CAST' : 'CAST';
  const target = sparkType(to);
  const [from, into] = [familyOf(sql.type), familyOf(to)];
  const plainly = (text: string): string => `${word}(${text} AS ${target})`;
  if (from === 'null') return `CAST(NULL AS ${target})`;
  if (from === 'decimal' && into === 'whole') return plainly(`ROUND(${sql.text}, 0)`);
  if (from === 'decimal' && into === 'huge') return plainly(sql.text);
  if (from === 'double' && into === 'whole') return plainly(`RINT(${sql.text})`);
  if (from === 'double' && into === 'decimal') return doubleToDecimal(sql.text, to, word);
  if (PLAIN.get(from)?.includes(into) === true) return plainly(sql.text);
  const made =
    into === 'text' ? asText(sql.text, from) : from === 'text' ? textTo(sql.text, into, target, word) : undefined;
  if (made !== undefined) return made;
  throw new Refused(
    `${may_fail ? 'try_cast' : 'cast'} from ${renderType(sql.type)} to ${renderType(to)}`,
    remedyFor(from),
  );
}

/** Casts that both engines do alike, in Spark's ANSI mode and with UTC as the session's time zone. */
const PLAIN: ReadonlyMap<Family, readonly Family[]> = new Map<Family, readonly Family[]>([
  ['whole', ['whole', 'huge', 'decimal', 'double', 'text', 'boolean']],
  ['huge', ['whole', 'decimal', 'double', 'text']],
  ['decimal', ['decimal', 'double', 'text']],
  ['float', ['double']],
  ['boolean', ['whole', 'text']],
  ['date', ['timestamp', 'timestamptz']],
  ['timestamp', ['date', 'timestamptz']],
  ['timestamptz', ['date', 'timestamp']],
]);

/** The casts that are translated, for the guide. */
export const CASTS: readonly string[] = [
  ...[...PLAIN].map(([from, into]) => `${from} → ${into.join(', ')}`),
  'decimal → whole, huge',
  'double → whole, decimal up to 17 digits after the point and 18 in all',
  'text → whole, decimal, double, boolean, date, timestamp, timestamptz',
  'double, date, timestamp, timestamptz → text',
];

/** Both engines multiply, round half away and divide; with more digits than these the double itself is read differently. */
function doubleToDecimal(text: string, to: TypeNode, word: string): string {
  const { precision, scale } = digitsOf(to);
  if (precision > CASTABLE_DIGITS_MAX || scale === CASTABLE_DIGITS_MAX)
    throw new Refused(`cast from double to ${renderType(to)}`, 'Cast it to decimal(18,s) with at most 17 digits s.');
  return ofUnscaled(`${word}(ROUND(${text} * ${10 ** scale}D) AS BIGINT)`, to, word);
}

/** A decimal of a BIGINT that holds its digits; at most 17 of them stand after the point, else the product would lose some. */
export function ofUnscaled(text: string, to: TypeNode, word = 'CAST'): string {
  const { scale } = digitsOf(to);
  const product = scale === 0 ? text : `${text} * 0.${'0'.repeat(scale - 1)}1BD`;
  return `${word}(${product} AS ${sparkType(to)})`;
}

/** Texts are brought into a form that Spark reads, or made unreadable for both; what DuckDB alone reads ends the query. */
function textTo(text: string, into: Family, target: string, word: string): string | undefined {
  switch (into) {
    case 'decimal':
      return `${word}(${decimalText(text)} AS ${target})`;
    case 'double':
      return `${word}(${doubleText(text)} AS ${target})`;
    case 'whole':
      return `${word}(ROUND(${wholeDecimal(text, word)}, 0) AS ${target})`;
    case 'boolean':
      return truthOf(text, word === 'TRY_CAST');
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return `${word}(${momentText(text, into)} AS ${target})`;
    default:
      return undefined;
  }
}

function remedyFor(from: Family): string | undefined {
  if (from === 'text') return 'Convert it in silver, where the engine that reads the source does it.';
  return undefined;
}

/** The type in which two values are compared; undefined where the engines do it differently. */
export function comparedAs(one: TypeNode, other: TypeNode): TypeNode | undefined {
  if (sameType(one, other)) return one;
  const [a, b] = [familyOf(one), familyOf(other)];
  if (a === 'null') return other;
  if (b === 'null') return one;
  const numbers = ['whole', 'huge', 'decimal', 'double'];
  if (numbers.includes(a) && numbers.includes(b)) {
    if (a === 'double' || b === 'double') return plain('double');
    // Spark compares whole numbers and decimals of any digits exactly, as they stand.
    return undefined;
  }
  const pair = new Set([a, b]);
  if (pair.has('date') && pair.has('timestamp')) return plain('timestamp');
  throw new Refused(
    `a comparison of ${renderType(one)} with ${renderType(other)}`,
    'Cast one of them to the type of the other.',
  );
}
