/** What looks like a setting is a text. */
const ALWAYS: readonly string[] = ["'${x}' || '$y'"];

/** Expressions over the rows of one table: each is a column of one query. */
export const EXPRESSIONS: Readonly<Record<string, readonly string[]>> = {
  'silver.numbers': list(String.raw`
    i / k ;; i // k ;; i % k ;; b / 3 ;; 7 / 2 ;; -7 // 2 ;; x / y ;; d / i ;; 1 / nullif(k, 0) ;; i // 2 ;; b % 10 ;; mod(b, 7) ;; d % 2 ;; x % 3 ;;
    d % e ;; s + 1 ;; s + s ;; cast(i as bigint) + i ;; b - 1 ;; s * 1000 ;; d + e ;; d - i ;; d * 100 ;; 100 * d ;; d * i ;; w + 1 ;; w - d ;; w * 2 ;;
    d * 1.5 ;; -d ;; -x ;; -s ;; x * i ;; x + d ;; round(d) ;; round(d, 1) ;; round(e, 3) ;; round(x) ;; round(x, 2) ;; round(x, 1) ;; round(i) ;;
    round(100 * (x / 3 - 1), 2) ;; ceil(d) ;; floor(d) ;; ceil(x) ;; floor(x) ;; abs(d) ;; abs(x) ;; abs(s) ;; sign(d) ;; cast(d as integer) ;;
    cast(e as bigint) ;; try_cast(x as integer) ;; try_cast(d as smallint) ;; cast(d as decimal(18,1)) ;; try_cast(e as decimal(5,2)) ;; cast(d as double) ;;
    cast(i as decimal(12,2)) ;; try_cast(x as decimal(18,2)) ;; try_cast(x as decimal(18,8)) ;; try_cast(x as decimal(5,0)) ;; try_cast(i as tinyint) ;;
    cast(i as varchar) ;; cast(d as varchar) ;; cast(e as varchar) ;; cast(f as varchar) ;; cast(f as integer) ;; cast(i as boolean) ;; cast(w as double) ;;
    cast(b as double) ;; greatest(i, k) ;; least(i, k, 3) ;; greatest(d, i) ;; least(x, d) ;; coalesce(i, k, 0) ;; coalesce(d, 0) ;; coalesce(x, i) ;;
    nullif(i, 7) ;; nullif(d, 0) ;; coalesce(g, 'none') ;; ifnull(i, 0) ;; case when f then i else d end ;; case when i > 0 then 1 when i < 0 then -1 end ;;
    case k when 2 then 'two' else 'other' end ;; if(f, 1, 2) ;; case when i is null then null else 2.5 end ;; i = k ;; d = i ;; d < x ;; i <> k ;;
    i is distinct from k ;; i is not distinct from null ;; d between 0 and 3 ;; i in (7, null) ;; i not in (7, 0) ;; d in (2.35, 1) ;; f and i > 0 ;;
    f or i > 0 ;; not f ;; x > 1e300 ;; x = y ;; d = '2.5' ;; i > '3' ;; i between k and 7 ;; f = true ;; f is null ;; f is true ;; f is not true ;; 1.5 ;;
    1e3 ;; 99999999999 ;; -2147483648 ;; 0.1 + 0.2 ;; 'it''s \ %' ;; true ;; date '2024-02-29' ;; cast('1.5' as double) ;; cast('12' as bigint) ;;
    timestamp '2020-01-01 10:00:00' ;; cast(null as date) ;; 2.5e0 + k ;; sqrt(abs(d)) ;; exp(1) ;; power(x, 2) ;; x ** 2 ;; ln(abs(d) + 1) ;; log10(100) ;;
    isnan(x) ;; isfinite(x) ;; cast(case when abs(x) < 0.5 then null else x end as varchar) ;; cast(y * 1e15 as varchar) ;; cast(nullif(y, 1e-3) / 1000 as varchar) ;; cast(-y as varchar) ;; cast(nullif(y, 1e-3) / 100000 as varchar) ;; cast(cast(d as double) as varchar) ;; cast(d as decimal(9,2)) * cast(e as decimal(9,2))
  `),
  'silver.texts': list(String.raw`
    upper(t) ;; lower(t) ;; title_case(t) ;; strip(t) ;; length(t) ;; len(t) ;; trim(t) ;; ltrim(t) ;; rtrim(t) ;; trim(t, 'a ') ;; rtrim(t, 'c') ;;
    substring(t, 2, 3) ;; substr(t, 3) ;; left(t, 3) ;; right(t, 3) ;; replace(t, 'a', 'xy') ;; replace(t, '-', u) ;; repeat(t, 2) ;; lpad(t, 6, '*') ;;
    rpad(t, 3, 'xy') ;; title_case(strip(t)) ;; split_part(t, '-', 2) ;; split_part(t, '-', 9) ;; len(string_split(t, '-')) ;; string_split(t, '.')[1] ;;
    string_split(t, 'b')[-1] ;; instr(t, 'b') ;; position('b' in t) ;; strpos(t, u) ;; contains(t, u) ;; starts_with(t, u) ;; prefix(t, u) ;;
    ends_with(t, u) ;; suffix(t, 'c') ;; concat(t, '-', u) ;; concat_ws('-', t, u, null) ;; t || '/' || u ;; md5(t) ;; sha256(t) ;; strlen(t) ;;
    t like 'a%' ;; t like '%\d' ;; t like 'a_b%' ;; t not like '%b%' ;; t like 'a!_b%' escape '!' ;; t ilike '%IVOIRE' ;; t ilike '%ab%' ;;
    regexp_matches(t, '^a') ;; regexp_matches(t, '\s') ;; regexp_matches(t, '[^@ ]+-[0-9]{2}') ;; regexp_matches(t, 'tab$') ;; regexp_matches(t, '^.*$') ;;
    regexp_matches(t, 'a.b') ;; t similar to '[a-z0-9 -]+' ;; regexp_full_match(t, '.*') ;; regexp_extract(t, 'x(\d)y(\d+)', 2) ;;
    regexp_extract(t, '\d+') ;; regexp_extract(t, '(z)?a', 1) ;; regexp_replace(t, '[aeiou]', '<\0>', 'g') ;; regexp_replace(t, '(\w)-(\w)', '\2\1', 'g') ;;
    regexp_replace(t, '\.', '$', 'g') ;; regexp_replace(t, '[\s]+', ' ', 'g') ;; regexp_matches(t, '[a-c.-]{2,}') ;; regexp_matches(t, '(?:a|b)-(?:b|c)') ;;
    regexp_extract(t, 'b.*?c') ;; t < u ;; t = u ;; greatest(t, u) ;; t in ('a-b-c', '') ;; t between 'a' and 'b' ;; coalesce(nullif(t, ''), 'empty') ;;
    t is null ;; case when t = '' then null else t end ;; '\' || u ;; t >= 'É' ;; try_cast(n as decimal(18,2)) ;; try_cast(n as decimal(18,8)) ;;
    cast(try_cast(n as decimal(18,0)) as integer) ;; try_cast(n as decimal(5,1)) ;; list_contains(['a', t], u) ;; ['a', t][2] ;; [t, u][3] ;; len([t, u]) ;;
    array_to_string([t, u, 'z'], '+') ;; list_max([t, u]) ;; list_min(['b', u]) ;; {'a': t, 'b': 1}.b ;; struct_pack(k := t).k ;;
    list_contains([1, null], 2) ;; len(cast([] as integer[])) ;; [1, 2, 3][2] ;; [1, 2.5][1]
  `),
  'silver.written': list(String.raw`
    try_cast(v as integer) ;; try_cast(v as bigint) ;; try_cast(v as smallint) ;; try_cast(v as double) ;; try_cast(w as double) ;; try_cast(v as boolean) ;; try_cast(v as date) ;;
    try_cast(v as timestamp) ;; try_cast(v as timestamptz) ;; cast(try_cast(v as timestamp) as date) ;; try_cast(v as decimal(12,3)) ;;
    try_strptime(v, '%Y-%m-%d') ;; try_strptime(v, '%Y-%m-%d %H:%M') ;; try_strptime(v, '%Y-%m-%dT%H:%M:%S.%f') ;; try_strptime(v, '%d/%m/%Y') ;;
    try_strptime(v, '%Y%m%d') ;; try_strptime(v, '%Y/%m/%d') ;; cast(json_object('a', v, 'b"\é', cast(null as varchar), 'c', j) as varchar) ;;
    cast(to_json([v, null, j]) as varchar) ;; cast(json_merge_patch('{}', j) as varchar) ;; json_extract_string(j, '$."a"') ;; json_extract_string(j, '$.b') ;;
    json_extract_string(j, '$."é.''?"') ;; v || id || '|' || j
  `),
  'silver.moments': list(String.raw`
    year(d) ;; month(d) ;; day(d) ;; quarter(d) ;; week(d) ;; isodow(d) ;; dayofweek(d) ;; dayofyear(d) ;; isoyear(d) ;; yearweek(d) ;; hour(t) ;;
    minute(t) ;; second(t) ;; weekday(d) ;; dayofmonth(t) ;; year(z) ;; hour(z) ;; date_part('dow', t) ;; date_part('isodow', z) ;; extract(week from t) ;;
    extract(epoch from t) ;; date_part('epoch', d) ;; extract(hour from d) ;; epoch(t) ;; epoch_ms(t) ;; epoch_ms(z) ;; dayname(d) ;; monthname(t) ;;
    strftime(d, '%Y-%m') ;; strftime(t, '%Y-%m-%d %H:%M:%S.%f') ;; strftime(t, '%y %j %b %B %a %A %p %I') ;; strftime(t, 'le %d/%m à %Hh') ;;
    strftime(z, '%Y-%m-%dT%H:%M') ;; strftime(d, '%d''%m %%') ;; date_trunc('month', d) ;; date_trunc('week', t) ;; date_trunc('hour', z) ;;
    date_trunc('quarter', d) ;; date_trunc('year', t) ;; date_trunc('day', t) ;; date_trunc('minute', t) ;; date_trunc('second', t) ;;
    date_trunc('week', d) ;; d + 1 ;; d - 1 ;; d + n ;; d - e ;; d + interval 1 month ;; d - interval 1 month ;; t + interval 1 day ;;
    t - interval '3' hour ;; z + interval 1 month ;; t + interval 90 minute ;; d + interval 1 year ;; e + interval 2 week ;; date_diff('day', d, e) ;;
    date_diff('month', d, e) ;; date_diff('year', d, e) ;; date_diff('quarter', d, e) ;; date_diff('hour', t, u) ;; date_diff('minute', t, u) ;;
    date_diff('second', t, u) ;; date_diff('day', t, u) ;; datediff('month', t, u) ;; cast(t as date) ;; cast(d as timestamp) ;; cast(z as timestamp) ;;
    cast(t as timestamptz) ;; cast(z as date) ;; cast(d as varchar) ;; cast(t as varchar) ;; cast(z as varchar) ;; cast(t + interval 9000 year as varchar) ;; cast(cast(d + interval 8000 year as date) as varchar) ;; t::date = d ;; d < t ;; d >= '2021-01-01' ;;
    t between '2020-01-01' and '2021-12-31' ;; greatest(d, e) ;; least(t, u) ;; coalesce(d, e) ;; last_day(d) ;; make_date(2020, 2, 3) ;; d = e ;;
    d in ('2021-01-01', '2024-02-29') ;; isfinite(d) ;; make_timestamptz(epoch_ms(t) * 1000) ;; isodow(d) >= 6 ;;
    year(d) * 10000 + month(d) * 100 + day(d) ;; d is null ;; case when d > e then d else t end ;; cast(date_trunc('month', d) as date) ;;
    date_trunc('hour', t) = t
  `),
};

function list(text: string): readonly string[] {
  return [...text.split(';;').map((one) => one.trim()), ...ALWAYS];
}
