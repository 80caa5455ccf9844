import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

/** Moments of a load at which it is killed. */
const KILLS = [
  ['load-before-put', 2],
  ['load-after-put', 1],
  ['load-after-put', 3],
  ['load-before-commit', 1],
  ['load-after-commit', 1],
] as const;

interface Order {
  readonly id: number;
  readonly name: string;
  readonly amount: string;
  readonly day: string;
  readonly made_at: string;
  readonly note: string;
}

const NOTES = ['', 'plain', 'tab\tand "quotes", \\N \\. back\\slash', 'é 漢字 🙂', 'NULL', 'line one\nline two'];

function orders(count: number): readonly Order[] {
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
function changed(before: readonly Order[]): readonly Order[] {
  const kept = before.filter(({ id }) => id % 10 !== 3);
  const other = kept.map((order) => (order.id % 10 === 4 ? { ...order, amount: '-0.01', note: '' } : order));
  const next = before.length + 1;
  return [...other, ...[0, 1].map((i) => ({ ...(orders(1)[0] as Order), id: next + i, name: 'new' }))];
}

const TABLES = ['orders', 'totals', 'names'] as const;

/** The project of the contract: a table with a key, one of key figures, and one without key. */
class SinkProject extends SourceProject {
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
        ? `strftime(made_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as made_at`
        : `${name}::varchar as ${name}`;
    return (await this.query(`select ${columns[table]?.map(text).join(', ')} from ${key}`)) as readonly SinkRow[];
  }
}

interface LoadAnswer {
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

function sorted(rows: readonly SinkRow[] | undefined): readonly string[] | undefined {
  return rows?.map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
}

async function each(rowsOf: (table: string) => Promise<readonly SinkRow[] | undefined>): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const table of TABLES) found.push(sorted(await rowsOf(table)));
  return found;
}

/** What the tests of one suite share. */
interface Suite {
  under(): SinkUnderTest;
  /** A fresh project, removed after the test. */
  project(load?: Readonly<Record<string, unknown>>): SinkProject;
}

/**
 * What every sink promises: the destination holds one whole release, whatever happens on the way, and nothing moves twice. `make` starts what the sink needs;
 * the built program is run on projects of its own (`npm run build` first).
 */
export function sinkContract(name: string, make: () => Promise<SinkUnderTest>, timeout = 180_000): void {
  describe(`${name} keeps the contract of sinks`, { timeout }, () => {
    let under: SinkUnderTest | undefined;
    let projects: SinkProject[] = [];
    const suite: Suite = {
      under: () => {
        if (under === undefined) throw new Error('the sink was not made');
        return under;
      },
      project: (load) => {
        const made = new SinkProject(suite.under(), load);
        projects.push(made);
        return made;
      },
    };
    beforeAll(async () => {
      under = await make();
    }, timeout);
    beforeEach(async () => suite.under().reset());
    afterEach(() => {
      for (const project of projects) project.remove();
      projects = [];
    });
    afterAll(async () => under?.close?.());
    movesWhatChanged(suite);
    noticesOthers(suite);
    survivesKills(suite);
    knowsItsModes(suite);
    keepsSecrets(suite);
  });
}

function movesWhatChanged({ under, project }: Suite): void {
  it('a dry run changes nothing; a load brings all rows; the same again does nothing, also with a ledger made anew', async () => {
    const at = project();
    const first = orders(60);
    await at.publish(first);
    expect(await at.load('--dry-run')).toMatchObject({ status: 'planned', updates: 0, deletes: 0 });
    for (const table of TABLES) expect(await under().rows(table)).toBeUndefined();
    expect(await at.load()).toMatchObject({ status: 'loaded', updates: 0, deletes: 0 });
    await at.expectEqual();
    expect(await at.load()).toMatchObject({ status: 'up_to_date', inserts: 0 });
    await at.ok(['verify', '--at', 'out']);
    await at.ok(['ledger', 'rebuild']);
    expect(await at.load()).toMatchObject({ status: 'up_to_date', inserts: 0 });
    expect(JSON.parse((await at.ok(['load', 'status', '--format', 'json'])).stdout)).toMatchObject([
      { state: 'current', releases_behind: 0, lag_ms: 0 },
    ]);
  });

  it('only rows that changed move, forwards and backwards', async () => {
    const at = project();
    const first = orders(60);
    await at.publish(first);
    const { release_id } = await at.load();
    await at.publish(changed(first));
    const planned = await at.load('--dry-run');
    expect(planned.tables.find((table) => table.name === 'orders')).toMatchObject({
      ...{ action: 'changes', inserts: 2, updates: 6, deletes: 6 },
    });
    const done = await at.load();
    expect(moves(done)).toEqual(moves(planned));
    await at.expectEqual();
    expect(await at.load('--release', release_id)).toMatchObject({ release_id, status: 'loaded' });
    expect(await under().rows('orders')).toHaveLength(60);
    await at.load();
    await at.expectEqual();
    await at.ok(['undo']);
    const back = await at.load();
    expect(back.tables.find((table) => table.name === 'orders')).toMatchObject({ inserts: 6, updates: 6, deletes: 2 });
    await at.expectEqual();
  });
}

