import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { SourceProject } from './source-project.ts';

/** A row at a destination, every value as text: decimals with all their digits, days as `2026-01-31`, instants as `2026-01-31T12:00:00.000000Z`. */
export type SinkRow = Readonly<Record<string, string | null>>;

/** A system that releases are loaded into, and all that the contract has to know of it. The system must run. */
export interface SinkUnderTest {
  /** The entry under `connections:`. */
  readonly connection: Readonly<Record<string, unknown>>;
  /** More keys of the entry under `loads:`, such as `schema`. */
  readonly load?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** All tables of a release become visible at once. */
  readonly whole_release: boolean;
  readonly modes: readonly ('upsert' | 'append' | 'replace')[];
  /** All rows of a table, in any order; undefined: there is none. Columns whose value is missing count as null. */
  rows(table: string): Promise<readonly SinkRow[] | undefined>;
  /** Digits of a second that the system keeps of an instant; absent: all six. */
  readonly second_digits?: 3;
  /** Somebody else removes one row, changes one and adds one, so that as many are there as before. */
  tamper(table: string): Promise<void>;
  /** Somebody else removes the table. */
  drop(table: string): Promise<void>;
  /** Everything that tests made. */
  reset(): Promise<void>;
  /** Texts that must appear nowhere: neither printed nor in the lake or ledger. */
  readonly secrets?: readonly string[];
  /** The same connection so that it fails (nobody listens, wrong password): its error names no secret. */
  readonly broken?: Readonly<Record<string, unknown>>;
  close?(): Promise<void>;
}

interface Order {
  readonly id: number;
  readonly name: string;
  readonly amount: string;
  readonly day: string;
  readonly made_at: string;
  readonly note: string;
}

const NOTES = ['', 'plain', 'tab\tand "quotes", \\N \\. back\\slash', 'é 漢字 🙂', 'NULL', 'line one\nline two'];

export function orders(count: number): readonly Order[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    name: `n${i % 7}`,
    amount: (i * 1.25).toFixed(2),
    day: `2026-01-${String(1 + (i % 28)).padStart(2, '0')}`,
    made_at: `2026-02-01T10:00:${String(i % 60).padStart(2, '0')}.123456Z`,
    note: NOTES[i % NOTES.length] ?? '',
  }));
}

/** Other releases of the same tables: rows that came, changed and went. */
export function changed(before: readonly Order[]): readonly Order[] {
  const kept = before.filter(({ id }) => id % 10 !== 3);
  const other = kept.map((order) => (order.id % 10 === 4 ? { ...order, amount: '-0.01', note: '' } : order));
  const next = before.length + 1;
  return [...other, ...[0, 1].map((i) => ({ ...(orders(1)[0] as Order), id: next + i, name: 'new' }))];
}

export const TABLES = ['orders', 'totals', 'names'] as const;

/** The project of the contract: a table with a key, one of key figures, and one without key. */
export class SinkProject extends SourceProject {
  readonly #under: SinkUnderTest;

  constructor(under: SinkUnderTest, load: Readonly<Record<string, unknown>> = {}) {
    super({ source: {} }, under.env);
    this.#under = under;
    this.say(load);
  }

  /** Writes `pipelines.yaml` with these keys of the load. */
  say(load: Readonly<Record<string, unknown>>, connection = this.#under.connection): void {
    const columns = {
      ...{ id: 'bigint', name: 'varchar', amount: 'decimal(12,2)' },
      ...{ day: 'date', made_at: 'timestamptz', note: 'varchar' },
    };
    this.configure(
      {
        source: { type: 'files', path: 'orders.csv', settle_seconds: 0, on_rewrite: 'replace', columns },
        connections: { target: connection },
        more: {
          silver: { orders: { from: 'orders', key: 'id', select: { note: "nullif(note, '')" } } },
          gold: {
            totals: {
              sql: 'select name, sum(amount) as amount, count(*) as n from silver.orders group by name',
              key: 'name',
            },
            names: { sql: 'select distinct name, day from silver.orders' },
          },
          loads: {
            out: { connection: 'target', tables: ['silver.orders', 'gold.*'], ...this.#under.load, ...load },
          },
        },
      },
      'orders',
    );
  }

  /** Puts these orders where the source finds them, and runs. */
  async publish(list: readonly Order[]): Promise<void> {
    const cell = (value: string | number): string => `"${String(value).replaceAll('"', '""')}"`;
    const lines = list.map((one) => [one.id, one.name, one.amount, one.day, one.made_at, one.note].map(cell).join(','));
    writeFileSync(join(this.root, 'orders.csv'), `id,name,amount,day,made_at,note\n${lines.join('\n')}\n`);
    await this.ok(['run']);
  }

  async load(...flags: readonly string[]): Promise<LoadAnswer> {
    const { stdout } = await this.ok(['load', '--format', 'json', ...flags]);
    const [report] = (JSON.parse(stdout) as { readonly loads: readonly LoadAnswer[] }).loads;
    if (report === undefined) throw new Error(`no load in ${stdout}`);
    return report;
  }

  /** Every table at the destination has the rows of the newest release, and no others. */
  async expectEqual(tables: readonly string[] = TABLES): Promise<void> {
    for (const table of tables)
      expect(sorted(await this.#under.rows(table)), table).toEqual(sorted(await this.lakeRows(table)));
  }

  async lakeRows(table: string): Promise<readonly SinkRow[]> {
    const key = table === 'orders' ? 'silver.orders' : `gold.${table}`;
    const columns: Readonly<Record<string, readonly string[]>> = {
      orders: ['id', 'name', 'amount', 'day', 'made_at', 'note'],
      totals: ['name', 'amount', 'n'],
      names: ['name', 'day'],
    };
    const text = (name: string): string =>
      name === 'made_at'
        ? `strftime(made_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%${this.#under.second_digits === 3 ? 'g' : 'f'}Z') as made_at`
        : `${name}::varchar as ${name}`;
    return (await this.query(`select ${columns[table]?.map(text).join(', ')} from ${key}`)) as readonly SinkRow[];
  }
}

export interface LoadAnswer {
  readonly status: string;
  readonly release_id: string;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly tables: readonly {
    readonly name: string;
    readonly action: string;
    readonly inserts: number;
    readonly updates: number;
    readonly deletes: number;
  }[];
}

export function sorted(rows: readonly SinkRow[] | undefined): readonly string[] | undefined {
  return rows?.map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
}

export async function each(
  rowsOf: (table: string) => Promise<readonly SinkRow[] | undefined>,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const table of TABLES) found.push(sorted(await rowsOf(table)));
  return found;
}
