import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { shareWork } from '../../../test/support/asker.ts';
import { stopped } from '../../../test/support/stopped.ts';
import {
  changed,
  each,
  type LoadAnswer,
  orders,
  SinkProject,
  type SinkUnderTest,
  sorted,
  TABLES,
} from './sink-project.ts';

/** Moments of a load at which it is killed. */
const KILLS = [
  ['load-before-begin', 1],
  ['load-before-put', 2],
  ['load-after-put', 1],
  ['load-after-put', 3],
  ['load-before-commit', 1],
  ['load-after-commit', 1],
] as const;

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
  shareWork();
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
    noticesOthersAtWork(suite);
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
      expect(refused.stderr).toMatch(/next: .*`dataflow load status out`.*`dataflow load out --full-refresh`/);
      expect(sorted(await under().rows('orders'))).toEqual(found);
      await at.load('--full-refresh');
      await at.expectEqual();
      await at.publish(first);
      await at.load();
      await at.expectEqual();
    }
  });
}

function noticesOthersAtWork({ under, project }: Suite): void {
  it('what others write after a load has looked and before it writes is not overwritten either', async () => {
    const at = project();
    const first = orders(30);
    await at.publish(first);
    await at.load();
    await at.publish(changed(first));
    const { child, ended } = at.start(['load'], { DATAFLOW_FAULT: 'load-before-begin:stop' });
    await stopped(child.pid);
    await under().tamper('orders');
    const found = sorted(await under().rows('orders'));
    child.kill('SIGCONT');
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([1, expect.stringContaining('E_LOAD_CHANGED')]);
    expect(sorted(await under().rows('orders'))).toEqual(found);
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
    // Another word in pipelines.yaml is no reason to make it anew: rows that the lake no longer has would be gone.
    at.say({ mode: 'append', tables: ['silver.orders'], overrides: { 'silver.orders': { indexes: ['amount'] } } });
    expect(await at.load()).toMatchObject({ status: 'loaded', inserts: 0, deletes: 0 });
    expect(sorted(await under().rows('orders'))).toEqual(sorted(rows));
    await at.load('--full-refresh');
    await at.expectEqual(['orders']);
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
