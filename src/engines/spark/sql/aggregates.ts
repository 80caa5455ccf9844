import { children } from '../../../core/lineage/syntax.ts';
import { renderType } from '../../../core/types/type-text.ts';
import type { Call, Rule, Rules } from './call.ts';
import { ofUnscaled } from './casts.ts';
import { digitsOfConstant } from './literals.ts';
import { isPlainValue } from './scope.ts';
import { digitsOf, familyOf, isNumber, plain, sparkType } from './types.ts';

const DOUBLE = plain('double');

function aggregate(call: Call, spark: string, args: string): string {
  return `${spark}(${call.distinct}${args})${call.suffix}`;
}

function count(call: Call): string {
  if (call.args.length === 0) return aggregate(call, 'COUNT', '*');
  call.count(1);
  return aggregate(call, 'COUNT', call.arg(0).text);
}

/** Of whole numbers as a decimal of 38 digits, which is how the lake stores DuckDB's HUGEINT. */
function sum(call: Call): string {
  call.count(1);
  const text = call.of(0, 'whole', 'huge', 'decimal', 'double');
  if (call.family(0) === 'whole') return aggregate(call, 'SUM', `CAST(${text} AS DECIMAL(38,0))`);
  if (call.family(0) === 'double') return aggregate(call, 'SUM', text);
  return `CAST(${aggregate(call, 'SUM', text)} AS ${sparkType(call.type)})`;
}

/** A double in DuckDB, from an exact sum where the numbers are exact. */
function avg(call: Call): string {
  call.count(1);
  const text = call.of(0, 'whole', 'huge', 'decimal', 'double');
  if (call.family(0) === 'double') return aggregate(call, 'AVG', text);
  const exact = call.family(0) === 'whole' ? `CAST(${text} AS DECIMAL(38,0))` : text;
  const [total, number] = [aggregate(call, 'SUM', exact), aggregate(call, 'COUNT', text)];
  return `(CAST(${total} AS DOUBLE) / NULLIF(CAST(${number} AS DOUBLE), 0D))`;
}

function extreme(spark: 'MIN' | 'MAX'): Rule {
  return (call) => {
    call.count(1);
    if (!isPlainValue(call.arg(0).type)) throw call.refused(`of ${renderType(call.arg(0).type)}`);
    return aggregate(call, spark, call.arg(0).text);
  };
}

/** Rows without a value do not count in DuckDB; of several rows with the same extreme either engine takes one. */
function extremeBy(spark: 'MAX_BY' | 'MIN_BY'): Rule {
  return (call) => {
    call.count(2);
    if (call.suffix !== '' || call.distinct !== '') throw call.refused('with FILTER or DISTINCT');
    if (!isPlainValue(call.arg(1).type)) throw call.refused(`by ${renderType(call.arg(1).type)}`);
    const [value, by] = [call.arg(0).text, call.arg(1).text];
    return `${spark}(${value}, ${by}) FILTER (WHERE ${value} IS NOT NULL)`;
  };
}

function ofDoubles(spark: string): Rule {
  return (call) => {
    call.count(1);
    call.of(0, 'whole', 'huge', 'decimal', 'double');
    return aggregate(call, spark, call.as(0, DOUBLE));
  };
}

function ofTruths(spark: string): Rule {
  return (call) => {
    call.count(1);
    return aggregate(call, spark, call.of(0, 'boolean'));
  };
}

function countIf(call: Call): string {
  const one = call.of(0, 'boolean');
  // NULL where no row has an answer, unlike Spark's own count_if.
  return `CAST(${aggregate(call, 'SUM', `CASE WHEN ${one} THEN 1 WHEN NOT ${one} THEN 0 END`)} AS ${sparkType(call.type)})`;
}

/** Between two neighbours by linear interpolation; of decimals in their own digits, as DuckDB does it. */
function quantile(call: Call): string {
  call.count(2);
  const wanted = call.nodes[1];
  const single = digitsOfConstant(wanted);
  const list = single === undefined ? children(wanted ?? {}, 'children').map(digitsOfConstant) : [single];
  const fractions = list.map((one) => {
    if (one === undefined || !(Number(one) >= 0 && Number(one) <= 1))
      throw call.refused('with fractions that are computed', 'Write numbers from 0 to 1 in their place.');
    return `${one}D`;
  });
  if (fractions.length === 0)
    throw call.refused('with fractions that are computed', 'Write numbers from 0 to 1 in their place.');
  return quantiles(call, fractions, single !== undefined);
}

function quantiles(call: Call, fractions: readonly string[], single: boolean): string {
  if (!isNumber(call.arg(0).type)) throw call.refused(`of ${renderType(call.arg(0).type)}`);
  const value = call.arg(0);
  if (call.distinct !== '') throw call.refused('with DISTINCT');
  if (familyOf(value.type) !== 'decimal') {
    const all = `PERCENTILE(${call.as(0, DOUBLE)}, ARRAY(${fractions.join(', ')}))${call.suffix}`;
    return single ? `${all}[0]` : all;
  }
  const { precision, scale } = digitsOf(value.type);
  if (precision > 18 || scale > 17)
    throw call.refused(`of ${renderType(value.type)}`, 'Cast it to decimal(18,s) first.');
  // s: the values in order; p: the place, from 0, with its fraction. The step to the next value is cut off at the last digit.
  const low = 'ELEMENT_AT(s, CAST(FLOOR(p) AS INT) + 1)';
  const high = 'ELEMENT_AT(s, CAST(CEIL(p) AS INT) + 1)';
  const places = `TRANSFORM(ARRAY(${fractions.join(', ')}), q -> CAST(SIZE(s) - 1 AS DOUBLE) * q)`;
  const unscaled = (text: string): string => `CAST(${text} * ${10 ** scale} AS BIGINT)`;
  const step = `CAST((${unscaled(high)} - ${unscaled(low)}) * (p - FLOOR(p)) AS BIGINT)`;
  const each_value = ofUnscaled(`(${unscaled(low)} + ${step})`, value.type);
  const sorted = `ARRAY_SORT(COLLECT_LIST(${value.text})${call.suffix})`;
  const each = `TRANSFORM(ARRAY(${sorted}), s -> TRANSFORM(${places}, p -> ${each_value}))[0]`;
  const guarded = `(CASE WHEN COUNT(${value.text})${call.suffix} > 0 THEN ${each} END)`;
  return single ? `${guarded}[0]` : guarded;
}

function median(call: Call): string {
  call.count(1);
  return quantiles(call, ['0.5D'], true);
}

export const AGGREGATES: Rules = {
  count_star: count,
  count,
  sum,
  avg,
  mean: avg,
  min: extreme('MIN'),
  max: extreme('MAX'),
  arg_max: extremeBy('MAX_BY'),
  max_by: extremeBy('MAX_BY'),
  arg_min: extremeBy('MIN_BY'),
  min_by: extremeBy('MIN_BY'),
  any_value: (call) => {
    call.count(1);
    return aggregate(call, 'ANY_VALUE', `${call.arg(0).text}, TRUE`);
  },
  count_if: countIf,
  countif: countIf,
  bool_and: ofTruths('BOOL_AND'),
  bool_or: ofTruths('BOOL_OR'),
  stddev: ofDoubles('STDDEV_SAMP'),
  stddev_samp: ofDoubles('STDDEV_SAMP'),
  stddev_pop: ofDoubles('STDDEV_POP'),
  variance: ofDoubles('VAR_SAMP'),
  var_samp: ofDoubles('VAR_SAMP'),
  var_pop: ofDoubles('VAR_POP'),
  quantile_cont: quantile,
  median,
};
