import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { expectError, newPlace, type Outcome, type Place } from './support/fault-project.ts';

shareWork();

/** `trace` as a user meets it: the built binary, a small project with every fate that a row can meet. */
const CONFIG = `
sources:
  clients: { type: files, path: data/clients*.csv, columns: { id: bigint, country: varchar } }
  orders: { type: files, path: data/orders*.csv, columns: { id: bigint, client: bigint, amount: varchar, day: varchar } }
silver:
  clients: { from: clients, key: id }
  orders:
    from: orders
    where: coalesce(amount, '') <> 'test'
    select: { amount: "try_cast(amount as decimal(12,2))", day: "cast(day as date)" }
    rules:
      - { not_null: [amount], name: has_amount }
      - { references: { column: client, table: silver.clients, on: id }, name: known_client }
    key: id
    dedupe: { keep: first }
gold:
  per_day: { sql: "select day, sum(amount) as total, count(*) as n from silver.orders group by day order by day", key: day }
  per_country:
    sql: |
      with by_client as (select client, sum(amount) as total from silver.orders group by client)
      select c.country, sum(b.total) as total from by_client b join silver.clients c on c.id = b.client group by all
    key: country
  growth: { sql: "select day, total - lag(total) over (order by day) as more from gold.per_day", key: day }
`;

const CLIENTS = 'id,country\n1,FR\n2,BE\n3,FR\n';
const ORDERS = [
  'id,client,amount,day',
  '10,1,5.00,2025-01-01', // line 2
  '11,2,7.00,2025-01-01',
  'bad,2,1.00,2025-01-01', // line 4: no whole number
  '12,3,9.00,2025-01-02', // line 5
  '13,9,4.00,2025-01-02', // line 6: no such client
  '14,1,test,2025-01-02', // line 7: filtered
  '15,1,,2025-01-03', // line 8: no amount
  '16,2,2.00,2025-01-03', // line 9
];
const MORE = 'id,client,amount,day\n10,1,99.00,2025-01-01\n17,3,1.00,2025-01-04\n';

let place: Place;
beforeAll(() => {
  place = newPlace(CONFIG);
  place.put({ 'data/clients.csv': CLIENTS, 'data/orders.csv': `${ORDERS.join('\n')}\n`, 'data/orders_2.csv': MORE });
  place.put({ 'data/orders_3.csv': MORE, 'data/orders_4.csv': 'nothing,of,this\n1,2,3\n', 'data/other.txt': 'x' });
  expect(place.dataflow(['run']).status).toBe(4);
});
afterAll(() => place.remove());

function trace<T>(...args: readonly string[]): T {
  const outcome = place.dataflow(['trace', ...args, '--format', 'json']);
  expect(outcome, outcome.stderr).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(outcome.stdout) as T;
}

interface Back {
  readonly levels: readonly {
    readonly table: string;
    readonly rows: number;
    readonly sure_rows: number;
    readonly sample: readonly Readonly<Record<string, unknown>>[];
  }[];
  readonly files: readonly {
    readonly path: string;
    readonly sha256: string;
    readonly lines: readonly number[];
    readonly rows: number;
  }[];
}
interface Forth {
  readonly file: { readonly state: string; readonly same_as: string | null; readonly rule: string | null };
  readonly line: { readonly state: string; readonly detail: string | null } | null;
  readonly fates: readonly {
    readonly fate: string;
    readonly rule: string | null;
    readonly reason: string | null;
    readonly rows: number;
    readonly instead: unknown;
  }[];
  readonly levels: Back['levels'];
  readonly releases: readonly unknown[];
}

const linesOf = (found: Back, path: string): readonly number[] =>
  [...(found.files.find((file) => file.path === path)?.lines ?? [])].sort((a, b) => a - b);
const levelOf = (found: Pick<Back, 'levels'>, table: string): Back['levels'][number] | undefined =>
  found.levels.find((level) => level.table === table);

