import type { Call, Rule, Rules } from './call.ts';
import { parsedText } from './text-moments.ts';
import { sparkType } from './types.ts';
import { quoteText } from './words.ts';

const MOMENTS = ['date', 'timestamp', 'timestamptz'] as const;

/** A date, timestamp or timestamptz. */
function moment(call: Call, index = 0): string {
  call.of(index, ...MOMENTS);
  return call.arg(index).text;
}

/** With hours: a time of day of a date is midnight. */
function withTime(call: Call, index = 0): string {
  const text = moment(call, index);
  return call.family(index) === 'date' ? `CAST(${text} AS TIMESTAMP_NTZ)` : text;
}

type Part = (x: string, call: Call, index: number) => string;

/** Parts of a moment as whole numbers, in Spark's words. */
const PARTS: Readonly<Record<string, Part>> = {
  year: (x) => `YEAR(${x})`,
  quarter: (x) => `QUARTER(${x})`,
  month: (x) => `MONTH(${x})`,
  week: (x) => `WEEKOFYEAR(${x})`,
  isoyear: (x) => `EXTRACT(YEAROFWEEK FROM ${x})`,
  yearweek: (x) => `(EXTRACT(YEAROFWEEK FROM ${x}) * 100 + WEEKOFYEAR(${x}))`,
  day: (x) => `DAY(${x})`,
  doy: (x) => `DAYOFYEAR(${x})`,
  dow: (x) => `(DAYOFWEEK(${x}) - 1)`,
  isodow: (x) => `(WEEKDAY(${x}) + 1)`,
  hour: (_, call, index) => `HOUR(${withTime(call, index)})`,
  minute: (_, call, index) => `MINUTE(${withTime(call, index)})`,
  second: (_, call, index) => `SECOND(${withTime(call, index)})`,
};

/** Other names of the same parts. */
const SAME_PARTS: Readonly<Record<string, string>> = {
  years: 'year',
  y: 'year',
  quarters: 'quarter',
  months: 'month',
  mon: 'month',
  weeks: 'week',
  w: 'week',
  weekofyear: 'week',
  days: 'day',
  d: 'day',
  dayofmonth: 'day',
  dayofyear: 'doy',
  dayofweek: 'dow',
  weekday: 'dow',
  hours: 'hour',
  h: 'hour',
  minutes: 'minute',
  m: 'minute',
  seconds: 'second',
  s: 'second',
};

function partNamed(call: Call): string {
  const name = call.text(0).toLowerCase();
  return SAME_PARTS[name] ?? name;
}

function part(call: Call, name: string, index: number): string {
  const print = PARTS[name];
  if (print === undefined) throw call.refused(`of the part ${name}`);
  return `CAST(${print(moment(call, index), call, index)} AS ${sparkType(call.type)})`;
}

function partFunction(name: string): Rule {
  return (call) => {
    call.count(1);
    return part(call, name, 0);
  };
}

function datePart(call: Call): string {
  call.count(2);
  const name = partNamed(call);
  return name === 'epoch' ? epoch(call, 1) : part(call, name, 1);
}

/** Seconds since 1970 with their fractions. */
function epoch(call: Call, index: number): string {
  return `(CAST(UNIX_MICROS(CAST(${withTime(call, index)} AS TIMESTAMP)) AS DOUBLE) / 1000000D)`;
}

const TRUNCATED = new Set(['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']);

function dateTrunc(call: Call): string {
  call.count(2);
  const unit = partNamed(call);
  if (!TRUNCATED.has(unit)) throw call.refused(`to ${unit}`);
  return `CAST(DATE_TRUNC('${unit.toUpperCase()}', ${withTime(call, 1)}) AS ${sparkType(call.type)})`;
}

/** strftime's letters → Spark's patterns of letters. */
const FORMATS: Readonly<Record<string, string>> = {
  Y: 'yyyy',
  y: 'yy',
  m: 'MM',
  d: 'dd',
  H: 'HH',
  I: 'hh',
  M: 'mm',
  S: 'ss',
  f: 'SSSSSS',
  j: 'DDD',
  B: 'MMMM',
  b: 'MMM',
  A: 'EEEE',
  a: 'EEE',
  p: 'a',
};

function strftime(call: Call): string {
  call.count(2);
  // Both orders of the arguments are right in DuckDB.
  const at = call.family(0) === 'text' ? 1 : 0;
  return `DATE_FORMAT(${withTime(call, at)}, ${quoteText(sparkFormat(call, call.text(1 - at)))})`;
}

function sparkFormat(call: Call, format: string): string {
  let out = '';
  let text = '';
  const flush = (): void => {
    // Signs mean nothing in a pattern; letters and quotes do.
    if (text !== '') out += /^[-/:., ]*$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
    text = '';
  };
  for (const [found, letter] of format.matchAll(/%(.)|[^%]+/gsu)) {
    if (letter === undefined || letter === '%') {
      text += letter ?? found;
      continue;
    }
    flush();
    const known = FORMATS[letter];
    if (known === undefined)
      throw call.refused(`with %${letter}`, 'Put it together from date_part() and the formats of the list.');
    out += known;
  }
  flush();
  return out;
}

