import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { zipOf } from '../../src/formats/zip.fixture.ts';
import { EVERY_KIND_RECORDS, everyKind } from '../support/every-kind.ts';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { type TcpProxy, tcpProxy } from './faults/tcp-proxy.ts';
import type { PlaceKeeper } from './place-keepers.ts';

const BINARY = resolve('bin/dataflow.js');
const csv = (...ids: readonly (number | string)[]): string => `id,v\n${ids.map((id) => `${id},x${id}\n`).join('')}`;
const many = (from: number, to: number): string =>
  `id,v\n${Array.from({ length: to - from }, (_, i) => `${from + i},x${from + i}\n`).join('')}`;

/** A server's place, a proxy before it, and projects that read from there. */
interface Bench {
  readonly keeper: PlaceKeeper;
  readonly proxy: TcpProxy;
  project(path: string, more?: string, address?: string): BuiltProgram & { readonly folder: string };
  /** File, rows and least id of each file that is loaded. */
  counts(program: BuiltProgram): Promise<readonly string[]>;
  /** How a file is known. */
  at(name: string): string;
  close(): Promise<void>;
}

async function openBench(open: () => Promise<PlaceKeeper>): Promise<Bench> {
  const keeper = await open();
  const proxy = await tcpProxy(keeper.address);
  const folders: string[] = [];
  const at = (name: string): string => `depot://${keeper.folder}${name}`;
  return {
    keeper,
    proxy,
    at,
    project: (path, more = '', address = keeper.address) => {
      const folder = mkdtempSync(join(tmpdir(), 'dataflow-place-'));
      folders.push(folder);
      writeFileSync(
        join(folder, 'pipelines.yaml'),
        `version: 1
name: place
connections:
  depot: ${keeper.connection(address)}
sources:
  a: { type: files, connection: depot, path: "${keeper.folder}${path}", settle_seconds: 0, columns: { id: bigint, v: varchar }${more} }
`,
      );
      return { folder, ...builtProgram(folder, keeper.env, { share: true }) };
    },
    counts: async (program) => {
      const rows = await program.rows(
        'select _file, count(*) as n, min(id) as least from bronze.a group by all order by 1',
      );
      return rows.map((row) => Object.values(row).join(' ').replace(at(''), ''));
    },
    close: async () => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      await proxy.close();
      await keeper.clear();
    },
  };
}

async function nothingToDo(program: BuiltProgram): Promise<void> {
  const again = await program.run('run');
  expect(again.stdout, again.stderr).toContain('nothing to do');
}

/** Moments of a run at which it is killed, while the place itself is asked. */
export const KILLS = ['during-fetch', 'after-fetch'] as const;
/** Those afterwards, where nothing is left of the place but files here. */
export const KILLS_LATER = ['after-inspect', 'after-stage', 'after-log-create'] as const;

/**
 * What every place for files has to keep, shown with the built program against a real server. @param kills moments at which a run is killed; all of them with
 * DATAFLOW_SOAK=1
 */
export function placeContract(
  open: () => Promise<PlaceKeeper>,
  kills: readonly string[] = process.env['DATAFLOW_SOAK'] === '1' ? [...KILLS, ...KILLS_LATER] : KILLS,
): void {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench(open);
  });
  afterAll(() => bench.close());
  takesFiles(() => bench);
  takesMany(() => bench);
  followsChanges(() => bench);
  goesOn(() => bench);
  survivesKills(() => bench, kills);
  noticesChanges(() => bench);
}

