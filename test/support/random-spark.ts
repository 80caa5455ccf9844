import fc from 'fast-check';

/** Columns of the random rows: two of each kind of value. */
const COLUMNS = {
  i: 'integer',
  j: 'integer',
  d: 'decimal(12,2)',
  e: 'decimal(9,4)',
  x: 'double',
  s: 'varchar',
  t: 'varchar',
  a: 'date',
  b: 'date',
  f: 'boolean',
} as const;

type Kind = 'whole' | 'decimal' | 'double' | 'text' | 'date' | 'truth';

const LEAVES: Readonly<Record<Kind, readonly string[]>> = {
  whole: ['i', 'j', '0', '1', '-3', '10', 'cast(null as integer)'],
  decimal: ['d', 'e', '1.5', '-0.25', '100.00'],
  double: ['x', '2.5e0', 'cast(i as double)'],
  text: ['s', 't', "''", "'é|a'", "'\\'"],
  date: ['a', 'b', "date '2024-02-29'"],
  truth: ['f', 'true', 'i > j', 's < t'],
};

type Form = readonly [shape: string, ...parts: readonly Kind[]];

/** How a value of a kind is made of others: `$0`, `$1` stand for the parts. */
const FORMS: Readonly<Record<Kind, readonly Form[]>> = {
  whole: [
    ['($0 % $1)', 'whole', 'whole'],
    ['($0 // $1)', 'whole', 'whole'],
    ['coalesce($0, $1)', 'whole', 'whole'],
    ['cast(length($0) as integer)', 'text'],
    ["cast(date_diff('month', $0, $1) as integer)", 'date', 'date'],
    ['cast(isodow($0) as integer)', 'date'],
    ['try_cast($0 as integer)', 'decimal'],
    ['case when $0 then $1 else $2 end', 'truth', 'whole', 'whole'],
    ['greatest($0, $1)', 'whole', 'whole'],
    ['nullif($0, $1)', 'whole', 'whole'],
    ['cast(yearweek($0) as integer)', 'date'],
  ],
  decimal: [
    ['cast($0 + $1 as decimal(18,4))', 'decimal', 'decimal'],
    ['cast($0 - $1 as decimal(18,4))', 'decimal', 'whole'],
    ['cast(try_cast($0 as decimal(9,2)) * $1 as decimal(18,4))', 'decimal', 'whole'],
    ['round($0, 1)', 'decimal'],
    ['(- $0)', 'decimal'],
    ['coalesce($0, $1)', 'decimal', 'whole'],
    ['least($0, $1)', 'decimal', 'decimal'],
    ['try_cast($0 as decimal(12,2))', 'double'],
    ['abs($0)', 'decimal'],
  ],
  double: [
    ['($0 / $1)', 'decimal', 'whole'],
    ['($0 * $1)', 'double', 'double'],
    ['round($0, 2)', 'double'],
    ['floor($0)', 'double'],
    ['($0 + $1)', 'double', 'whole'],
  ],
  text: [
    ['upper($0)', 'text'],
    ['lower($0)', 'text'],
    ['trim($0)', 'text'],
    ['($0 || $1)', 'text', 'text'],
    ['substring($0, 2, 3)', 'text'],
    ["replace($0, 'a', $1)", 'text', 'text'],
    ['concat($0, $1)', 'text', 'text'],
    ['cast($0 as varchar)', 'decimal'],
    ["strftime($0, '%Y-%j %b')", 'date'],
    ['md5($0)', 'text'],
    ["split_part($0, '|', 2)", 'text'],
    ["regexp_replace($0, '[a-cé]+', '<\\0>', 'g')", 'text'],
    ['title_case($0)', 'text'],
    ['left($0, 2)', 'text'],
  ],
  date: [
    ["cast(date_trunc('month', $0) as date)", 'date'],
    ['cast($0 + interval 1 month as date)', 'date'],
    ['last_day($0)', 'date'],
    ['coalesce($0, $1)', 'date', 'date'],
    ['($0 + 40)', 'date'],
  ],
  truth: [
    ['($0 = $1)', 'whole', 'decimal'],
    ['($0 < $1)', 'text', 'text'],
    ['($0 is distinct from $1)', 'date', 'date'],
    ['($0 and $1)', 'truth', 'truth'],
    ['($0 or not $1)', 'truth', 'truth'],
    ['($0 in ($1, 0))', 'whole', 'whole'],
    ["($0 like '%a_')", 'text'],
    ['($0 between $1 and $2)', 'decimal', 'whole', 'decimal'],
    ["regexp_matches($0, '^\\W?[a-d]')", 'text'],
    ['contains($0, $1)', 'text', 'text'],
  ],
};

function expression(kind: Kind, depth: number): fc.Arbitrary<string> {
  const leaf = fc.constantFrom(...LEAVES[kind]);
  if (depth === 0) return leaf;
  const forms = FORMS[kind].map(([shape, ...parts]) =>
    fc
      .tuple(...parts.map((part) => expression(part, depth - 1)))
      .map((made) => shape.replaceAll(/\$(\d)/g, (_, at: string) => made[Number(at)] ?? '')),
  );
  return fc.oneof(leaf, ...forms);
}

const cell: Readonly<Record<keyof typeof COLUMNS, fc.Arbitrary<string | null>>> = {
  i: nullable(fc.integer({ min: -50, max: 50 }).map(String)),
  j: nullable(fc.integer({ min: -3, max: 3 }).map(String)),
  d: nullable(fc.integer({ min: -99999, max: 99999 }).map((n) => (n / 100).toFixed(2))),
  e: nullable(fc.integer({ min: -99999, max: 99999 }).map((n) => (n / 10000).toFixed(4))),
  x: nullable(fc.integer({ min: -9999, max: 9999 }).map((n) => String(n / 64))),
  s: nullable(text()),
  t: nullable(text()),
  a: nullable(day()),
  b: nullable(day()),
  f: nullable(fc.constantFrom('true', 'false')),
};

function nullable(of: fc.Arbitrary<string>): fc.Arbitrary<string | null> {
  return fc.option(of, { freq: 6 });
}

function text(): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom('a', 'b', 'É', 'é', ' ', '😀', 'ß', '|', '%', '_', '\\', 'Z', '1', 'ﬁ', 'Σ'), {
      maxLength: 6,
    })
    .map((list) => list.join(''));
}

function day(): fc.Arbitrary<string> {
  return fc.integer({ min: -20000, max: 30000 }).map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10));
}

/** Some expressions of every kind, and a query of rows to compute them over. */
export const randomExpressions = fc.record({
  expressions: fc.tuple(
    ...(Object.keys(FORMS) as Kind[]).flatMap((kind) => [
      expression(kind, 2),
      expression(kind, 2),
      expression(kind, 3),
    ]),
  ),
  rows: fc.array(fc.record(cell), { minLength: 5, maxLength: 8 }).map((rows) =>
    rows
      .map(
        (row) =>
          `select ${Object.entries(COLUMNS)
            .map(([name, type]) => literal(row[name as keyof typeof COLUMNS], type, name))
            .join(', ')}`,
      )
      .join(' union all '),
  ),
});

function literal(value: string | null, type: string, name: string): string {
  return `cast(${value === null ? 'null' : `'${value}'`} as ${type}) as ${name}`;
}
