import fc from 'fast-check';

/** The tables that random queries read: whole numbers only, few values, so that joins and groups find something. */
export const TABLES = { a: ['k', 'g', 'x'], b: ['k', 'x', 'z'], c: ['g', 'z', 'w'] } as const;
export type TableName = keyof typeof TABLES;

/** A query and the names of its columns. */
interface Query {
  readonly sql: string;
  readonly columns: readonly string[];
}

const number = fc.integer({ min: 0, max: 4 });
const pick = <T>(all: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...all);

/** An expression over columns named as written in `columns`. */
function expression(columns: readonly string[]): fc.Arbitrary<string> {
  const column = pick(columns);
  return fc.oneof(
    { weight: 3, arbitrary: column },
    fc.tuple(column, column).map(([a, b]) => `${a} + ${b}`),
    fc.tuple(column, number, column, column).map(([a, n, b, c]) => `case when ${a} > ${n} then ${b} else ${c} end`),
    fc.tuple(column, number).map(([a, n]) => `coalesce(nullif(${a}, ${n}), 9)`),
    fc.tuple(column, number).map(([a, n]) => `cast(${a} as bigint) * ${n}`),
    column.map((a) => `{'f': ${a}}.f`),
    column.map((a) => `list_sum(list_transform([${a}, 1], lambda v: v + 1))::bigint`),
  );
}

function condition(columns: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    fc.tuple(expression(columns), number).map(([a, n]) => `${a} > ${n}`),
    fc.tuple(pick(columns), pick(['in', 'not in'])).map(([a, how]) => `${a} ${how} (select z from c where w > 1)`),
    pick(columns).map((a) => `exists (select 1 from b as inner_b where inner_b.k = ${a} and inner_b.z > 1)`),
    fc.tuple(pick(columns), number).map(([a, n]) => `${a} between ${n} and (select max(w) from c)`),
  );
}

const base: fc.Arbitrary<Query> = pick(Object.keys(TABLES) as TableName[]).map((name) => ({
  sql: name,
  columns: TABLES[name],
}));

/** Something to stand in FROM: a table or a query in brackets. */
function relation(depth: number): fc.Arbitrary<Query> {
  if (depth === 0) return base;
  return fc.oneof(
    base,
    query(depth - 1).map((one) => ({ ...one, sql: `(${one.sql})` })),
  );
}

const named = (items: readonly string[]): { list: string; columns: readonly string[] } => ({
  list: items.map((item, i) => `${item} as o${i}`).join(', '),
  columns: items.map((_, i) => `o${i}`),
});

function simple(depth: number): fc.Arbitrary<Query> {
  return relation(depth).chain((from) => {
    const own = from.columns.map((one) => `r.${one}`);
    return fc
      .tuple(
        fc.array(expression([...own, ...from.columns]), { minLength: 1, maxLength: 3 }),
        condition(own),
        fc.boolean(),
        fc.boolean(),
      )
      .map(([items, where, filtered, distinct]) => {
        const { list, columns } = named(items);
        return {
          sql: `select ${distinct ? 'distinct ' : ''}${list} from ${from.sql} as r${filtered ? ` where ${where}` : ''}`,
          columns,
        };
      });
  });
}

function stars(depth: number): fc.Arbitrary<Query> {
  return relation(depth).chain((from) =>
    fc.tuple(pick(from.columns), pick(from.columns), number).map(([gone, other, n]) => {
      const left = from.columns.filter((one) => one !== gone);
      if (left.length === 0 || gone === other) return { sql: `select * from ${from.sql} as r`, columns: from.columns };
      return {
        sql: `select * exclude (${gone}) replace (${other} + ${n} as ${other}) from ${from.sql} as r`,
        columns: left,
      };
    }),
  );
}

function grouped(depth: number): fc.Arbitrary<Query> {
  const sums = ['sum', 'min', 'max', 'count', 'count(distinct'];
  return relation(depth).chain((from) => {
    const own = from.columns.map((one) => `r.${one}`);
    const sum = fc
      .tuple(pick(sums), pick(own))
      .map(([how, one]) => (how.includes('(') ? `${how} ${one})` : `${how}(${one})::bigint`));
    return fc
      .tuple(
        expression(own),
        fc.array(sum, { minLength: 1, maxLength: 2 }),
        pick(own),
        pick(['all', 'place', 'alias', 'written']),
        fc.boolean(),
        fc.boolean(),
      )
      .map(([key, values, filter, way, having, filtered]) => {
        const items = [key, ...values, ...(filtered ? [`count(*) filter (where ${filter} > 1)`] : [])];
        const { list, columns } = named(items);
        const by = { all: 'all', place: '1', alias: 'o0', written: key }[way];
        return {
          sql: `select ${list} from ${from.sql} as r group by ${by}${having ? ` having max(${filter}) > 1` : ''}`,
          columns,
        };
      });
  });
}