function takesFiles(bench: () => Bench): void {
  it('takes files by a glob, each once, with their lines; a listing is all that a run with nothing to do asks for', async () => {
    const { keeper, project, counts, at } = bench();
    await keeper.put('one/2025/a.csv', csv(1, 'no', 2));
    await keeper.put('one/b.csv.gz', gzipSync(csv(3)));
    await keeper.put('one/c.zip', zipOf({ 'x/d.csv': csv(4), 'old/f.csv': csv(8), 'e.ndjson': '{"id":5,"v":"y"}\n' }));
    await keeper.put('one/ünï & code %20+.csv', csv(6));
    await keeper.put('one/readme.md', 'no data');
    await keeper.put('one/again.csv', csv(7));
    await keeper.put('one/zz.csv', csv(7));
    await keeper.put('other/a.csv', csv(666));
    // As in a folder, what is excluded is named by the path of the file, and that of the member in it.
    const program = project('one/**/*.{csv,csv.gz,zip}', `, exclude: "${keeper.folder}one/*.zip!/old/*"`);
    const plan = await program.run('plan');
    expect(plan.stdout, plan.stderr).toContain('6 new or changed files');
    const first = await program.run('run');
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect(await counts(program)).toEqual([
      'one/2025/a.csv 2 1',
      'one/again.csv 1 7',
      'one/b.csv.gz 1 3',
      'one/c.zip!/e.ndjson 1 5',
      'one/c.zip!/x/d.csv 1 4',
      'one/ünï & code %20+.csv 1 6',
    ]);
    await nothingToDo(program);
    expect((await program.run('trace', `${at('one/2025/a.csv')}:4`)).stdout).toContain('id=2');
    const shown = await program.run('quarantine', 'show', 'bronze.a', '--format', 'json');
    expect(JSON.parse(shown.stdout)).toMatchObject([{ file: at('one/2025/a.csv'), line: 3 }]);
    const verified = await program.run('verify', '--sources');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    expect(verified.stdout + verified.stderr).not.toMatch(/no longer|other bytes/);
    const doctor = await program.run('doctor');
    expect(doctor.stdout).toMatch(/ok +source a +0 new/);
    await keeper.remove('one/2025/a.csv');
    await keeper.put('one/again.csv', csv(7, 70));
    const changed = await program.run('verify', '--sources');
    const told = (changed.stdout + changed.stderr).replaceAll(/\s+/g, ' ');
    expect(told).toMatch(/a\.csv can no longer be read \(it is gone from its place\)/);
    expect(told).toMatch(/again\.csv has other bytes/);
    expect(readdirSync(join(program.folder, 'lake/_dataflow/tmp'))).toEqual([]);
  }, 120_000);
}

function takesMany(bench: () => Bench): void {
  it('takes many files side by side, of every kind, archives too, and leaves nothing behind that would be told of', async () => {
    const { keeper, project } = bench();
    const small = Array.from({ length: 20 }, (_, i) => [`f${i}.csv`, csv(100 + i)] as const);
    const files = [...Object.entries(await everyKind()), ...small];
    for (const [name, content] of files) await keeper.put(`many/${name}`, content);
    await keeper.put('widths/a.dat', '  1 x1\n 2  x2\n');
    const program = project('many/**/*', ', record: rows/row');
    appendFileSync(
      join(program.folder, 'pipelines.yaml'),
      `  b: { type: files, connection: depot, path: "${keeper.folder}widths/*", format: fixed, fields: { id: [1, 4], v: [5, 2] }, settle_seconds: 0, columns: { id: bigint, v: varchar } }\n`,
    );
    const ran = await program.run('run');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const counted = await program.rows(
      `select id, split_part(_file, '!', 1) as file, v from bronze.a union all select id, _file, v from bronze.b order by id, file`,
    );
    const ids = [1, ...Array.from({ length: EVERY_KIND_RECORDS }, (_, i) => i + 1), 2, ...small.map((_, i) => 100 + i)];
    expect(counted.map((row) => row['v'])).toEqual(ids.sort((a, b) => a - b).map((id) => `x${id}`));
    expect(new Set(counted.map((row) => row['file'])).size).toBe(files.length + 1);
  }, 60_000);
}

