import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Served, serveProject } from './served-project.ts';

/** Filters, sort and pages against a plain reading of the same rows. */
interface Row {
  readonly id: number;
  readonly n: number | null;
  readonly d: number | null;
  readonly w: string | null;
  readonly b: boolean | null;
  readonly day: string | null;
}

const WORDS = ['', 'a', 'b', 'ab', "it's", '"', 'é', '%', '_', 'null', 'A', ' a'];
const ROWS: readonly Row[] = Array.from({ length: 60 }, (_, id) => ({
  id,
  n: id % 7 === 0 ? null : ((id * 37) % 11) - 5,
  d: id % 5 === 0 ? null : (((id * 13) % 40) - 20) / 8,
  w: id % 6 === 0 ? null : (WORDS[(id * 5) % WORDS.length] ?? ''),
  b: id % 4 === 0 ? null : id % 3 === 0,
  day: id % 9 === 0 ? null : `2024-0${1 + (id % 3)}-${10 + (id % 19)}`,
}));

let served: Served;
beforeAll(async () => {
  served = await serveProject(
    `sources: { a: { type: files, path: "in/*.ndjson", settle_seconds: 0, columns: { id: bigint, n: integer, d: "decimal(12,3)", w: varchar, b: boolean, day: date } } }
gold: { x: { sql: select * exclude (_file) from bronze.a, key: id } }
`,
    { 'in/a.ndjson': ROWS.map((row) => `${JSON.stringify(row)}\n`).join('') },
  );
});
afterAll(() => served.close());

const COMPARE: Readonly<Record<string, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
};

type Value = string | number | boolean;
interface Asked {
  readonly column: keyof Row;
  readonly operator: string;
  readonly values: readonly Value[];
}

/** As the engine orders: texts by their bytes. */
function orderOf(a: Value, b: Value): number {
  if (typeof a === 'string') return Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(String(b))));
  return Number(a) === Number(b) ? 0 : Number(a) < Number(b) ? -1 : 1;
}

function fits(row: Row, { column, operator, values }: Asked): boolean {
  const value = row[column];
  if (operator === 'null') return (value === null) === values[0];
  if (value === null) return false;
  if (operator === 'in') return values.some((one) => orderOf(value, one) === 0);
  if (operator === 'contains') return String(value).includes(String(values[0]));
  if (operator === 'starts') return String(value).startsWith(String(values[0]));
  return COMPARE[operator]?.(orderOf(value, values[0] ?? '')) === true;
}

const values: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  id: fc.integer({ min: -1, max: 61 }),
  n: fc.integer({ min: -6, max: 6 }),
  d: fc.integer({ min: -200, max: 200 }).map((n) => n / 64),
  w: fc.constantFrom(...WORDS),
  b: fc.boolean(),
  day: fc.integer({ min: 1, max: 28 }).map((n) => `2024-02-${String(n).padStart(2, '0')}`),
};

const asked: fc.Arbitrary<Asked> = fc.constantFrom<keyof Row>('id', 'n', 'd', 'w', 'b', 'day').chain((column) => {
  const value = values[column] ?? fc.boolean();
  const orders = column === 'b' ? ['eq', 'ne'] : Object.keys(COMPARE);
  const texts = column === 'w' ? ['contains', 'starts'] : [];
  const one = (operator: string) => value.map((word): Asked => ({ column, operator, values: [word] }));
  const many = fc
    .array(value, { minLength: 1, maxLength: 4 })
    .map((list): Asked => ({ column, operator: 'in', values: list }));
  const none = fc.boolean().map((wanted): Asked => ({ column, operator: 'null', values: [wanted] }));
  return fc.oneof(...[...orders, ...texts].map(one), none, ...(column === 'b' ? [] : [many]));
});

describe('filters', () => {
  it('leave the rows that a plain reading leaves, in any pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(asked, { maxLength: 3, selector: ({ column, operator }) => `${column}[${operator}]` }),
        fc.constantFrom<keyof Row>('id', 'n', 'd', 'w', 'day'),
        fc.boolean(),
        fc.integer({ min: 1, max: 70 }),
        async (conditions, by, descending, limit) => {
          const query = conditions.map(
            ({ column, operator, values: words }) =>
              `${column}[${operator}]=${words.map((word) => encodeURIComponent(word)).join(',')}`,
          );
          const wanted = ROWS.filter((row) => conditions.every((one) => fits(row, one)));
          const sorted = [...wanted].sort((a, b) => {
            const [x, y] = [a[by], b[by]];
            if (x === null || y === null) return x === y ? a.id - b.id : x === null ? 1 : -1;
            return (descending ? -orderOf(x, y) : orderOf(x, y)) || a.id - b.id;
          });
          const got: Row[] = [];
          const base = `/api/v1/tables/gold/x?${[...query, `sort=${descending ? '-' : ''}${by}`, `limit=${limit}`, 'count=true'].join('&')}`;
          for (let url: string | undefined = base; url !== undefined; ) {
            const { status, body } = await served.get(url);
            expect([status, body.total]).toEqual([200, wanted.length]);
            got.push(...body.data);
            url = body.next === null ? undefined : `${base}&cursor=${body.next}`;
          }
          expect(got.map((row) => row.id)).toEqual(sorted.map((row) => row.id));
        },
      ),
      { numRuns: 120 },
    );
  });
});
