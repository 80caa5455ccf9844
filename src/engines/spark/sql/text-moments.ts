import { raised } from './refusal.ts';
import { quoteText } from './words.ts';

/** What DuckDB passes over around a value, as a class of a pattern. */
export const BLANK = '[ \\t\\n\\x0B\\f\\r]';
/** Year, separator, month and day: groups 1 to 4. */
const DAY = `^${BLANK}*([0-9]+)([ /\\\\-])([0-9]{1,2})\\2([0-9]{1,2})(?![0-9])`;
const OFFSET = '[+-][0-9]{2}(?::|:?[0-9]{2}(?::(?:[0-9]{2})?)?)?';
/** Nothing, or a time: hour, minute, second and fraction are groups 5 to 8, `Z` or an offset 9, a minute without seconds 10. Only after a second a zone may follow. */
const CLOCK = `(?:[ T]?${BLANK}*0{0,7}([0-9]{1,2}):(?:([0-9]{1,2}):([0-9]{1,2})(?:([.][0-9]+)|[.])?(?:(Z|${OFFSET})| (?i:UTC))?${BLANK}*|([0-9]{1,2}):?|[0-9]{1,2}:|))?\\z`;
const MOMENT = `${DAY}${CLOCK}`;
const WHOLE_DAY = `(?s)${DAY}.*\\z`;

/** What DuckDB reads and Spark has no value for, or reads otherwise: infinities, years before the first, midnight as 24 o'clock. */
const BEYOND = `(?is)^${BLANK}*(?:[+-]?(?:inf|infinity|epoch)${BLANK}*\\z|-[0-9]+([ /\\\\-])[0-9]{1,2}\\1[0-9]|[0-9]+([ /\\\\-])[0-9]{1,2}\\2[0-9]{1,2}(?:${BLANK}[(]bc[)]|[ T]?${BLANK}*0*24:(?:0|\\z)))`;
/** Offsets that Spark does not know, and zones by their names. */
const FAR = `(?is)^${BLANK}*[0-9]+([ /\\\\-])[0-9]{1,2}\\1[0-9]{1,2}[ T]?${BLANK}*[0-9]+:[0-9]+:[0-9.]+(?:[+-](?:1[6-9]|[2-9][0-9]|[0-9]{2}:(?![0-9])|[0-9]{2}:?[0-9]{2}:|[0-9]{2}:?[6-9])| (?!(?:utc|z)${BLANK}*\\z)[a-z])`;

/** The groups in a form that Spark reads: four digits for the year at least, and two at most for all else. */
function formed(text: string, pattern: string, form: string): string {
  const whole = `REGEXP_REPLACE(${text}, ${quoteText(pattern)}, '${form}')`;
  const year = `REGEXP_REPLACE(${whole}, '^0*([0-9]{4,}-)', '$1')`;
  return `REGEXP_REPLACE(${year}, '([ :])0([0-9]{2})', '$1$2')`;
}

/** The text as Spark casts it to what DuckDB reads in it, and an empty one, which neither reads, where DuckDB reads nothing. */
export function momentText(text: string, into: 'date' | 'timestamp' | 'timestamptz'): string {
  const whens = [`WHEN ${text} RLIKE ${quoteText(BEYOND)} THEN ${raised(`a text that no ${into} of Spark can be`)}`];
  if (into === 'timestamptz')
    whens.push(`WHEN ${text} RLIKE ${quoteText(FAR)} THEN ${raised('a time zone that engines read differently')}`);
  const [pattern, form] =
    into === 'date'
      ? [WHOLE_DAY, '000$1-$3-$4']
      : [MOMENT, `000$1-$3-$4 0$5:0$6$10:0$7$8${into === 'timestamp' ? '' : '$9'}`];
  whens.push(`WHEN ${text} RLIKE ${quoteText(pattern)} THEN ${formed(text, pattern, form)}`);
  return `CASE ${whens.join(' ')} WHEN ${text} IS NOT NULL THEN '' END`;
}

/** Letters of strptime's formats: how many digits, and where they stand in what Spark reads. */
const LETTERS: Readonly<Record<string, string>> = {
  Y: '([0-9]{1,4})',
  m: '([0-9]{1,2})',
  d: '([0-9]{1,2})',
  H: '([0-9]{1,2})',
  M: '([0-9]{1,2})',
  S: '([0-9]{1,2})',
  f: '([0-9]{1,6})',
};
export const STRPTIME_LETTERS: readonly string[] = Object.keys(LETTERS).map((one) => `%${one}`);

/**
 * `strptime(text, format)` as a text that Spark casts.
 * @param refuse what is thrown for a letter that is not on the list
 */
export function parsedText(text: string, format: string, refuse: (letter: string) => Error): string {
  const groups = new Map<string, number>();
  let pattern = `^${BLANK}*`;
  for (const [found, letter] of format.matchAll(/%(.?)|\s+|[^%\s]+/gsu)) {
    if (letter === undefined)
      pattern += found.trim() === '' ? `${BLANK}+` : found.replaceAll(/[^\p{L}\p{N}]/gu, '\\$&');
    else if (letter === '%') pattern += '%';
    else {
      const digits = LETTERS[letter];
      if (digits === undefined || groups.has(letter)) throw refuse(letter);
      groups.set(letter, groups.size + 1);
      pattern += digits;
    }
  }
  pattern += `${BLANK}*\\z`;
  const at = (letter: string, otherwise: string): string => {
    const group = groups.get(letter);
    return group === undefined ? otherwise : `$${group}`;
  };
  const fraction = groups.has('f') ? `.${at('f', '')}` : '';
  const form = `000${at('Y', '1900')}-${at('m', '1')}-${at('d', '1')} ${at('H', '0')}:${at('M', '0')}:${at('S', '0')}${fraction}`;
  const special = `(?i)^${BLANK}*-?(?:infinity|epoch)${BLANK}*\\z`;
  return `CASE WHEN ${text} RLIKE ${quoteText(special)} THEN ${raised('a text that no timestamp of Spark can be')} WHEN ${text} RLIKE ${quoteText(pattern)} THEN ${formed(text, pattern, form)} WHEN ${text} IS NOT NULL THEN '' END`;
}