function windowed(depth: number): fc.Arbitrary<Query> {
  const functions = ['row_number()', 'sum($)::bigint', 'lag($)', 'rank()', 'max($)', 'first_value($)'];
  return relation(depth).chain((from) => {
    const own = from.columns.map((one) => `r.${one}`);
    return fc
      .tuple(pick(own), pick(functions), pick(own), fc.boolean(), fc.boolean())
      .map(([by, how, of, cut, qualified]) => {
        // The order is total up to equal rows, so that the result is one.
        const over = `${cut ? `partition by ${by} ` : ''}order by ${own.join(', ')}`;
        const { list, columns } = named([own[0] ?? '', `${how.replace('$', of)} over (${over})`]);
        const last = qualified ? ` qualify row_number() over (partition by ${by} order by ${own.join(', ')}) = 1` : '';
        return { sql: `select ${list} from ${from.sql} as r${last}`, columns };
      });
  });
}

function joined(depth: number): fc.Arbitrary<Query> {
  return fc.tuple(relation(depth), relation(depth)).chain(([one, two]) => {
    const left = one.columns.map((column) => `r.${column}`);
    const right = two.columns.map((column) => `s.${column}`);
    const shared = one.columns.filter((column) => two.columns.includes(column));
    const kind = pick(['join', 'left join', 'right join', 'full join', 'semi join', 'anti join']);
    return fc
      .tuple(kind, pick(left), pick(right), expression([...left, ...right]), expression(left), fc.boolean())
      .map(([how, a, b, item, lefty, using]) => {
        const [first] = shared;
        const narrow = how.startsWith('semi') || how.startsWith('anti');
        const on = using && first !== undefined ? `using (${first})` : `on ${a} = ${b}`;
        const { list, columns } = named([narrow ? lefty : item, using && first !== undefined ? first : a]);
        return { sql: `select ${list} from ${one.sql} as r ${how} ${two.sql} as s ${on}`, columns };
      });
  });
}

function combined(depth: number): fc.Arbitrary<Query> {
  const how = pick(['union', 'union all', 'except', 'intersect', 'union all by name']);
  return fc.tuple(relation(depth), relation(depth), how).map(([one, two, set]) => {
    const width = Math.min(one.columns.length, two.columns.length);
    const columns = one.columns.slice(0, width).map((_, i) => `o${i}`);
    const side = (from: Query): string =>
      `select ${from.columns
        .slice(0, width)
        .map((column, i) => `${column}::bigint as o${i}`)
        .join(', ')} from ${from.sql} as r`;
    return { sql: `${side(one)} ${set} ${side(two)}`, columns };
  });
}

function limited(depth: number): fc.Arbitrary<Query> {
  return fc.tuple(relation(depth), fc.integer({ min: 1, max: 3 })).map(([from, rows]) => ({
    sql: `select * from ${from.sql} as r order by ${from.columns.join(', ')} limit ${rows}`,
    columns: from.columns,
  }));
}

function withScalar(depth: number): fc.Arbitrary<Query> {
  return relation(depth).chain((from) =>
    fc.tuple(pick(from.columns), pick(from.columns)).map(([a, b]) => ({
      sql: `with q as (select * from ${from.sql} as i), b as (select g as k, z as x, w as z from c) select ${a} as o0, (select sum(b.z)::bigint from b where b.k = q.${b}) as o1, l.v as o2 from q, lateral (select q.${b} + 1 as v) as l`,
      columns: ['o0', 'o1', 'o2'],
    })),
  );
}

/** A random query over {@link TABLES}, nested up to `depth` levels. */
export function query(depth: number): fc.Arbitrary<Query> {
  return fc.oneof(
    simple(depth),
    stars(depth),
    grouped(depth),
    windowed(depth),
    joined(depth),
    combined(depth),
    limited(depth),
    withScalar(depth),
  );
}

/** Rows of one table. */
export function rowsOf(table: TableName, rows_max = 6): fc.Arbitrary<readonly (readonly number[])[]> {
  const width = TABLES[table].length;
  return fc.array(fc.array(number, { minLength: width, maxLength: width }), { minLength: 1, maxLength: rows_max });
}

/** A query that makes such rows. */
export function valuesSql(table: TableName, rows: readonly (readonly number[])[]): string {
  const list = rows.map((row) => `(${row.map((one) => `${one}::bigint`).join(', ')})`).join(', ');
  return rows.length === 0
    ? `select ${TABLES[table].map((name) => `null::bigint as ${name}`).join(', ')} where false`
    : `select * from (values ${list}) as v(${TABLES[table].join(', ')})`;
}
