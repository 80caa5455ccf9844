/**
 * Models that a refresh by value may get wrong: each with the column that it is refreshed by, and the inputs that may move without its being
 * computed whole.
 */
export interface RefreshModel {
  readonly by: string;
  readonly sql: string;
  /** Which of `a` and `b` may move alone: `a`, `b`, `ab` or nothing; and whether both of them may move at once. */
  readonly alone: string;
  readonly both: boolean;
}

/**
 * Name, column, inputs that may move (`-` none, `both` at once), query, over `silver.a(id, k, d, s, v)` and `silver.b(id, k, w, d)`: `k` is the value
 * that most are refreshed by; `d` is a date, `s` a text.
 */
const MODELS = `
# One table.
sums of a value | k | ab both | select k, count(*) as n, sum(v) as total from silver.a group by k
sums of a day | d | ab both | select d, min(v) as low, max(v) as high from silver.a group by all
sums of a month | m | ab both | select date_trunc('month', d) as m, count(distinct id) as n from silver.a group by all
sums of a text | s | ab both | select s, count(*) filter (where v > 2) as n from silver.a group by s
rows as they are | d | ab both | select * from silver.a
rows without a column | k | ab both | select * exclude (s) from silver.a where v > 2 or s = 'x'
rows with a column replaced | k | b | select * replace (v + 1 as v) from silver.a
values that differ | k | ab both | select distinct k, s from silver.a
a value that is computed | x | ab both | select case when v > 3 then k else id end as x, id from silver.a
an alias of an alias | x | ab both | select v % 3 as y, y + 1 as x, id from silver.a
one row for several values | x | ab both | select id, unnest([k, k + 1]) as x from silver.a
a series for each row | x | ab both | select a.id, g.x from silver.a a, generate_series(a.k, a.k + 1) as g(x)
a grand total | k | b | select max(k) as k, count(*) as n from silver.a
an aggregate as the value | k | b | select id % 3 as g, max(k) as k from silver.a group by 1
an aggregate under the name of a key | k | b | select min(k) as k, id % 2 as g from silver.a group by g
the key by its place | k | ab both | select k, sum(v) as v from silver.a group by 1
a key that an unknown function makes | x | ab both | select list_sum([k, 1]) as x, count(*) as n from silver.a group by list_sum([k, 1])
a function that may be an aggregate | x | b | select geomean(v) as x from silver.a
totals of groups and of all | k | ab both | select k, s, count(*) as n from silver.a group by rollup (k, s)
totals of every kind | k | ab both | select k, s, count(*) as n from silver.a group by grouping sets ((k), (s), ())
lists in a stated order | k | ab both | select k, list(v order by id, v) as vs from silver.a group by k
a part of the groups | k | b | select k, count(*) as n from silver.a group by k having count(*) > 1
a part of the groups, by an alias | k | b | select k, count(*) as n from silver.a group by k having n > 1
a part of the groups, by their key | k | ab both | select k, count(*) as n from silver.a group by k having k > 1
the first rows | k | b | select k, id, v from silver.a order by v, id, k, d, s limit 3
all rows but the first | k | b | select k, id, v from silver.a order by v, id, k, d, s offset 2
the first rows of a sub-query | k | b | select k from (select k from silver.a order by v, id, k limit 3) group by k
one row for each id | k | b | select distinct on (id) id, k, v from silver.a order by id, v, k, d, s
rows in an order | k | ab both | select k, id from silver.a order by v desc
numbers within a value | k | b | select k, row_number() over (partition by k order by id, v, d, s) as n from silver.a
the row before | k | b | select k, id, lag(v) over (order by id, v, k, d, s) as before from silver.a
the newest of each id | k | b | select * from silver.a qualify row_number() over (partition by id order by v, k, d, s) = 1
numbers in a WITH | k | b | with t as (select k, sum(v) over (order by id, v, k, d, s) as n from silver.a) select k, n from t
a sample | k | - | select k, id from silver.a using sample 50 percent (bernoulli, 7)
chance | k | - | select k, random() < 2 as yes from silver.a
the moment of the run | k | - | select k, now() > timestamptz '2000-01-01' as yes from silver.a
turned | k | b | select * from silver.a pivot (sum(v) for s in ('x', 'y') group by k)
a chain of rows | k | b | with recursive t as (select id, k from silver.a where id = 1 union select a.id, t.k from silver.a a join t on a.id = t.id + 1) select k, id from t
# Aggregates under aggregates.
groups that are looked through | k | ab both | select k, n * 2 as m from (select k, count(*) as n from silver.a group by k)
groups under a star | k | ab both | select * from (select k, sum(v) as v from silver.a group by k)
groups that are filtered | k | b | select * from (select k, count(*) as n from silver.a group by k) where n > 1
groups that are filtered as rows | k | b | select t.k from (select k, count(*) as n from silver.a group by k) t where cast(t as varchar) like '%2}'
groups that are filtered in a WITH | k | b | with t(x, y) as (select k, count(*) from silver.a group by k) select x as k, y from t where y > 1
groups that are filtered by an alias | k | b | select k, v as n from (select k, count(*) as v from silver.a group by k) where n > 1
groups that are grouped by an alias | k | b | select v as n, min(k) as k from (select k, count(*) as v from silver.a group by k) group by n
groups of what differs | k | ab both | select k, count(*) as n from (select distinct k, s from silver.a) group by k
all columns at once | k | b | select k, max(columns(* exclude (k))) from silver.a group by k
groups of groups | k | ab both | select k, sum(n) as n from (select k, s, count(*) as n from silver.a group by all) group by k
groups of numbers of rows | n | b | select n, count(*) as c from (select k, count(*) as n from silver.a group by k) group by n
groups of numbers of rows, of another value | k | b | select k, n, count(*) as c from (select k, s, count(*) as n from silver.a group by all) group by all
groups that are joined by their number | k | b | select t.k, b.w from (select k, count(*) as n from silver.a group by k) t join silver.b b on b.w = t.n
groups that are joined by their key | k | ab both | select t.k, t.n, b.w from (select k, count(*) as n from silver.a group by k) t join silver.b b on b.k = t.k
a part of the total | k | b | select a.k, a.v, t.total from silver.a a, (select sum(v) as total from silver.a) t
the total of another table | k | ab both | select a.k, a.id, t.n from silver.a a, (select count(*) as n from silver.b) t
an aggregate that a join finds by its name | k | b | select t.k, w from (select k, count(*) as w from silver.a group by k) t join silver.b using (w)
# Two tables.
joined | k | ab both | select a.k, a.v, b.w from silver.a a join silver.b b on a.id = b.id
joined, by the other side | k | ab both | select b.k, sum(a.v) as v from silver.a a join silver.b b on a.id = b.id group by b.k
joined by common columns | k | ab both | select k, id, v, w from silver.a natural join silver.b
joined by named columns | k | ab both | select k, id, v, w from silver.a join silver.b using (id, k)
joined to the left | k | a | select a.k, a.v, b.w from silver.a a left join silver.b b on a.id = b.id
joined to the left, by what is there | k | a | select coalesce(b.k, a.k) as k, a.id from silver.a a left join silver.b b on a.id = b.id
what is not there, by a left join | k | a | select a.k, a.v from silver.a a left join silver.b b on a.id = b.id where b.id is null
joined to the left, summed up by the right | k | a | select b.k, count(*) as n from silver.a a left join silver.b b on a.id = b.id group by b.k
joined to the right | k | b | select a.k, b.id, b.w from silver.a a right join silver.b b on a.id = b.id
joined to both sides | k | - | select k, v, w from silver.a full join silver.b using (k)
those who are there | k | ab both | select a.k, a.v from silver.a a semi join silver.b b on a.id = b.id
those who are not there | k | a | select a.k, a.v from silver.a a anti join silver.b b on a.id = b.id
the last one before | k | a | select a.k, a.id, b.w from silver.a a asof join (select id, max(w) as w from silver.b group by id) b on a.id >= b.id
side by side | k | - | select a.k, b.w from silver.a a positional join silver.b b
the next of the other table, by its day | d | a | select x.d, y.w from silver.a a join silver.b x on x.id = a.id join silver.b y on y.id = x.id + 1
the last day before | d | a | select b.d, a.id from silver.a a asof join silver.b b on a.d >= b.d
joined, by its day | d | ab both | select a.d, a.v, b.w from silver.a a join silver.b b using (id)
joined to the left, by the day of the right | d | a | select b.d, count(a.id) as n from silver.a a left join silver.b b on a.id = b.id group by b.d
joined to the right, by its day | d | b | select b.d, a.id, b.w from silver.a a right join silver.b b on a.id = b.id
joined and summed up by a text | s | ab both | select s, sum(w) as w from silver.a a join silver.b b on a.id <= b.id group by s
crossed | k | ab both | select b.k, count(*) as n from silver.a a cross join silver.b b group by b.k
a list beside a table | k | ab both | select k, t.name, v from silver.a join (values (1, 'one'), (2, 'two')) as t(k, name) using (k)
a look for each row | k | ab both | select a.k, t.m from silver.a a, lateral (select max(w) as m from silver.b b where b.id = a.id) t
a look for each row that may find nothing | k | a | select a.k, t.w from silver.a a left join lateral (select w from silver.b b where b.id = a.id) t on true
a filter on what was looked up | k | a | select a.k, t.n from silver.a a, lateral (select count(*) as n from silver.b b where b.id = a.id) t where t.n = 0
# Sub-queries in expressions.
exists | k | a | select a.k, a.v from silver.a a where exists (select 1 from silver.b b where b.id = a.id)
not exists | k | a | select a.k, a.v from silver.a a where not exists (select 1 from silver.b b where b.id = a.id)
in | k | a | select k, v from silver.a where id in (select id from silver.b)
not in | k | a | select k, v from silver.a where id not in (select id from silver.b where id is not null)
not, then in | k | a | select k, v from silver.a where not (id in (select id from silver.b where id is not null))
in is false | k | a | select k, v from silver.a where (id in (select id from silver.b where id is not null)) = false
unlike all | k | a | select k, v from silver.a where id <> all (select id from silver.b where id is not null)
like any | k | a | select k, v from silver.a where id = any (select id from silver.b)
none of them | k | a | select a.k, a.v from silver.a a where (select count(*) from silver.b b where b.id = a.id) = 0
the greatest of them | k | a | select a.k, (select max(w) from silver.b b where b.k = a.k) as m from silver.a a
the greatest of all | k | b | select k, v from silver.a where v = (select max(v) from silver.a)
a list of the other table | k | a | select k, len(array(select w from silver.b where w > 3)) as n, id from silver.a
another row of the same value | k | b | select x.k, x.id from silver.a x where exists (select 1 from silver.a y where y.k = x.k and y.v > x.v)
# The same table in more places than one.
pairs of a value | k | b | select x.k, x.id, y.id as other from silver.a x join silver.a y on x.k = y.k and x.id < y.id
the next one | k | b | select x.k, x.v, y.v as next from silver.a x join silver.a y on y.id = x.id + 1
a WITH in two places | k | b | with t as (select * from silver.a where v > 1) select t.k, u.v from t join t u on t.k = u.k and t.id < u.id
a WITH in one place | k | ab both | with t as (select * from silver.a where v > 1), u as (select k, id from t) select k, count(distinct id) as n from u group by k
a WITH in a WITH | k | ab both | with t as (with u as (select k, v from silver.a) select k, sum(v) as v from u group by k) select k, v from t
pairs of the other table | k | a | select a.k, x.w, y.w as other from silver.a a join silver.b x on x.id = a.id join silver.b y on y.id = a.id
a WITH under the name of a table | k | ab both | with a as (select k, id from silver.b) select a.k, b.v from a join silver.a b on a.id = b.id
# Several queries.
one after the other | k | ab both | select k, id from silver.a union all select k, id from silver.b
one and the other, once each | k | ab both | select k from silver.a union select k from silver.b
by name | k | ab both | select k, v from silver.a union all by name select w, k from silver.b
sums of both | k | ab both | select k, count(*) as n from silver.a group by k union all select k, count(*) from silver.b group by k
sums of both under a sum | k | ab both | select k, sum(n) as n from (select k, count(*) as n from silver.a group by k union all select k, count(*) from silver.b group by k) group by k
an aggregate below a value | k | a | select k from silver.a union all select count(*) from silver.b
twice the same | k | ab both | select k, id from silver.a where v > 2 union all select k, id from silver.a where s = 'x'
both, joined to one | k | b | select t.k, a.v from (select k, id from silver.a union all select k, id from silver.b) t join silver.a a on a.id = t.id + 1
one without the other | k | - | select k from silver.a except select k from silver.b
in both | k | - | select k from silver.a intersect all select k from silver.b
# Types of the value.
a time in a zone | t | ab both | select cast(d as timestamptz) as t, id from silver.a
a time in fractions | t | ab both | select make_timestamp(coalesce(v, 0) * 1000001) as t, id from silver.a
a time in nanoseconds | t | ab both | select cast('2020-01-01 00:00:00.00000100' || (v % 10) as timestamp_ns) as t, id from silver.a
a time of the day | t | ab both | select cast('10:00:00' as time) + to_minutes(cast(v as integer)) as t, id from silver.a
a decimal | x | ab both | select cast(v as decimal(18, 3)) / 4 as x, id from silver.a
a fraction | x | ab both | select v / 3 as x, id from silver.a
a short fraction | x | ab both | select cast(v / 3 as float) as x, id from silver.a
a truth | x | ab both | select v > 2 as x, count(*) as n from silver.a group by all
a huge number | x | ab both | select cast(v as hugeint) * 1000000000000000000000 as x, id from silver.a
bytes | x | ab both | select encode(s) as x, id from silver.a
a struct | x | ab both | select {'k': k, 's': s} as x, count(*) as n from silver.a group by all
a list | x | ab both | select [s, 'y'] as x, id from silver.a
nothing | x | ab both | select null as x, count(*) as n from silver.a group by k
`;

export const REFRESH_MODELS: ReadonlyMap<string, RefreshModel> = new Map(
  MODELS.split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', by = '', moves = '', ...sql] = line.split(' | ');
      const [alone = '', both] = moves.split(' ');
      return [name, { by, sql: sql.join(' | '), alone: alone === '-' ? '' : alone, both: both !== undefined }];
    }),
);
