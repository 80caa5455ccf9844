import { raised } from './refusal.ts';
import { BLANK } from './text-moments.ts';
import { quoteText } from './words.ts';

const DIGITS = '[0-9]+(?:_[0-9]+)*';
const MANTISSA = `[+-]?(?:${DIGITS}(?:[.](?:${DIGITS})?)?|[.]${DIGITS})`;

/** What DuckDB reads as a number: blanks around, digits with single underscores between, a point, an exponent. */
const NUMBER = `^${BLANK}*${MANTISSA}(?:[eE][+-]?${DIGITS})?${BLANK}*\\z`;
const PLAIN = `^${BLANK}*${MANTISSA}${BLANK}*\\z`;
const INFINITE = `(?i)^${BLANK}*[+-]?inf(?:inity)?${BLANK}*\\z`;
const NO_NUMBER = `(?i)^${BLANK}*[+-]?nan${BLANK}*\\z`;
const OTHER_BASE = `^${BLANK}*[+]?0(?:[xX][0-9a-fA-F]|[bB][01])`;
/** As many digits, so that a decimal of 18 digits after the point tells on which side of a half the number lies. */
const FEW_DIGITS = '^(?:[^0-9eE]*[0-9]){1,17}[^0-9eE]*[eE]';

/** Blanks that Spark does not take away, and underscores, are taken away; anything else becomes a text that Spark cannot read either. */
const cleaned = (text: string): string => `REGEXP_REPLACE(${text}, '[_ \\\\t\\\\n\\\\x0B\\\\f\\\\r]', '')`;

export function decimalText(text: string): string {
  return `CASE WHEN ${text} RLIKE ${quoteText(NUMBER)} THEN ${cleaned(text)} WHEN ${text} IS NOT NULL THEN 'x' END`;
}

export function doubleText(text: string): string {
  const signed = `CASE WHEN CONTAINS(${text}, '-') THEN '-Infinity' ELSE 'Infinity' END`;
  return `CASE WHEN ${text} RLIKE ${quoteText(NUMBER)} THEN ${cleaned(text)} WHEN ${text} RLIKE ${quoteText(INFINITE)} THEN ${signed} WHEN ${text} RLIKE ${quoteText(NO_NUMBER)} THEN 'NaN' WHEN ${text} IS NOT NULL THEN 'x' END`;
}

/**
 * A decimal to be rounded half away from zero: DuckDB looks at the first digit after the point alone, so the others are left out.
 * @param word CAST or TRY_CAST
 */
export function wholeDecimal(text: string, word: string): string {
  const plain = `REGEXP_REPLACE(${cleaned(text)}, '([.][0-9])[0-9]+', '$1')`;
  const many = raised('a number with an exponent and more than 17 digits');
  const based = raised('a number in base 2 or 16');
  return `CASE WHEN ${text} RLIKE ${quoteText(PLAIN)} THEN ${word}(${plain} AS DECIMAL(38,1)) WHEN ${text} RLIKE ${quoteText(OTHER_BASE)} THEN CAST(${based} AS DECIMAL(38,1)) WHEN ${text} RLIKE ${quoteText(NUMBER)} THEN ${word}(ROUND(${word}(CASE WHEN ${cleaned(text)} RLIKE ${quoteText(FEW_DIGITS)} THEN ${cleaned(text)} ELSE ${many} END AS DECIMAL(38,18)), 0) AS DECIMAL(38,1)) WHEN ${text} IS NOT NULL THEN ${word}('x' AS DECIMAL(38,1)) END`;
}

/** The words that DuckDB takes for a truth value, without blanks around. */
export function truthOf(text: string, may_fail: boolean): string {
  const words = (list: readonly string[]): string => list.map((one) => `'${one}'`).join(', ');
  const otherwise = may_fail ? '' : ` WHEN ${text} IS NOT NULL THEN CAST('x' AS BOOLEAN)`;
  return `CASE WHEN LOWER(${text}) IN (${words(['true', 't', 'yes', 'y', '1'])}) THEN TRUE WHEN LOWER(${text}) IN (${words(['false', 'f', 'no', 'n', '0'])}) THEN FALSE${otherwise} END`;
}
