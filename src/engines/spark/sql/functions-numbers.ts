import type { Call, Rules } from './call.ts';
import { cast, comparedAs } from './casts.ts';
import { digitsOfConstant } from './literals.ts';
import { digitsOf, familyOf, isExact, plain, type Sql, sparkType } from './types.ts';

const DOUBLE = plain('double');

/** Decimal digits that Spark keeps; a product or sum of more loses digits after the point there, without a word. */
const DIGITS_MAX = 38;
/** Digits before the point that an operand keeps at least when it is narrowed. */
const DIGITS_LEFT_MIN = 9;

/** `+`, `-`, `*` of numbers. */
export function arithmetic(call: Call, operator: '+' | '-' | '*'): string {
  call.count(2);
  const target = familyOf(call.type);
  if (target === 'double') return `(${call.as(0, DOUBLE)} ${operator} ${call.as(1, DOUBLE)})`;
  if (target === 'whole') return `(${call.as(0, call.type)} ${operator} ${call.as(1, call.type)})`;
  if ((target !== 'decimal' && target !== 'huge') || !isExact(call.arg(0).type) || !isExact(call.arg(1).type))
    throw call.refused('of these types');
  const [left, right] = operator === '*' ? factors(call) : summands(call);
  return `CAST(${left} ${operator} ${right} AS ${sparkType(call.type)})`;
}

/** Narrowed so that the sum has at most 38 digits: what does not fit raises an error, where Spark would drop digits after the point. */
function summands(call: Call): readonly [string, string] {
  const [one, other] = [call.arg(0), call.arg(1)];
  const [a, b] = [digitsOf(one.type), digitsOf(other.type)];
  const scale = Math.max(a.scale, b.scale);
  if (scale + Math.max(a.precision - a.scale, b.precision - b.scale) + 1 <= DIGITS_MAX) return [one.text, other.text];
  return [
    narrowed(call, one, DIGITS_MAX - 1 - scale + a.scale),
    narrowed(call, other, DIGITS_MAX - 1 - scale + b.scale),
  ];
}

function factors(call: Call): readonly [string, string] {
  const [one, other] = [call.arg(0), call.arg(1)];
  const [a, b] = [digitsOf(one.type).precision, digitsOf(other.type).precision];
  if (a + b + 1 <= DIGITS_MAX) return [one.text, other.text];
  const room = DIGITS_MAX - 1;
  if (Math.min(a, b) > room / 2) return [narrowed(call, one, 18), narrowed(call, other, 19)];
  return a > b ? [narrowed(call, one, room - b), other.text] : [one.text, narrowed(call, other, room - a)];
}

function narrowed(call: Call, sql: Sql, precision: number): string {
  const digits = digitsOf(sql.type);
  if (digits.precision <= precision) return sql.text;
  if (precision - digits.scale < DIGITS_LEFT_MIN)
    throw call.refused('of decimals with so many digits', 'Cast them to fewer digits first, such as decimal(18,2).');
  return `CAST(${sql.text} AS DECIMAL(${precision},${digits.scale}))`;
}

/** Always a double in DuckDB; by zero it is an infinity or NaN, where Spark raises an error. */
function divided(call: Call): string {
  call.count(2);
  if (familyOf(call.type) !== 'double') throw call.refused('of these types');
  const [a, b] = [call.as(0, DOUBLE), call.as(1, DOUBLE)];
  if (isNonZero(call)) return `(${a} / ${b})`;
  return `(CASE WHEN ${b} = 0D THEN ${a} * POWER(${b}, -1D) ELSE ${a} / ${b} END)`;
}

function isNonZero(call: Call): boolean {
  const digits = digitsOfConstant(call.nodes[1]);
  return digits !== undefined && Number(digits) !== 0;
}

/** Of whole numbers, NULL by zero. */
function whole(call: Call, operator: 'DIV' | '%'): string {
  call.count(2);
  const target = familyOf(call.type);
  const remainder = operator === '%';
  if (target === 'double' && remainder && isNonZero(call)) return `(${call.as(0, DOUBLE)} % ${call.as(1, DOUBLE)})`;
  if (target !== 'whole' && !(remainder && (target === 'huge' || target === 'decimal')))
    throw call.refused(
      `of ${target === 'huge' ? 'hugeint' : target}`,
      remainder ? undefined : 'Cast both sides to bigint, or use floor(a / b).',
    );
  const exact = target !== 'whole';
  const a = exact ? exactly(call, 0) : call.as(0, call.type);
  const b = exact ? exactly(call, 1) : call.as(1, call.type);
  const divisor = isNonZero(call) ? b : `NULLIF(${b}, 0)`;
  return `CAST(${a} ${operator} ${divisor} AS ${sparkType(call.type)})`;
}

