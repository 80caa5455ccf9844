/** Rows that both engines get: what the traps are made of. Cells are texts that each engine casts to the column's type. */
export interface CaseTable {
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Numbers, truth values and moments as people write them. */
const WRITTEN: readonly string[] = [
  '1.5¦-0.5¦0.45¦1e3¦15e-1¦45e-2¦1_000¦1__0¦_1¦ 7 ¦\t7\n¦\u00a07¦+7¦.5¦5.¦.¦1e¦1E2¦2147483647.5¦-2147483648.4',
  '00000000000000000000000000000000000000000001¦0.00000000000000000000000000000000000000000000000001¦1e-400¦99999999999999999999¦1 2¦1.5e1_0',
  '-0¦1e400¦123456789.123456789¦true¦TRUE¦ true¦Yes¦n¦on¦2¦2024-1-5¦ 2024-01-05¦2024-01-05 ¦2024-01-05T¦2024-01-05 10',
  '2024-01-05 10:¦2024-01-05 10:07¦2024-01-05 10:7:¦2024-01-05 1:2:3¦2024-01-05T10:00:00.¦2024-01-05 10:00:00.123456789¦2024-01-05 10:00:60',
  '2024-01-05 25:00¦2024-01-05 010:00¦2024-01-05T10:00:00Z¦2024-01-05 10:00:00z¦2024-01-05 10:00:00 Z¦2024-01-05 10:00:00+02',
  '2024-01-05 10:00:00-0230¦2024-01-05 10:00:00.5+05:45 ¦2024-01-05 10:00:00+2¦2024-01-05 10:00+02¦2024-01-05 10:00:00 UTC',
  '2024-01-05 10:00:00 utc ¦2024/01/05¦2024\\1\\5¦2024 01 05 10:00¦2024-01/05¦24-1-5¦05/01/2023¦05/01/20¦0001-01-01x¦02024-01-01¦20240105-01-01',
  '2024-02-30¦2023-02-29¦2024-13-01¦2024-01-05abc¦2024-01-05 abc¦2024-01-0510:00¦2024-01-05  10:00¦2024-01-05T 10:00¦2024-01-05 10:00 AM',
  '20240105¦2024-01-055¦2024-01-05\t10:00¦2024-01-05 10:00:00,5¦¦now¦9999-12-31',
].flatMap((line) => line.split('¦'));

const ENDLESS: readonly string[] = ['inf', ' -Infinity ', 'nan', '+INF', '-nan', 'infinit', '1e400', '1E-3'];

const OBJECTS: readonly string[] = [
  '{}',
  '{"a":"1","b":null}',
  '{"b":null,"a":"x\\"y\\\\","c":null}',
  '{":":null,"a":":null","b":"\\u0001\\u001F\\n\\t/é😀\u2028"}',
  '{"c\\"d":"e","a":"","é.\'?":"ü"}',
  '{"x":null}',
];

export const TABLES: readonly CaseTable[] = [
  {
    name: 'silver.numbers',
    columns: {
      id: 'integer',
      i: 'integer',
      k: 'integer',
      b: 'bigint',
      s: 'smallint',
      d: 'decimal(18,2)',
      e: 'decimal(18,8)',
      w: 'decimal(38,8)',
      x: 'double',
      y: 'double',
      f: 'boolean',
      g: 'varchar',
    },
    rows: [
      ['1', '7', '2', '9007199254740993', '3', '2.345', '0.12345678', '123456789012.00000001', '2.5', '0', 'true', 'a'],
      ['2', '-7', '2', '-5', '-3', '-2.35', '-1.5', '-0.00000001', '-2.5', '2', 'false', 'a'],
      ['3', '7', '-2', '0', '0', '0.05', '1.00500000', '1', '1.005', '-0.5', null, 'b'],
      ['4', '0', '0', '1', null, '999999.99', '1000', '2', '0.125', '1e-3', 'true', 'b'],
      ['5', null, '3', null, '1', null, null, null, null, null, 'true', null],
      ['6', '2147483647', null, '9223372036854775807', '30', '1.5', '2.5', '3.5', 'NaN', 'Infinity', 'false', 'b'],
      ['7', '5', '1', '10', '2', '2.5', '0.5', '-3.5', '2.675', '3', null, 'c'],
      ['8', '6', '4', '11', '2', '3.5', '0.49999999', '7', '-0.49999999999999994', '4', 'false', 'c'],
    ],
  },
  {
    name: 'silver.texts',
    columns: { id: 'integer', t: 'varchar', u: 'varchar', n: 'varchar' },
    rows: [
      ['1', "CÔTE d'ivoire", 'ab', '1e3'],
      ['2', '  a😀b  ', 'b', ' 7 '],
      ['3', 'straße ﬁn İΣΑΣ ǆ', 'ﬁ', '0x1f'],
      ['4', 'a_b%c\\d', 'a\\', '1.005'],
      ['5', null, 'x', '-2.345'],
      ['6', '', '', '1_000.5'],
      ['7', '2024-01-05 x1y22', '22', ''],
      ['8', 'line\nbreak\ttab', '\n', '.5'],
      ['9', 'a-b-c', '-', '5.'],
      ['10', 'ÉCRAN écran \u00a0', 'É', 'x'],
      ['11', 'a.b$c', '.', '1__0'],
      ['12', 'z\u2028z\r\u0085', 'z', '+1.5E-2'],
    ],
  },
  {
    name: 'silver.written',
    columns: { id: 'integer', v: 'varchar', j: 'varchar', w: 'varchar' },
    rows: WRITTEN.map((text, at) => [String(at + 1), text, OBJECTS[at] ?? null, ENDLESS[at] ?? null]),
  },
  {
    name: 'silver.moments',
    columns: { id: 'integer', d: 'date', e: 'date', t: 'timestamp', u: 'timestamp', z: 'timestamptz', n: 'integer' },
    rows: [
      [
        '1',
        '2020-01-05',
        '2019-12-30',
        '2020-01-05 03:04:05.678',
        '2019-12-31 23:59:59.999999',
        '2020-01-05 03:04:05.678+00',
        '1',
      ],
      ['2', '2021-01-01', '2021-01-31', '2021-01-01 00:00:00', '2021-03-01 12:00:00', '2021-06-01 23:30:00+02', '-1'],
      [
        '3',
        '2024-02-29',
        '2024-03-01',
        '2024-02-29 23:59:59.999999',
        '2024-02-29 12:30:00',
        '2024-02-29 12:00:00-05',
        '31',
      ],
      ['4', null, '2024-01-01', null, '2024-01-01 00:00:00', null, null],
      [
        '5',
        '1969-12-28',
        '1970-01-01',
        '1969-12-31 23:59:59.5',
        '1970-01-01 00:00:00',
        '1969-12-31 23:59:59.5+00',
        '400',
      ],
      ['6', '2027-01-03', '2026-12-28', '2027-01-03 12:00:00', '2027-01-04 11:59:59', '2027-01-03 12:00:00+00', '0'],
    ],
  },
];

/** Whole queries. */
export const QUERIES: readonly string[] = [
  // Aggregates.
  'select g, count(*) as n, count(i) as m, count(distinct k) as p, sum(i) as q, sum(b // 4) as b, sum(d) as r, sum(e) as v, avg(i) as s, avg(d) as t, avg(e) as avg_e, min(d) as u, max(g) as w from silver.numbers group by g order by g',
  'select g, sum(i) filter (where f) as a, count(*) filter (where i > 0) as b, count_if(i > 0) as c, bool_and(f) as d, bool_or(f) as e, stddev_samp(d) as s, stddev_pop(d) as p, var_samp(d) as v, median(d) as m, median(i) as mi, quantile_cont(d, 0.3) as q, quantile_cont(e, [0.1, 0.5, 0.9])[3] as r, quantile_cont(i, [0.25, 0.75])[1] as ri from silver.numbers group by g',
  "select k, arg_max(d, id) as a, arg_min(e, id) as b, max_by(g, id) as c, string_agg(g, ', ' order by id desc) as l, string_agg(g, '+' order by i) as m, string_agg(g, '' order by d desc) filter (where id > 2) as o, any_value(k) as v, avg(x) filter (where id < 4) as x from silver.numbers group by k",
  'select sum(i) as a, avg(i) as b, max(d) as c, count(*) as n, median(e) as m, bool_and(f) as f from silver.numbers where id > 100',
  'select g, k, sum(i) as n, grouping(g) as x, grouping(k) as y from silver.numbers group by grouping sets ((g), (g, k), ())',
  'select g, k, count(*) as n from silver.numbers group by rollup (g, k)',
  'select g, f, count(*) as n, sum(d) as s from silver.numbers group by cube (g, f) having count(*) > 1',
  'select g, sum(i) * 100 as a, sum(d) / count(*) as b, cast(sum(d) / count(*) as decimal(18,2)) as c, sum(d) + sum(e) as s, sum(d) * 2 as t from silver.numbers group by 1',
  'select k + 1 as kk, count(*) as n from silver.numbers group by kk having n > 0 order by kk nulls first',
  "select year(d) as y, date_trunc('month', d) as m, count(*) as n from silver.moments group by all",
  // Windows.
  'select id, row_number() over (order by d desc, id) as a, rank() over (partition by g order by k) as b, dense_rank() over (order by k nulls first) as c, ntile(3) over (order by id) as n, percent_rank() over (order by id) as p, cume_dist() over (order by k) as q from silver.numbers',
  "select id, lag(i) over (order by id) as a, lead(d, 2, 0) over (order by id) as b, lag(g, 1, 'none') over (partition by f order by id) as c, first_value(i) over (partition by g order by id) as h, last_value(i) over (partition by g order by id) as l, last_value(i) over (partition by g order by id rows between unbounded preceding and unbounded following) as m, lag(i ignore nulls) over (order by id) as o, first_value(d ignore nulls) over (order by id desc) as p from silver.numbers",
  'select id, sum(i) over (order by id) as a, sum(d) over (partition by g) as b, sum(d) over (order by k) as c, count(*) over (partition by g order by id rows between 1 preceding and 1 following) as e, avg(d) over (order by id rows between 2 preceding and current row) as h, max(e) over () as m, round(100 * cast(d as double) / sum(d) over (), 2) as part, min(id) over (order by d desc nulls first range between unbounded preceding and current row) as r from silver.numbers',
  'select g, row_number() over (order by sum(d) desc, g) as n, sum(sum(d)) over () as s from silver.numbers group by g',
  'select id, g from silver.numbers qualify row_number() over (partition by g order by d desc, id) = 1 order by g, id',
  'with n as (select id, d from silver.numbers) select *, rank() over w as r from n window w as (order by d)',
  // Select.
  'select distinct g, f from silver.numbers order by g desc, f',
  'select distinct on (g) g, id, d from silver.numbers order by g, d desc, id',
  'select id, d from silver.numbers order by d desc, id limit 3 offset 1',
  'select id, i from silver.numbers order by i, id limit 3',
  'select id, i from silver.numbers order by i desc, id limit 3',
  'select * exclude (w, x, y, b) replace (k + 1 as k) from silver.numbers where g is not null order by all',
  'select n.*, 1 as one from silver.numbers as n where n.id <= 2',
  'select k + 1 as j, j * 2 as k2 from silver.numbers where j > 1',
  'from silver.texts select id, t order by 2, 1',
  'select count(*), sum(i), g from silver.numbers group by g',
  'select id as "select", g as "a b`c" from silver.numbers where "select" < 3',
  // Joins.
  'select a.id, b.id as bid, a.g from silver.numbers a join silver.texts b on a.id = b.id where b.t is not null',
  'select * from (select id, g from silver.numbers) a left join (select id, t from silver.texts where id < 3) b using (id)',
  'select * from (select id, g from silver.numbers where id < 4) a full join (select id, t from silver.texts where id in (3, 9)) b using (id)',
  'select * from (select g, id from silver.numbers where id < 3) a right join (select t, id from silver.texts where id in (2, 9)) b using (id)',
  'select id from silver.numbers n semi join silver.texts t on t.id = n.k',
  'select id from silver.numbers n anti join silver.texts t on t.id = n.k and t.id > 1',
  "select a.id, c.d from silver.numbers a, silver.moments c where a.id = c.id and c.d > '2020-01-01'",
  'select n.id, m.id as mid, x.id as xid from silver.numbers n left join (silver.moments m join silver.texts x on x.id = m.id) on m.id = n.k',
  'select n.id, l.v from silver.numbers n, lateral (select n.id * 2 as v) l',
  "select id, w from (select id, string_split(t, '-') as l from silver.texts) s, unnest(s.l) as u(w)",
  'select id, unnest([i, k]) as v from silver.numbers where id < 3',
  'select n.id, x.id as xid, x.t from silver.numbers n asof join silver.texts x on n.id = x.id and n.b >= x.id',
  'select n.id, x.id as xid from silver.numbers n asof left join (select id, id * 2 as w from silver.texts) x on x.w <= n.i',
  // Sub-queries, WITH, sets, VALUES.
  'select id from silver.numbers where (i, k) in (select (i, k) from silver.numbers where id > 4) or (k, id) not in (select (id, k) from silver.numbers)',
  'select id, t from silver.texts where id < 3 union all by name select u, id, null as w from silver.texts where id = 4 union all by name select 1.5 as w',
  'select id, {a: g, b: f} is distinct from lag({a: g, b: f}) over (order by id) as changed, [i, k] is not distinct from [k, i] as same from silver.numbers',
  'select null as a, id from silver.texts where id = 1',
  'select id from silver.numbers n where exists (select 1 from silver.texts t where t.id = n.k) and id not in (select id from silver.moments where id > 5)',
  'select id, (select max(id) from silver.texts) as m from silver.numbers where d > (select avg(d) from silver.numbers where id < 3)',
  'select id, (select count(*) from silver.texts t where t.id < n.id) as c from silver.numbers n',
  'with a(k1, v) as (select k, sum(i) from silver.numbers group by k), b as (select * from a where v > 0) select * from b join a using (k1)',
  'select i as v from silver.numbers union all select d from silver.numbers union select 1',
  'select k from silver.numbers intersect select id from silver.texts',
  'select k from silver.numbers except all select id from silver.texts where id < 3',
  'select k from silver.numbers intersect all select i from silver.numbers order by k',
  "select * from (values (1, 'a', 1.5), (2, null, 2), (null, 'c', 10)) v(a, b, c) where a is not null or b = 'c'",
  'values (1, 2.5), (2, 3)',
  "select 1 as a, 'x' as b, date '2020-01-01' as c",
];

/** What is refused: the construct that is named, and where it stands. */
export const REFUSED: readonly (readonly [
  sql: string,
  wanted: { readonly construct: string; readonly line?: number; readonly column?: number },
])[] = [
  ['select i\nfrom silver.numbers\nwhere hash(i) > 0', { construct: 'hash()', line: 3, column: 7 }],
  [
    'select id,\n  cast(t as float) as n from silver.texts',
    { construct: 'cast from varchar to float', line: 2, column: 3 },
  ],
  ["select regexp_matches(t, '\\bx') as m from silver.texts", { construct: '\\b in a regular expression' }],
  ["select strftime(d, '%V') as w from silver.moments", { construct: 'strftime() with %V' }],
  ['select d // 2 as n from silver.numbers', { construct: '//() of double' }],
  ['select cast([i] as varchar) as n from silver.numbers', { construct: 'cast from integer[] to varchar' }],
  ["select strptime(t, '%d %b %Y') as n from silver.texts", { construct: 'strptime() with %b' }],
  [
    "select json_extract_string(t, '$.a.b') as n from silver.texts",
    { construct: 'json_extract_string() with a path that is no name of a member' },
  ],
  ['select id from silver.numbers limit 3', { construct: 'LIMIT without an order' }],
  ['select row_number() over () as n from silver.numbers', { construct: 'row_number() over rows without an order' }],
  [
    'select sum(i) over (order by id range between 1 preceding and current row) as n from silver.numbers',
    { construct: 'a window by the distance of values (RANGE)' },
  ],
  ['select distinct on (g) id from silver.numbers', { construct: 'DISTINCT ON without an order' }],
  [
    "select string_agg(g, ',') as l from silver.numbers",
    { construct: 'string_agg() without an order, by several keys or with DISTINCT' },
  ],
  ['select first(i) as f from silver.numbers', { construct: 'first()' }],
  ['select list(i) as f from silver.numbers', { construct: 'list()' }],
  ['select g = t as f from silver.numbers, silver.moments', { construct: 'a comparison of varchar with timestamp' }],
  ['select a.id from silver.numbers a natural join silver.moments b', { construct: 'a natural inner join' }],
  [
    'with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r',
    { construct: 'recursive cte' },
  ],
  ['select random() as r', { construct: 'random()' }],
  ['select t - u as v from silver.moments', { construct: '-() of these types' }],
  [
    "select regexp_replace(t, 'a', 'b') as v from silver.texts",
    { construct: "regexp_replace() without 'g' alone as its flags" },
  ],
  ['select cast(d as time) as v from silver.moments', { construct: 'a value of type time' }],
  ['select i & 3 as v from silver.numbers', { construct: '&()' }],
];
