import { raised } from './refusal.ts';
import type { Family } from './types.ts';

/** A value as the text that DuckDB makes of it, of those kinds that Spark writes otherwise. */
export function asText(text: string, from: Family): string | undefined {
  if (from === 'double') return doubleAsText(text);
  if (from === 'date' || from === 'timestamp') return momentAsText(text, '');
  return from === 'timestamptz' ? momentAsText(text, '+00') : undefined;
}

/** A date or timestamp as DuckDB writes it: years beyond 9999 without a sign, such before the first are refused. */
function momentAsText(text: string, zone: '' | '+00'): string {
  const written = zone === '' ? `CAST(${text} AS STRING)` : `CAST(CAST(${text} AS TIMESTAMP_NTZ) AS STRING)`;
  const ended = zone === '' ? '' : ` || '${zone}'`;
  return `CASE WHEN YEAR(${text}) BETWEEN 1 AND 9999 THEN ${written}${ended} WHEN YEAR(${text}) > 9999 THEN SUBSTRING(${written}, 2)${ended} WHEN ${text} IS NOT NULL THEN ${raised('a year before the first as a text')} END`;
}

/**
 * A double as DuckDB writes it: the fewest digits that tell it from its neighbours, an exponent below 1e-4 and from 1e16 on. Java before 19 does not always find the fewest,
 * but with up to 15 digits they are found by rounding; a double that needs more is refused when it is met.
 */
function doubleAsText(text: string): string {
  // d: the digits with one before the point, and the exponent, such as 1.5e-07.
  const digits = `FORMAT_STRING('%.14e', x)`;
  const short = `REGEXP_REPLACE(REGEXP_REPLACE(${digits}, '([.][0-9]*?)0+e', '$1e'), '[.]e', 'e')`;
  const plain = `REGEXP_REPLACE(CAST(CAST(${digits} AS DECIMAL(38,18)) AS STRING), '([.][0-9]+?)0+\\\\z', '$1')`;
  const zero = `CASE WHEN ${digits} LIKE '-%' THEN '-0.0' ELSE '0.0' END`;
  const many = raised('a double of more than 15 digits as a text');
  const body = `CASE WHEN x IS NULL THEN NULL WHEN x = CAST('NaN' AS DOUBLE) THEN 'nan' WHEN x = CAST('Infinity' AS DOUBLE) THEN 'inf' WHEN x = CAST('-Infinity' AS DOUBLE) THEN '-inf' WHEN CAST(${digits} AS DOUBLE) <> x THEN ${many} WHEN x = 0D THEN ${zero} WHEN ABS(x) < 1E-4D OR ABS(x) >= 1E16D THEN ${short} ELSE ${plain} END`;
  return `TRANSFORM(ARRAY(${text}), x -> ${body})[0]`;
}