function exactly(call: Call, index: number): string {
  if (!isExact(call.arg(index).type)) throw call.refused('of these types');
  return call.arg(index).text;
}

/** Half away from zero in both; a double is multiplied, rounded and divided, as DuckDB does it. */
function round(call: Call): string {
  const places = call.count(1, 2) === 2 ? call.whole(1, -15, 15) : 0;
  const value = call.arg(0).text;
  const target = sparkType(call.type);
  if (call.family(0) === 'double') {
    if (places === 0) return `ROUND(${value})`;
    const by = `${10 ** Math.abs(places)}D`;
    return places > 0 ? `(ROUND(${value} * ${by}) / ${by})` : `(ROUND(${value} / ${by}) * ${by})`;
  }
  if (call.family(0) === 'decimal' && places >= 0) return `CAST(ROUND(${value}, ${places}) AS ${target})`;
  if (call.family(0) === 'whole' && places >= 0) return call.as(0, call.type);
  throw call.refused(`of ${call.family(0)} with ${places} digits`);
}

function towards(spark: 'CEIL' | 'FLOOR'): (call: Call) => string {
  return (call) => {
    call.count(1);
    const target = sparkType(call.type);
    // A bigint in Spark: a double beyond it stays what it is in DuckDB, a whole number.
    if (call.family(0) === 'double')
      return `(CASE WHEN ABS(${call.arg(0).text}) < 9E15D THEN CAST(${spark}(${call.arg(0).text}) AS DOUBLE) ELSE ${call.arg(0).text} END)`;
    if (call.family(0) === 'decimal') return `CAST(${spark}(${call.arg(0).text}) AS ${target})`;
    throw call.refused(`of ${call.family(0)}`);
  };
}

/** Outside of its domain the function is an error in DuckDB, and NaN or NULL in Spark. */
function within(spark: string, outside: (x: string) => string): (call: Call) => string {
  return (call) => {
    call.count(1);
    const x = call.as(0, DOUBLE);
    return `${spark}(CASE WHEN ${outside(x)} THEN CAST(RAISE_ERROR('${call.name}() of a number outside of its domain') AS DOUBLE) ELSE ${x} END)`;
  };
}

function power(call: Call): string {
  call.count(2);
  if (familyOf(call.type) !== 'double') throw call.refused('of these types');
  return `POWER(${call.as(0, DOUBLE)}, ${call.as(1, DOUBLE)})`;
}

/** The values as one type; NULLs do not count in either engine. */
function among(spark: 'GREATEST' | 'LEAST'): (call: Call) => string {
  return (call) => `${spark}(${call.args.map((_, index) => call.as(index, call.type)).join(', ')})`;
}

function nullif(call: Call): string {
  call.count(2);
  const shared = comparedAs(call.arg(0).type, call.arg(1).type);
  const [a, b] = [call.arg(0), call.arg(1)].map((one) => (shared === undefined ? one : cast(one, shared)).text);
  return `(CASE WHEN ${a} = ${b} THEN NULL ELSE ${call.as(0, call.type)} END)`;
}

export const NUMBER_FUNCTIONS: Rules = {
  '/': divided,
  '//': (call) => whole(call, 'DIV'),
  '%': (call) => whole(call, '%'),
  mod: (call) => whole(call, '%'),
  abs: (call) => {
    call.of(0, 'whole', 'huge', 'decimal', 'double');
    return `ABS(${call.as(0, call.type)})`;
  },
  sign: (call) => {
    call.of(0, 'whole', 'huge', 'decimal', 'double');
    return `CAST(SIGN(${call.arg(0).text}) AS ${sparkType(call.type)})`;
  },
  round,
  ceil: towards('CEIL'),
  ceiling: towards('CEIL'),
  floor: towards('FLOOR'),
  sqrt: within('SQRT', (x) => `${x} < 0D`),
  ln: within('LN', (x) => `${x} <= 0D`),
  log10: within('LOG10', (x) => `${x} <= 0D`),
  exp: (call) => `EXP(${call.as(0, DOUBLE)})`,
  power,
  pow: power,
  '**': power,
  greatest: among('GREATEST'),
  least: among('LEAST'),
  nullif,
  isnan: (call) => `(${call.of(0, 'double')} = CAST('NaN' AS DOUBLE))`,
};
