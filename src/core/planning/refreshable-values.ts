import { below, child, children, type SyntaxNode, word, words } from '../lineage/syntax.ts';

/** Lower-case names of columns whose value is made of several rows; `*` stands for any name. */
export type SummedNames = ReadonlySet<string>;

export const NOTHING_SUMMED: SummedNames = new Set();

/** True when a node in the value satisfies the test; what a sub-query holds counts only when it is to be entered. */
export function anywhere(value: unknown, test: (node: SyntaxNode) => boolean, into_queries: boolean): boolean {
  if (Array.isArray(value)) return value.some((one) => anywhere(one, test, into_queries));
  if (typeof value !== 'object' || value === null) return false;
  const node = value as SyntaxNode;
  if (test(node)) return true;
  return Object.entries(node).some(([key, one]) => {
    // Constants are user data; a struct in them must not be taken for a node.
    if (node['class'] === 'CONSTANT' && key === 'value') return false;
    if (node['class'] === 'SUBQUERY' && key === 'subquery' && !into_queries) return false;
    return anywhere(one, test, into_queries);
  });
}

/** The expression may look at one of these columns. By name alone, so rather too often. */
export function looksAt(value: unknown, names: SummedNames): boolean {
  if (names.size === 0) return false;
  return anywhere(
    value,
    (one) => {
      if (one['class'] === 'STAR' || one['class'] === 'POSITIONAL_REFERENCE') return true;
      if (one['class'] !== 'COLUMN_REF') return false;
      const path = words(one, 'column_names').map((name) => name.toLowerCase());
      return names.has('*') || path.some((name) => names.has(name)) || (path.length === 1 && names.has(rowOf(path[0])));
    },
    true,
  );
}

/** A table's own name stands for its whole row: `select t from t`. */
export function rowOf(alias: string | undefined): string {
  return `${alias?.toLowerCase() ?? ''}.*`;
}

/** Expressions that make one value of one row, as long as what is in them does. */
const OF_ONE_ROW = new Set(
  'COLUMN_REF CONSTANT CAST COMPARISON CONJUNCTION OPERATOR CASE BETWEEN COLLATE SUBQUERY'.split(' '),
);

/** Functions that make one value of one row. Any other may be an aggregate: the parse tree does not tell, and to ask the engine takes longer than to refresh. */
const FUNCTIONS_OF_ONE_ROW = new Set(
  `+ - * / // % ** ^ & | ~ << >> || ! @ ~~ !~~ ~~* !~~* ~~~ -> ->>
  date_trunc datetrunc date_part datepart date_add date_sub date_diff datediff datesub time_bucket last_day make_date make_timestamp make_timestamptz
  timezone epoch epoch_ms epoch_us epoch_ns to_timestamp strftime strptime try_strptime century decade year quarter month week day hour minute second
  millisecond microsecond millennium isoyear isodow dayofmonth dayofweek dayofyear weekday weekofyear yearweek monthname dayname
  to_years to_months to_weeks to_days to_hours to_minutes to_seconds
  lower upper lcase ucase trim ltrim rtrim substring substr left right replace translate reverse repeat lpad rpad length len strlen concat concat_ws
  split_part string_split str_split regexp_replace regexp_extract regexp_matches regexp_full_match contains prefix suffix starts_with ends_with
  strip_accents encode decode chr ascii format printf hex md5 sha256 hash coalesce nullif ifnull greatest least
  abs sign round round_even trunc floor ceil ceiling mod divide power pow sqrt cbrt ln log log2 log10 exp even
  struct_extract struct_pack row array_extract list_extract element_at list_value json_extract json_extract_string unnest`.split(
    /\s+/,
  ),
);

/** Functions that are known to make one value of many rows; of the others nothing is known. */
const SUMS = new Set(
  `count count_star count_if countif sum fsum avg mean min max median mode product first last any_value arbitrary arg_min arg_max min_by max_by
  list array_agg string_agg group_concat listagg bool_and bool_or bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp
  quantile quantile_cont quantile_disc approx_count_distinct approx_quantile histogram corr covar_pop covar_samp`.split(
    /\s+/,
  ),
);

/** One value of one row for certain: no aggregate, no window, no column that stands for several. */
export function isOfOneRow(node: SyntaxNode): boolean {
  const kind = node['class'];
  if (typeof kind === 'string' && kind !== 'FUNCTION' && !OF_ONE_ROW.has(kind)) return false;
  if (kind === 'CONSTANT') return true;
  if (kind === 'SUBQUERY') {
    const tested = child(node, 'child');
    return tested === undefined || isOfOneRow(tested);
  }
  if (kind === 'FUNCTION' && !isPlainCall(node)) return false;
  return below(node).every(isOfOneRow);
}

function isPlainCall(node: SyntaxNode): boolean {
  if (!FUNCTIONS_OF_ONE_ROW.has(word(node, 'function_name').toLowerCase())) return false;
  const orders = child(node, 'order_bys');
  return (
    node['distinct'] !== true &&
    child(node, 'filter') === undefined &&
    (orders === undefined || children(orders, 'orders').length === 0)
  );
}

/** There is an aggregate in it for certain. */
export function sumsUpRows(node: SyntaxNode): boolean {
  return anywhere(
    node,
    (one) => one['class'] === 'FUNCTION' && SUMS.has(word(one, 'function_name').toLowerCase()),
    false,
  );
}

/** The name of a select item in lower case; empty when the engine makes one up. */
export function itemName(item: SyntaxNode): string {
  const alias = word(item, 'alias');
  if (alias !== '') return alias.toLowerCase();
  return item['class'] === 'COLUMN_REF' ? (words(item, 'column_names').at(-1) ?? '').toLowerCase() : '';
}

/** The same expression, whatever it is called. */
export function sameExpression(one: SyntaxNode, other: SyntaxNode): boolean {
  return JSON.stringify({ ...one, alias: '' }) === JSON.stringify({ ...other, alias: '' });
}
