import { CASED } from '../../../core/model/functions.ts';
import type { Call, Rules } from './call.ts';
import { lowerCase, upperCase } from './letters.ts';
import { javaPattern, javaReplacement } from './patterns.ts';
import { familyOf } from './types.ts';
import { quoteText } from './words.ts';

/** What trim() takes away: Unicode's spaces, without tabs and line ends. */
const SPACES = ' \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000';

/** What strip() takes away, as a class of a pattern. */
const BLANKS = '\\t\\n\\x0B\\f\\r\\x1C-\\x1F \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000';

/** A pattern as a text literal. */
function pattern(call: Call, index: number): string {
  return quoteText(javaPattern(call.text(index)));
}

/** A function of one text that Spark has under the same or another name. */
function ofText(spark: string): (call: Call) => string {
  return (call) => {
    call.count(1);
    return `${spark}(${call.of(0, 'text')})`;
  };
}

function twoTexts(spark: string): (call: Call) => string {
  return (call) => {
    call.count(2);
    return `${spark}(${call.of(0, 'text')}, ${call.of(1, 'text')})`;
  };
}

function trimmed(side: 'BOTH' | 'LEADING' | 'TRAILING'): (call: Call) => string {
  return (call) =>
    call.count(1, 2) === 1
      ? `TRIM(${side} '${SPACES}' FROM ${call.of(0, 'text')})`
      : `TRIM(${side} ${quoteText(notEmpty(call, 1))} FROM ${call.of(0, 'text')})`;
}

function notEmpty(call: Call, index: number): string {
  const text = call.text(index);
  if (text === '') throw call.refused('with an empty text');
  return text;
}

function instr(call: Call): string {
  call.count(2);
  return `CAST(INSTR(${call.of(0, 'text')}, ${call.of(1, 'text')}) AS BIGINT)`;
}

function substring(call: Call): string {
  const count = call.count(2, 3);
  const from = call.whole(1, 1);
  const length = count === 3 ? `, ${call.whole(2, 0)}` : '';
  return `SUBSTRING(${call.of(0, 'text')}, ${from}${length})`;
}

function length(call: Call): string {
  call.count(1);
  if (call.family(0) === 'list') return `CAST(SIZE(${call.arg(0).text}) AS BIGINT)`;
  return `CAST(CHAR_LENGTH(${call.of(0, 'text')}) AS BIGINT)`;
}

function padded(spark: string): (call: Call) => string {
  return (call) => {
    call.count(3);
    return `${spark}(${call.of(0, 'text')}, ${call.whole(1, 0)}, ${quoteText(notEmpty(call, 2))})`;
  };
}

function concat(call: Call): string {
  return `CONCAT(${call.args.map((_, index) => `COALESCE(${call.of(index, 'text', 'null')}, '')`).join(', ')})`;
}

function regexpReplace(call: Call): string {
  if (call.count(3, 4) === 3 || call.text(3) !== 'g')
    throw call.refused("without 'g' alone as its flags", "Replace all matches with 'g', or match the whole text.");
  return `REGEXP_REPLACE(${call.of(0, 'text')}, ${pattern(call, 1)}, ${quoteText(javaReplacement(call.text(2)))})`;
}

function regexpExtract(call: Call): string {
  const group = call.count(2, 3) === 3 ? call.whole(2, 0, 9) : 0;
  return `REGEXP_EXTRACT(${call.of(0, 'text')}, ${pattern(call, 1)}, ${group})`;
}

function like(call: Call, operator: string): string {
  call.count(2);
  const text = call.of(0, 'text');
  // Without ESCAPE a backslash is itself in DuckDB.
  return `(${text} ${operator} ${quoteText(call.text(1).replaceAll('\\', '\\\\'))})`;
}

function likeEscape(call: Call, operator: string): string {
  call.count(3);
  const mark = call.text(2);
  if ([...mark].length !== 1 || mark === '\\')
    throw call.refused('with that escape character', 'Take another one, such as !.');
  const wanted = call.text(1);
  if (wanted.includes('\\')) throw call.refused('with a backslash in its pattern');
  return `(${call.of(0, 'text')} ${operator} ${quoteText(wanted)} ESCAPE ${quoteText(mark)})`;
}

function asciiOnly(call: Call): Call {
  if (/[^\p{ASCII}]/u.test(call.text(1)))
    throw call.refused('with letters beyond ASCII', 'Compare lower(x) with like.');
  return call;
}