describe('trace leads back', () => {
  it('from an aggregate to the very lines, with the hash of the file', () => {
    const found = trace<Back>('gold.per_day', '--where', "day = '2025-01-01'");
    expect(linesOf(found, 'data/orders.csv')).toEqual([2, 3]);
    expect(linesOf(found, 'data/orders_2.csv')).toEqual([]);
    expect(levelOf(found, 'silver.orders')).toMatchObject({ rows: 2, sure_rows: 2 });
    const sha256 = createHash('sha256')
      .update(`${ORDERS.join('\n')}\n`)
      .digest('hex');
    expect(found.files.find((file) => file.path === 'data/orders.csv')?.sha256).toBe(sha256);
  });

  it('through a WITH and a join, past rejected lines', () => {
    const found = trace<Back>('gold.per_country', '--where', "country = 'FR'");
    expect(linesOf(found, 'data/orders.csv')).toEqual([2, 5]);
    expect(linesOf(found, 'data/orders_2.csv')).toEqual([3]);
    expect(linesOf(found, 'data/clients.csv')).toEqual([2, 4]);
    expect(levelOf(found, 'silver.clients')).toMatchObject({ rows: 2, sure_rows: 2 });
  });

  it('through another gold table, with the row before for a lag', () => {
    const found = trace<Back>('gold.growth', '--where', "day = '2025-01-02'");
    expect(levelOf(found, 'gold.per_day')).toMatchObject({ rows: 2, sure_rows: 1 });
    expect(linesOf(found, 'data/orders.csv')).toEqual([2, 3, 5]);
  });

  it('from silver and bronze; no row, a wrong condition and a condition that reads files are said', () => {
    expect(linesOf(trace<Back>('silver.orders', '--where', 'id = 16'), 'data/orders.csv')).toEqual([9]);
    expect(linesOf(trace<Back>('bronze.orders', '--where', 'id = 13'), 'data/orders.csv')).toEqual([6]);
    expect(place.dataflow(['trace', 'gold.per_day', '--where', 'n = 77']).stdout).toContain('has no row where n = 77');
    expectError(place.dataflow(['trace', 'gold.per_day', '--where', 'nosuch = 1']), 'E_SQL', 1);
    expectError(
      place.dataflow(['trace', 'gold.per_day', '--where', "n in (select 1 from read_csv('/etc/passwd'))"]),
      'E_SQL_SANDBOX',
      2,
    );
    expectError(place.dataflow(['trace', 'gold.nosuch']), 'E_LAKE_NO_TABLE', 2);
  });
});

