import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BINARY, expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';
import { memoryGroup } from './support/memory-group.ts';

/** Receipts and budgets on the built binary. */
const TABLES = `sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, x: varchar } }
silver:
  a: { from: a, key: id }
gold:
  g: "select x, count(*) as n from silver.a group by all"
`;
const ROWS = `id,x\n${Array.from({ length: 1000 }, (_, i) => `${i},${i % 7}\n`).join('')}`;

const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

function project(head: string): Place {
  const place = newPlace(head + TABLES);
  places.push(place);
  place.put({ 'in/a.csv': ROWS });
  return place;
}

describe('cost receipt', () => {
  it('says what a run took and used, now and later', () => {
    const place = project('price: { cpu_hour: 3600, currency: EUR }\n');
    const run = place.dataflow(['run', '--format', 'json']);
    expectDone(run);
    const { receipt, run_id } = JSON.parse(run.stdout);
    expect(receipt).toMatchObject({
      rows_in: 1000,
      rows_out: 2007,
      bytes_in: ROWS.length,
      currency: 'EUR',
      over_budget: [],
      retried_steps: [],
    });
    expect(receipt.peak_memory_bytes).toBeGreaterThan(50e6);
    expect(receipt.bytes_out).toBeGreaterThan(1000);
    expect(receipt.money).toBeCloseTo(receipt.cpu_ms / 1000, 6);
    expect(JSON.parse(place.dataflow(['status', run_id, '--format', 'json']).stdout).receipt).toEqual(receipt);
    expect(JSON.parse(place.dataflow(['status', '--format', 'json']).stdout).receipt).toEqual(receipt);
    const shown = place.dataflow(['status', 'last']).stdout;
    expect(shown).toMatch(
      /in 1,000 rows, .*; out 2,007 rows, .*; [\d,]+ rows\/s\n.* wall, .* CPU; .* peak memory; .* EUR/,
    );
    for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('budget', () => {
  it('a run whose input is too large is not begun', () => {
    const place = project('budget: { bytes: 1KB }\n');
    const run = place.dataflow(['run']);
    expectError(run, 'E_BUDGET', 1);
    expect(run.stderr).toMatch(/bytes about .* of 1\.0 KB/);
    expect(place.status().size).toBe(0);
  });

  it('with warn it is only said', () => {
    const place = project('budget: { bytes: 1KB, on_exceed: warn }\n');
    const run = place.dataflow(['run', '--format', 'json']);
    expectDone(run);
    expect(run.stderr).toMatch(/warning over budget: bytes about/);
    expect(JSON.parse(run.stdout).receipt.over_budget).toEqual([{ limit: 'bytes', allowed: 1000, used: ROWS.length }]);
  });

  it('what was published stays when it is spent on the way, the rest is skipped with the reason', () => {
    const place = project('budget: { rows: 999 }\n');
    const run = place.dataflow(['run', '--format', 'json']);
    expect(run.status).toBe(4);
    const steps = JSON.parse(run.stdout).steps as readonly { step: string; status: string; reason: string }[];
    expect(steps.map(({ step, status }) => [step, status])).toEqual([
      ['bronze.a', 'succeeded'],
      ['silver.a', 'skipped'],
      ['gold.g', 'skipped'],
    ]);
    expect(steps[1]?.reason).toContain('over budget: rows 1000 of 999');
    const error = { code: 'E_BUDGET', message: 'over budget: rows 1000 of 999' };
    expect(JSON.parse(run.stdout)).toMatchObject({ status: 'partial', error });
    expect(run.stderr).toMatch(/error\[E_BUDGET\] over budget: rows 1000 of 999\n {2}kept: .*\n {2}next: /);
    expect(JSON.parse(place.dataflow(['status', '--format', 'json']).stdout).run).toMatchObject({
      status: 'partial',
      error,
    });
    expect(place.dataflow(['status', 'last']).stdout).toMatch(
      /: partial[\s\S]*E_BUDGET: over budget: rows 1000 of 999/,
    );
    expect(place.query('select count(*) as n from bronze.a')).toEqual([{ n: 1000 }]);
    place.put({ 'pipelines.yaml': `version: 1\n${TABLES}` });
    expectDone(place.dataflow(['run']));
    expect(place.query('select sum(n) as n from gold.g')).toEqual([{ n: 1000 }]);
  });

  it('a run that passed it with its last step is no full success, and the figures show the excess', () => {
    const place = project('budget: { wall: 1ms }\n');
    place.put({ 'pipelines.yaml': `version: 1\nbudget: { wall: 1ms }\n${TABLES}` });
    const run = place.dataflow(['run']);
    expect(run.status).toBe(4);
    expect(run.stdout).toMatch(/over budget: wall \d+\.\d{3} s of 0\.001 s/);
    expect(place.dataflow(['status', '--runs', '--format', 'csv']).stdout).toMatch(/,(?:failed|partial),.*,E_BUDGET$/m);
    place.put({ 'pipelines.yaml': `version: 1\n${TABLES}` });
    expectDone(place.dataflow(['retry']));
    expect(place.query('select sum(n) as n from gold.g')).toEqual([{ n: 1000 }]);
    expect(place.dataflow(['retry']).stdout).toContain('nothing to retry');
  });

  it('money needs a price', () => {
    expectError(project('budget: { money: 1 }\n').dataflow(['run']), 'E_CONFIG_INVALID', 2);
  });
});

const BIG_ROWS = `id,x\n${Array.from({ length: 1_000_000 }, (_, i) => `${i},abcdefghij${(i * 7919) % 1_000_003}\n`).join('')}`;

describe('memory', () => {
  it('a step that runs out of it is done again with 1 thread, and says so', () => {
    const place = project('');
    place.put({
      'in/a.csv': BIG_ROWS,
      'pipelines.yaml': `version: 1\nengine: { memory_limit: 60MB, threads: 32 }\n${TABLES}`,
    });
    const run = place.dataflow(['run', 'bronze', '--format', 'json']);
    expectDone(run);
    expect(run.stderr).toMatch(/warning engine\.threads is 32, but the \w+ has \d+ CPU/);
    expect(run.stderr).toMatch(
      /warning bronze\.a: the engine ran out of memory: .*; it is done again with 1 thread and smaller batches of files/,
    );
    const { steps, receipt } = JSON.parse(run.stdout);
    expect(steps[0]).toMatchObject({ status: 'succeeded', balance: { rows_in: 1_000_000, rows_out: 1_000_000 } });
    expect(steps[0].reason).toContain(
      'done again because the engine ran out of memory, with 1 thread and smaller batches of files',
    );
    expect(receipt.retried_steps).toEqual(['bronze.a']);
    expect(place.query('select count(*) as n, min(id) as a, max(id) as b from bronze.a')).toEqual([
      { n: 1_000_000, a: 0, b: 999_999 },
    ]);
  });

  it('case 17: a step that runs out of it twice fails with the step, the limit and what to set', () => {
    const place = project('');
    const model = 'select id % 700000 as k, list(x) as xs, list(id) as ids from bronze.a group by all';
    place.put({
      'in/a.csv': BIG_ROWS,
      'pipelines.yaml': `version: 1\nengine: { memory_limit: 64MB, threads: 2 }\n${TABLES.replace(/ {2}g: .*/, `  g: "${model}"`)}`,
    });
    const run = place.dataflow(['run', '--select', '+gold.g']);
    expect(run.status, run.stderr).toBe(4);
    expect(run.stderr).toMatch(
      /error\[E_ENGINE_MEMORY\] gold\.g: out of memory with 2 threads, and again with 1 thread; it has no partition_by, key or refresh, so it cannot be split into batches; memory limit 64\.0 MB\n {2}kept: .*\n {2}next: Set engine\.memory_limit above 64\.0 MB/,
    );
    expect(place.status().get('bronze.a')).toMatchObject({ status: 'succeeded' });
  });

  it('a model that has a key is done again in batches by it, with the same rows', () => {
    const place = project('');
    const model = 'select id % 700000 as k, list(x) as xs, list(id) as ids from bronze.a group by all';
    const tables = TABLES.replace(/ {2}g: .*/, `  g: { sql: "${model}", key: k }`);
    place.put({
      'in/a.csv': BIG_ROWS,
      'pipelines.yaml': `version: 1\nengine: { memory_limit: 64MB, threads: 2 }\n${tables}`,
    });
    const run = place.dataflow(['run', '--select', '+gold.g', '--exclude', 'silver.a', '--format', 'json']);
    expectDone(run);
    expect(run.stderr).toMatch(
      /gold\.g: the engine ran out of memory: .*; it is done again with 1 thread and in \d+ batches by k/,
    );
    const step = JSON.parse(run.stdout).steps.find((one: { step: string }) => one.step === 'gold.g');
    expect(step.reason).toMatch(
      /done again because the engine ran out of memory, with 1 thread and in \d+ batches by k/,
    );
    expect(
      place.query(
        'select count(*) as n, count(distinct k) as k, sum(len(ids)) as ids, sum(list_sum(ids)) as s from gold.g',
      ),
    ).toEqual([{ n: 700_000, k: 700_000, ids: 1_000_000, s: 499_999_500_000 }]);
  });

  it('a silver table is done again in batches by its key, and keeps the right row of each', () => {
    const place = project('');
    const rows = Array.from({ length: 600_000 }, (_, i) => `${i % 400_000},abcdefghijklmnopqrstuvwxyz${i}\n`).join('');
    place.put({
      'in/a.csv': `id,x\n${rows}`,
      'pipelines.yaml': `version: 1\nengine: { memory_limit: 48MB, threads: 2 }\n${TABLES}`,
    });
    const run = place.dataflow(['run', '--select', '+silver.a', '--format', 'json']);
    expectDone(run);
    expect(run.stderr).toMatch(/silver\.a: .*; it is done again with 1 thread and in \d+ batches by id/);
    const sql = `select count(*) as n, count(distinct id) as ids, count(*) filter (where x = 'abcdefghijklmnopqrstuvwxyz' || (case when id < 200000 then id + 400000 else id end)) as newest from silver.a`;
    expect(place.query(sql)).toEqual([{ n: 400_000, ids: 400_000, newest: 400_000 }]);
  });

  it('case 17: after a run was killed the next one says what it was doing, and goes on', () => {
    const place = project('');
    const killed = place.dataflow(['run'], { DATAFLOW_FAULT: 'after-stage:kill@2' });
    expect(killed.signal).toBe('SIGKILL');
    const next = place.dataflow(['run']);
    expectDone(next);
    expect(next.stderr).toMatch(
      /run \w+: the process died while it worked on silver\.a \(its memory had reached [\d.]+ MB, engine limit 512 MB, threads 2\); it is marked as interrupted/,
    );
    const [, first] = JSON.parse(place.dataflow(['status', '--runs', '--format', 'json']).stdout);
    expect(first).toMatchObject({ status: 'interrupted', error: 'E_INTERRUPTED' });
    expect(place.dataflow(['status', first.run_id]).stdout).toMatch(/the process died while it worked on silver\.a/);
  });
});

const group = memoryGroup(320_000_000);
if (group === undefined) console.log('skipped case 17, killed by the kernel: no memory control group can be made here');

it.skipIf(group === undefined)(
  'case 17: killed by the kernel for its memory: the next run says at which step, with which memory and limit, and finishes',
  () => {
    const place = project('');
    const config = (gold: string): string =>
      `version: 1\nengine: { memory_limit: 4GB, threads: 2 }\n${TABLES.replace(/ {2}g: .*/, `  g: "${gold}"`)}`;
    const hungry = 'select list(x || id || r.range) as xs from silver.a, range(30000) r group by id % 3';
    place.put({ 'pipelines.yaml': config(hungry) });
    const script = `${group?.join} && exec "$0" "$@"`;
    const killed = spawnSync('bash', ['-c', script, process.execPath, BINARY, 'run'], {
      cwd: place.folder,
      timeout: 60_000,
    });
    group?.remove();
    expect(killed.signal).toBe('SIGKILL');
    expect(place.query('select count(*) as n from silver.a')).toEqual([{ n: 1000 }]);
    place.put({ 'pipelines.yaml': config('select x, count(*) as n from silver.a group by all') });
    const next = place.dataflow(['run']);
    expectDone(next);
    expect(next.stderr).toMatch(
      /the process died while it worked on gold\.g \(its memory had reached [\d.]+ MB, engine limit 4\.\d+ GB, threads 2\)/,
    );
    expect(place.query('select sum(n)::bigint as n from gold.g')).toEqual([{ n: 1000 }]);
  },
);

describe('estimates', () => {
  it('are told with --verbose before a step begins', () => {
    const run = project('').dataflow(['run', '-v']);
    expect(run.stderr).toMatch(/^bronze\.a: about .* in; .* out; fits into the 512 MB of memory$/m);
    expect(run.stderr).toMatch(/^silver\.a: about 1000 rows, .* in; .*$/m);
  });
});

const can_mount = process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0;
if (!can_mount) console.log('skipped the disk that is too small: mounting is not permitted');

describe.skipIf(!can_mount)('disk', () => {
  it('a step whose result would not fit is not begun', () => {
    const place = project('');
    const lake = join(place.folder, 'lake');
    mkdirSync(lake);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', lake]);
    try {
      expect(mounted.status).toBe(0);
      place.put({
        'in/a.csv': BIG_ROWS,
        'in/b.csv': `${BIG_ROWS}x,y\n`,
        'in/c.csv': `${BIG_ROWS}y,z\n`,
        'in/d.csv': `${BIG_ROWS}z,z\n`,
      });
      const run = place.dataflow(['run']);
      expectError(run, 'E_LAKE_SPACE', 5);
      expect(run.stderr).toMatch(/bronze\.a: its result needs about 19\.\d MB, but \d\.\d+ MB are free at /);
      expect(place.status().get('bronze.a')).toMatchObject({ status: 'failed', version: null });
    } finally {
      spawnSync('umount', [lake]);
    }
  });
});