export const TEXT_FUNCTIONS: Rules = {
  upper: (call) => upperCase(call.of(0, 'text')),
  ucase: (call) => upperCase(call.of(0, 'text')),
  lower: (call) => lowerCase(call.of(0, 'text')),
  lcase: (call) => lowerCase(call.of(0, 'text')),
  title_case: (call) => titleCase(call.of(0, 'text')),
  strip: (call) => `REGEXP_REPLACE(${call.of(0, 'text')}, ${quoteText(`^[${BLANKS}]+|[${BLANKS}]+\\z`)}, '')`,
  length,
  len: length,
  char_length: length,
  character_length: length,
  strlen: (call) => `CAST(OCTET_LENGTH(${call.of(0, 'text')}) AS BIGINT)`,
  trim: trimmed('BOTH'),
  ltrim: trimmed('LEADING'),
  rtrim: trimmed('TRAILING'),
  substring,
  substr: substring,
  left: (call) => `SUBSTRING(${call.of(0, 'text')}, 1, ${call.whole(1, 0)})`,
  right: (call) => `RIGHT(${call.of(0, 'text')}, ${call.whole(1, 0)})`,
  replace: (call) => {
    call.count(3);
    return `REPLACE(${call.of(0, 'text')}, ${quoteText(notEmpty(call, 1))}, ${call.of(2, 'text')})`;
  },
  repeat: (call) => `REPEAT(${call.of(0, 'text')}, ${call.whole(1, 0)})`,
  lpad: padded('LPAD'),
  rpad: padded('RPAD'),
  split_part: (call) => `SPLIT_PART(${call.of(0, 'text')}, ${quoteText(notEmpty(call, 1))}, ${call.whole(2, 1)})`,
  string_split: (call) =>
    `SPLIT(${call.of(0, 'text')}, ${quoteText(javaPattern(quotedPattern(notEmpty(call, 1))))}, -1)`,
  instr,
  strpos: instr,
  position: instr,
  contains: (call) => (call.family(0) === 'text' ? twoTexts('CONTAINS')(call) : refuseList(call)),
  starts_with: twoTexts('STARTSWITH'),
  prefix: twoTexts('STARTSWITH'),
  ends_with: twoTexts('ENDSWITH'),
  suffix: twoTexts('ENDSWITH'),
  concat,
  concat_ws: (call) => `CONCAT_WS(${call.args.map((_, index) => call.of(index, 'text', 'null')).join(', ')})`,
  '||': (call) => {
    call.count(2);
    if (familyOf(call.type) !== 'text') throw call.refused('of lists');
    return `(${call.as(0, call.type)} || ${call.as(1, call.type)})`;
  },
  md5: ofText('MD5'),
  sha256: (call) => `SHA2(${call.of(0, 'text')}, 256)`,
  '~~': (call) => like(call, 'LIKE'),
  '!~~': (call) => like(call, 'NOT LIKE'),
  '~~*': (call) => like(asciiOnly(call), 'ILIKE'),
  '!~~*': (call) => like(asciiOnly(call), 'NOT ILIKE'),
  like_escape: (call) => likeEscape(call, 'LIKE'),
  not_like_escape: (call) => likeEscape(call, 'NOT LIKE'),
  regexp_matches: (call) => {
    call.count(2);
    return `(${call.of(0, 'text')} RLIKE ${pattern(call, 1)})`;
  },
  regexp_full_match: (call) => {
    call.count(2);
    return `(${call.of(0, 'text')} RLIKE ${quoteText(`^(?:${javaPattern(call.text(1))})\\z`)})`;
  },
  regexp_replace: regexpReplace,
  regexp_extract: regexpExtract,
};

function refuseList(call: Call): string {
  throw call.refused('of a list', 'Use list_contains().');
}

/** The text as a pattern that matches it alone. */
function quotedPattern(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}-]/g, '\\$&');
}

/** Runs of letters that have case and of everything else, each with its first letter in upper case: as the function is written for DuckDB. */
function titleCase(text: string): string {
  const runs = quoteText(`[${CASED}]+|[^${CASED}]+`);
  const words = `REGEXP_EXTRACT_ALL(${lowerCase(text)}, ${runs}, 0)`;
  return `ARRAY_JOIN(TRANSFORM(${words}, w -> ${upperCase('SUBSTRING(w, 1, 1)')} || SUBSTRING(w, 2)), '')`;
}