describe('trace leads forward', () => {
  it('from a line to every table that it reached, and the releases', () => {
    const found = trace<Forth>('data/orders.csv:5');
    expect(found.line?.state).toBe('record');
    expect(found.levels.map((level) => `${level.table} ${level.sure_rows}`)).toEqual([
      'bronze.orders 1',
      'silver.orders 1',
      'gold.per_day 1',
      'gold.per_country 1',
      'gold.growth 1',
    ]);
    expect(levelOf(found, 'gold.growth')?.rows).toBe(2);
    expect(levelOf(found, 'gold.per_country')?.sample).toMatchObject([{ country: 'FR' }]);
  });

  it.each<[string, string, Record<string, unknown>]>([
    [
      'data/orders.csv:6',
      'quarantined',
      { rule: 'known_client', rows: 1, quarantine_id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ],
    ['data/orders.csv:8', 'quarantined', { rule: 'has_amount', rows: 1 }],
    ['data/orders.csv:7', 'filtered', { rule: null }],
    ['data/orders_2.csv:2', 'deduplicated', { instead: { file: 'data/orders.csv', line: 2 } }],
  ])('%s was %s', (target, fate, more) => {
    const found = trace<Forth>(target);
    expect(found.fates).toMatchObject([{ fate, ...more }]);
    expect(found.levels.map((level) => level.table)).toEqual(['bronze.orders']);
  });

  it.each<[string, string, RegExp]>([
    ['data/orders.csv:1', 'before_records', /id,client,amount,day/],
    ['data/orders.csv:4', 'rejected', /unreadable_record/],
    ['data/orders.csv:10', 'beyond_end', /line 9/],
  ])('%s holds no row: %s', (target, state, detail) => {
    const found = trace<Forth>(target);
    expect(found.line?.state).toBe(state);
    expect(found.line?.detail).toMatch(detail);
    expect(found.levels).toEqual([]);
  });

  it('from a whole file, by its path or its hash', () => {
    const found = trace<Forth>('data/orders.csv');
    expect(found.fates.map(({ fate, rule, rows }) => [fate, rule, rows])).toEqual([
      ['kept', null, 4],
      ['filtered', null, 1],
      ['quarantined', 'has_amount', 1],
      ['quarantined', 'known_client', 1],
    ]);
    const sha256 = createHash('sha256').update(MORE).digest('hex');
    expect(trace<Forth>(sha256.slice(0, 12)).file.state).toBe('loaded');
  });

  it('a duplicate file, a refused file, a file that nobody took, no file', () => {
    const twin = trace<Forth>('data/orders_3.csv:3');
    expect(twin.file).toMatchObject({ state: 'duplicate', same_as: 'data/orders_2.csv' });
    expect(levelOf(twin, 'gold.per_day')?.sure_rows).toBe(1);
    expect(trace<Forth>('data/orders_4.csv').file).toMatchObject({ state: 'quarantined', rule: 'missing_columns' });
    expect(trace<Forth>('data/other.txt').file.state).toBe('unknown');
    expectError(place.dataflow(['trace', 'data/nosuch.csv:3']), 'E_USAGE', 2);
  });

  it('reads well at 80 columns', () => {
    const all: readonly Outcome[] = [
      place.dataflow(['trace', 'gold.growth']),
      place.dataflow(['trace', 'data/orders.csv']),
      place.dataflow(['trace', 'data/orders.csv:4']),
      place.dataflow(['trace', 'data/orders_4.csv']),
    ];
    for (const { stdout } of all)
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(all[1]?.stdout).toContain('destinations: none of these tables goes anywhere');
  });
});

describe('against brute force', () => {
  it('no line that is left out changes the traced row', { timeout: 120_000 }, () => {
    const result = (folder: Place): string =>
      JSON.stringify(folder.query("select * from gold.per_country where country = 'FR'"));
    const before = result(place);
    const traced = new Set(
      linesOf(trace<Back>('gold.per_country', '--where', "country = 'FR'", '--limit', '100'), 'data/orders.csv'),
    );
    for (const gone of [3, 5]) {
      const other = newPlace(CONFIG);
      const lines = ORDERS.filter((_, index) => index + 1 !== gone);
      other.put({ 'data/clients.csv': CLIENTS, 'data/orders.csv': `${lines.join('\n')}\n`, 'data/orders_2.csv': MORE });
      other.dataflow(['run']);
      const changed = result(other) !== before;
      other.remove();
      expect(changed, `line ${gone}`).toBe(traced.has(gone));
    }
  });
});

describe('an older version', { timeout: 60_000 }, () => {
  it('is traced to what it was made from, by number and by release', () => {
    const one = newPlace(`
sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, key: id, dedupe: { keep: last } }
gold:
  g: "select sum(x) as total from silver.a"
`);
    try {
      one.put({ 'in/a.csv': 'id,x\n1,1\n' });
      one.dataflow(['run']);
      one.put({ 'in/b.csv': 'id,x\n2,10\n' });
      one.dataflow(['run']);
      const at = (...flags: string[]): unknown => {
        const { stdout } = one.dataflow(['trace', 'gold.g', ...flags, '--format', 'json']);
        const { version, files } = JSON.parse(stdout) as Back & { version: number };
        return [version, files.map((file) => file.path)];
      };
      expect(at()).toEqual([1, ['in/a.csv', 'in/b.csv']]);
      expect(at('--as-of', '0')).toEqual([0, ['in/a.csv']]);
      expect(at('--release', 'previous')).toEqual([0, ['in/a.csv']]);
      expectError(one.dataflow(['trace', 'gold.g', '--as-of', '7']), 'E_LAKE_NO_VERSION', 2);
      expectError(one.dataflow(['trace', 'gold.g', '--as-of', 'yesterday']), 'E_USAGE', 2);
      expectError(one.dataflow(['trace', 'in/a.csv', '--as-of', '0']), 'E_USAGE', 2);
      expectError(one.dataflow(['trace', 'gold.g', '--release', 'nothing']), 'E_NO_RELEASE', 2);
    } finally {
      one.remove();
    }
  });
});
