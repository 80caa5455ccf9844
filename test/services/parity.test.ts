import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { expectParity } from './expect-parity.ts';
import { describeService } from './service.ts';

/** Example projects whose sources need no server but one of their own; the others are compared where they are run. */
describeService('spark', ({ url }) => {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-parity-'));
  const servers: ChildProcess[] = [];
  afterAll(() => {
    for (const server of servers) server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const done = async (program: BuiltProgram, ...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await program.run(...args);
    expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0);
  };

  it('retail: every table, with rows that break each rule', { timeout: 400_000 }, async () => {
    const place = join(folder, 'retail');
    mkdirSync(place);
    for (const name of ['pipelines.yaml', 'models']) cpSync(resolve(name), join(place, name), { recursive: true });
    const program = builtProgram(place, { SPARK_REMOTE: url });
    await done(program, 'generate', '--rows', '120', '--bad', '15%');
    await done(program, 'run');
    const tables = await expectParity(program);
    expect(tables).toHaveLength(12);
    const achats = tables.find(({ table }) => table === 'silver.achats');
    expect(achats?.accepted?.rows.there).toBeGreaterThan(50);
    expect(achats?.rejected?.rows.there).toBeGreaterThan(5);
    expect((await program.run('status')).stdout).toContain('spark: 12 tables the same');
  });

  it('weather: every table', { timeout: 400_000 }, async () => {
    const place = join(folder, 'weather');
    cpSync(resolve('fixtures/projects/weather'), place, { recursive: true });
    const server = spawn(process.execPath, ['server.mjs', '--port', '0'], {
      cwd: place,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    servers.push(server);
    const address = await new Promise<string>((heard) => {
      server.stdout.once('data', (text: Buffer) => heard(text.toString().trim()));
    });
    const from = new Date(Date.now() - 4 * 86_400_000).toISOString().slice(0, 10);
    const there = { WEATHER_URL: address, WEATHER_ARCHIVE_URL: address, WEATHER_FROM: from };
    const program = builtProgram(place, { SPARK_REMOTE: url, XDG_CACHE_HOME: join(place, '.cache'), ...there });
    await done(program, 'run');
    await expectParity(program);
  });

  it('samples are the same rows on both; a sample of files and of rows', { timeout: 400_000 }, async () => {
    const place = join(folder, 'sample');
    mkdirSync(join(place, 'in'), { recursive: true });
    const lines = Array.from({ length: 12_000 }, (_, id) => `${id},${id % 7},${(id * 37) % 1000}.25`);
    writeFileSync(join(place, 'in/a.csv'), `id,kind,amount\n${lines.join('\n')}\n`);
    writeFileSync(
      join(place, 'pipelines.yaml'),
      `version: 1
name: sample
lake: { url: ./lake }
sources:
  a: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, kind: bigint, amount: "decimal(12,2)" } }
silver:
  a: { from: a, key: id, rules: [{ between: { column: amount, min: 1, max: 900 } }] }
gold:
  by_kind: { key: [kind], sql: "select kind, sum(amount) as total, avg(amount) as mean from silver.a group by kind" }
`,
    );
    const program = builtProgram(place, { SPARK_REMOTE: url });
    await done(program, 'run');
    const tables = await expectParity(program, '--sample', '10');
    const [silver, gold] = tables;
    expect(silver).toMatchObject({ table: 'silver.a', sample_percent: 10 });
    const rows = (silver?.accepted?.rows.there ?? 0) + (silver?.rejected?.rows.there ?? 0);
    expect(rows).toBeGreaterThan(1100);
    expect(rows).toBeLessThan(1300);
    expect(gold).toMatchObject({ accepted: { rows: { here: 7, there: 7 } } });
  });
});