function followsChanges(bench: () => Bench): void {
  it('follows what changes: other content replaces, touched files are remembered, files that are gone go when that is asked for', async () => {
    const { keeper, project, counts } = bench();
    await keeper.put('two/a.csv', csv(1, 2));
    await keeper.put('two/b.csv', csv(3));
    await keeper.put('two/c.csv', csv(4));
    const program = project('two/*.csv', ', on_missing: delete');
    expect((await program.run('run')).code).toBe(0);
    // Marks of time are as coarse as a second.
    await sleep(1100);
    await keeper.put('two/a.csv', csv(1, 2, 9));
    await keeper.put('two/b.csv', csv(3));
    await keeper.remove('two/c.csv');
    const second = await program.run('run');
    expect(second.code, second.stderr).toBe(0);
    expect(await counts(program)).toEqual(['two/a.csv 3 1', 'two/b.csv 1 3']);
    await nothingToDo(program);
    const anew = await program.run('run', '--full-refresh');
    expect(anew.code, anew.stderr).toBe(0);
    expect(await counts(program)).toEqual(['two/a.csv 3 1', 'two/b.csv 1 3']);
  }, 120_000);
}

function goesOn(bench: () => Bench): void {
  it('goes on where a connection broke, and says so when nobody listens', async () => {
    const { keeper, proxy, project, counts } = bench();
    await keeper.put('three/a.csv', many(0, 400_000));
    const program = project('three/*.csv', '', proxy.address);
    proxy.resetAfter('down', 1_500_000);
    const before = proxy.bytes.down;
    const first = await program.run('run');
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect(await counts(program)).toEqual(['three/a.csv 400000 0']);
    // What had come was not asked for again.
    expect(proxy.bytes.down - before).toBeLessThan(many(0, 400_000).length * 1.3);
    await proxy.refuse();
    const away = await program.run('run');
    await proxy.accept();
    expect(away.stderr).toContain('E_SOURCE_UNREACHABLE');
    expect(away.code).toBe(5);
    await nothingToDo(program);
  }, 120_000);
}

function survivesKills(bench: () => Bench, kills: readonly string[]): void {
  it.each(kills)(
    'has each row once after a kill at %s',
    async (point) => {
      const { keeper, project, counts } = bench();
      const name = `four-${point}`;
      await keeper.put(`${name}/a.csv`, csv(1, 2));
      await keeper.put(`${name}/b.csv`, csv(3));
      const program = project(`${name}/*.csv`);
      const killed = await builtProgram(program.folder, { ...keeper.env, DATAFLOW_FAULT: `${point}:kill` }).run('run');
      expect(killed.stderr).toContain(`fault point ${point}`);
      const second = await program.run('run');
      expect(second.code, second.stderr).toBe(0);
      expect(await counts(program)).toEqual([`${name}/a.csv 2 1`, `${name}/b.csv 1 3`]);
      await nothingToDo(program);
      expect(readdirSync(join(program.folder, 'lake/_dataflow/tmp'))).toEqual([]);
    },
    60_000,
  );
}

function noticesChanges(bench: () => Bench): void {
  it('notices a file that changes while it is fetched: nothing of it is taken, the next run takes it as it is then', async () => {
    const { keeper, project, counts } = bench();
    const old = many(0, 300_000);
    await keeper.put('five/a.csv', old);
    const program = project('five/*.csv');
    const env = { ...process.env, ...keeper.env, DATAFLOW_FAULT: 'during-fetch:stop' };
    const child = spawn(process.execPath, [BINARY, 'run'], { cwd: program.folder, env });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise<number | null>((done) => child.on('close', done));
    while (!said.includes('fault point during-fetch')) await sleep(20);
    await sleep(1100);
    await keeper.put('five/a.csv', many(500_000, 800_000));
    child.kill('SIGCONT');
    const code = await ended;
    if (code !== 0) expect(said).toContain('E_SOURCE_CHANGED');
    const second = await program.run('run');
    expect(second.code, second.stderr).toBe(0);
    expect(await counts(program)).toEqual(['five/a.csv 300000 500000']);
    await nothingToDo(program);
  }, 120_000);
}
