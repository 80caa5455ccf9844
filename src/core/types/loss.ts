import { quoteText } from '../../kit/sql.ts';

const INTEGER = /^u?(tiny|small|big|huge)int$|^u?integer$/;
/** Digits that a double (float) holds in any case. */
const DOUBLE_DIGITS = 15;
const FLOAT_DIGITS = 6;
/** A short number with an exponent: as a double it is what it says. */
const EXPONENT = '[+-]?[0-9]*[.]?[0-9]*[eE][+-]?[0-9]{1,2}';
const EXPONENT_CHARS_MAX = 18;
const FLOATING =
  '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?|[+-]?([nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)';
const DAY = '[0-9]{4,6}[-/][0-9]{1,2}[-/][0-9]{1,2}';
const MIDNIGHT = '([T ]00?:00(:00([.]0*)?)?)?';
const TIME = '([T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{0,6}0*)?)?)?';
const UTC = ' ?(Z|UTC|[+-]00(:?00)?)?';
const OFFSET = ' ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?';

/**
 * Condition under which `value`, which is `text` cast to the column's type, is not the same value any more: the engine rounds 12.7 to a
 * bigint 13 and 1.239 to a decimal(12,2) 1.24, reads 01/02/03 as a day of the year 1, drops a time of day, an offset, or whatever
 * follows a date. Asked only where there is a value. Undefined when the type loses nothing.
 */
export function lossSql(type: string, text: string, value: string): string | undefined {
  const as_text = `cast(${text} as varchar)`;
  const kept = keptSql(type, `trim(${as_text})`, value);
  if (kept === undefined) return undefined;
  // Mostly the value's own text is the one that was read, which is quickly seen. CASE is lazy, where AND and OR are not.
  const same = `when cast(${value} as varchar) = ${as_text} then false`;
  if (!/^(date|timestamp)/.test(type)) return `case ${same} else not coalesce(${kept}, false) end`;
  // The engine has an infinite day, which no other reader knows. Its text of an instant is dear, and others mostly write it in another way.
  const plain = `when ${keptSql(type, as_text, value)} then false`;
  const quick = type === 'timestamptz' ? `${plain} ${same}` : `${same} ${plain}`;
  return `case when not isfinite(${value}) then true ${quick} else not coalesce(${kept}, false) end`;
}

function keptSql(type: string, text: string, value: string): string | undefined {
  const matches = (pattern: string): string => `regexp_full_match(${text}, ${quoteText(pattern)})`;
  if (INTEGER.test(type)) return `${matches('[+-]?[0-9]+([.]0*)?')} or ${exponentKept(text, value)}`;
  const decimal = /^decimal\(\d+,(\d+)\)$/.exec(type);
  if (decimal !== null) {
    return `${matches(`[+-]?[0-9]*[.]?[0-9]{0,${decimal[1]}}0*`)} or ${exponentKept(text, value)}`;
  }
  if (type === 'double' || type === 'float') {
    return `${matches(FLOATING)} and ${floatKept(text, value, type === 'double' ? DOUBLE_DIGITS : FLOAT_DIGITS)}`;
  }
  if (type === 'date') return matches(DAY + MIDNIGHT + UTC);
  if (type === 'timestamp') return matches(DAY + TIME + UTC);
  return type === 'timestamptz' ? matches(DAY + TIME + OFFSET) : undefined;
}

function exponentKept(text: string, value: string): string {
  return `(length(${text}) <= ${EXPONENT_CHARS_MAX} and regexp_full_match(${text}, ${quoteText(EXPONENT)}) and try_cast(${text} as double) = cast(${value} as double))`;
}

/**
 * A fraction is taken to the nearest number, as everybody expects of a double; a whole number has to stay itself, a finite one finite, and one
 * that is not zero must not become zero.
 */
function floatKept(text: string, value: string, digits: number): string {
  const whole = `split_part(${text}, '.', 1)`;
  return `case when isinf(${value}) then lower(${text}) like '%inf%'
    when isnan(${value}) then true
    when ${value} = 0 then not regexp_matches(regexp_replace(${text}, '[eE].*', ''), '[1-9]')
    when regexp_full_match(${text}, ${quoteText(`[+-]?[0-9]{${digits + 1},}([.][0-9]*)?`)}) then try_cast(${whole} as hugeint) = try_cast(trunc(${value}) as hugeint)
    else true end`;
}

/** The same for a value that had a type before (Parquet): cast back it must be what it was. */
export function castBackLoss(from: string, read: string, value: string): string {
  return `try_cast(${value} as ${from}) is distinct from ${read}`;
}