function moves({ tables }: LoadAnswer): unknown {
  return tables.map(({ name, inserts, updates, deletes }) => [name, inserts, updates, deletes]);
}

function noticesOthers({ under, project }: Suite): void {
  it('what others changed or removed is said, and only overwritten on request', async () => {
    const at = project();
    const first = orders(30);
    await at.publish(first);
    await at.load();
    for (const harm of ['tamper', 'drop'] as const) {
      await under()[harm]('orders');
      expect((await at.run(['verify', '--at', 'out'])).status).toBe(1);
      const found = sorted(await under().rows('orders'));
      await at.publish(changed(first));
      const refused = await at.run(['load']);
      expect([refused.status, refused.stderr], harm).toEqual([1, expect.stringContaining('E_LOAD_CHANGED')]);
      expect(sorted(await under().rows('orders'))).toEqual(found);
      await at.load('--full-refresh');
      await at.expectEqual();
      await at.publish(first);
      await at.load();
      await at.expectEqual();
    }
  });
}

function survivesKills({ under, project }: Suite): void {
  it('killed at any moment: one whole release is there, and the next load finishes', async () => {
    const at = project();
    const lists = [orders(40), changed(orders(40))];
    await at.publish(lists[0] ?? []);
    await at.load();
    for (const [i, [point, nth]] of KILLS.entries()) {
      const before = await each((table) => under().rows(table));
      await at.publish(lists[(i + 1) % 2] ?? []);
      const died = await at.run(['load'], { DATAFLOW_FAULT: `${point}:kill@${nth}` });
      expect([died.signal, died.stderr], `${point} ${nth}`).toEqual(['SIGKILL', expect.stringContaining(point)]);
      if (under().whole_release) {
        const now = await each((table) => under().rows(table));
        const after = await each((table) => at.lakeRows(table));
        expect([before, after], point).toContainEqual(now);
      }
      await at.load();
      await at.expectEqual();
    }
    expect(await at.load()).toMatchObject({ status: 'up_to_date' });
  });
}

function knowsItsModes({ under, project }: Suite): void {
  it('append: new rows come, what is there stays', async (context) => {
    if (!under().modes.includes('append')) context.skip('the sink does not append');
    const at = project({ mode: 'append', tables: ['silver.orders'] });
    const first = orders(20);
    await at.publish(first);
    await at.load();
    await at.publish(changed(first));
    await at.load();
    const kept = new Set(first.map(({ id }) => String(id)));
    const rows = (await under().rows('orders')) ?? [];
    const old = rows.filter((row) => kept.has(row['id'] ?? ''));
    expect(rows).toHaveLength(22);
    expect(sorted(old)?.join()).not.toContain('-0.01');
  });

  it('other columns, other names, indexes and single tables', async () => {
    const columns = { id: 'order_id', amount: 'total' };
    const at = project({ overrides: { 'silver.orders': { as: 'sales', columns, indexes: ['amount'] } } });
    await at.publish(orders(12));
    await at.load();
    expect(Object.keys((await under().rows('sales'))?.[0] ?? {}).sort()).toEqual(['order_id', 'total']);
    expect(await under().rows('orders')).toBeUndefined();
    await at.expectEqual(['totals', 'names']);
    expect(await at.load()).toMatchObject({ status: 'up_to_date' });
  });
}

function keepsSecrets({ under, project }: Suite): void {
  it('no secret is printed or kept, and a destination that does not answer says so', async () => {
    const at = project();
    await at.publish(orders(3));
    const texts: string[] = [];
    const note = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) =>
      texts.push(stdout, stderr);
    note(await at.ok(['load', '--verbose']));
    note(await at.ok(['load', 'status', '--format', 'json']));
    const { broken } = under();
    if (broken !== undefined) {
      at.say({}, broken);
      const failed = await at.run(['load']);
      note(failed);
      expect(failed.stderr).toContain('E_LOAD_');
      expect(failed.status).not.toBe(0);
      note(await at.ok(['load', 'status']));
      note(await at.run(['doctor']));
    }
    for (const secret of under().secrets ?? []) {
      expect(texts.join('\n')).not.toContain(secret);
      expect(at.holds(secret)).toEqual([]);
    }
  });
}