/** A text in a format that is written out. */
function strptime(call: Call): string {
  call.count(2);
  const refuse = (letter: string): Error =>
    call.refused(`with %${letter}`, 'Cast the text, or cut it with substring().');
  const word = call.name === 'strptime' ? 'CAST' : 'TRY_CAST';
  return `${word}(${parsedText(call.of(0, 'text'), call.text(1), refuse)} AS ${sparkType(call.type)})`;
}

const MICROS: Readonly<Record<string, string>> = { hour: '3600000000', minute: '60000000', second: '1000000' };

/** How many borders of the part lie between two moments. */
function dateDiff(call: Call): string {
  call.count(3);
  const unit = partNamed(call);
  const [a, b] = [moment(call, 1), moment(call, 2)];
  if (call.family(1) !== call.family(2)) throw call.refused('of different types', 'Cast one to the type of the other.');
  const print = diffIn(unit, a, b, call);
  if (print === undefined) throw call.refused(`in ${unit}`);
  return `CAST(${print} AS BIGINT)`;
}

function diffIn(unit: string, a: string, b: string, call: Call): string | undefined {
  const years = `(YEAR(${b}) - YEAR(${a}))`;
  if (unit === 'year') return years;
  if (unit === 'quarter') return `(${years} * 4 + QUARTER(${b}) - QUARTER(${a}))`;
  if (unit === 'month') return `(${years} * 12 + MONTH(${b}) - MONTH(${a}))`;
  if (unit === 'day') return `DATEDIFF(CAST(${b} AS DATE), CAST(${a} AS DATE))`;
  const micros = MICROS[unit];
  if (micros === undefined) return undefined;
  const count = (index: number): string =>
    `CAST(FLOOR(UNIX_MICROS(CAST(${withTime(call, index)} AS TIMESTAMP)) / CAST(${micros} AS DECIMAL(20,0))) AS BIGINT)`;
  return `(${count(2)} - ${count(1)})`;
}

function named(letters: string): Rule {
  return (call) => `DATE_FORMAT(${withTime(call)}, '${letters}')`;
}

export const DATE_FUNCTIONS: Rules = {
  ...Object.fromEntries(
    ['year', 'quarter', 'month', 'week', 'isoyear', 'yearweek', 'day', 'isodow', 'hour', 'minute', 'second'].map(
      (one) => [one, partFunction(one)],
    ),
  ),
  weekofyear: partFunction('week'),
  dayofmonth: partFunction('day'),
  dayofyear: partFunction('doy'),
  dayofweek: partFunction('dow'),
  weekday: partFunction('dow'),
  date_part: datePart,
  datepart: datePart,
  date_trunc: dateTrunc,
  datetrunc: dateTrunc,
  date_diff: dateDiff,
  datediff: dateDiff,
  strftime,
  strptime,
  try_strptime: strptime,
  dayname: named('EEEE'),
  monthname: named('MMMM'),
  last_day: (call) => `LAST_DAY(${moment(call)})`,
  make_date: (call) => {
    call.count(3);
    return `MAKE_DATE(${[0, 1, 2].map((index) => `CAST(${call.of(index, 'whole')} AS INT)`).join(', ')})`;
  },
  make_timestamptz: (call) => {
    call.count(1);
    return `TIMESTAMP_MICROS(${call.of(0, 'whole')})`;
  },
  epoch: (call) => epoch(call, 0),
  epoch_ms: (call) => `UNIX_MILLIS(CAST(${withTime(call)} AS TIMESTAMP))`,
  isfinite: (call) =>
    call.family(0) === 'double'
      ? // NaN is the largest number there.
        `(ABS(${call.of(0, 'double')}) < CAST('Infinity' AS DOUBLE))`
      : `(${moment(call)} IS NOT NULL OR NULL)`,
};

const INTERVALS: Readonly<Record<string, string>> = {
  to_years: 'YEAR',
  to_months: 'MONTH',
  to_weeks: 'WEEK',
  to_days: 'DAY',
  to_hours: 'HOUR',
  to_minutes: 'MINUTE',
  to_seconds: 'SECOND',
};

/** The unit that a function makes intervals of. */
export function intervalUnit(name: string): string | undefined {
  return INTERVALS[name];
}

export const INTERVAL_FUNCTIONS: readonly string[] = Object.keys(INTERVALS);
export const DATE_PARTS: readonly string[] = [...Object.keys(PARTS), 'epoch'];
export const STRFTIME_LETTERS: readonly string[] = Object.keys(FORMATS).map((one) => `%${one}`);
