import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LAKE_FAULT_POINTS } from '../../src/lake/commit.ts';
import { openLakeReader, PYTHON } from '../soak/lake-reader.ts';
import { bucketPlace } from './bucket-place.ts';
import { config, Machine } from './far-machine.ts';
import { hdfsPlace } from './hdfs-place.ts';
import type { MirrorPlace } from './mirror-project.ts';
import { servedProgram } from './served-program.ts';
import { describeService } from './service.ts';

type Point = (typeof LAKE_FAULT_POINTS)[number];

/** The sums of the days from 1 on. */
const totalOf = (days: number): { readonly n: number; readonly amount: string } => ({
  n: 9 * days,
  amount: (9 * Array.from({ length: days }, (_, i) => i + 1.5).reduce((sum, one) => sum + one, 0)).toFixed(2),
});

async function intact(machine: Machine): Promise<void> {
  const { code, stdout, stderr } = await machine.program.run('verify');
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toContain('intact');
}

/** Made for each server; the tests follow each other. */
let place: MirrorPlace;
let machine: Machine;
let days = 0;

function aLakeThere(made: () => Promise<MirrorPlace>): void {
  beforeAll(async () => {
    place = await made();
    machine = new Machine(place);
    days = 1;
    machine.day(1);
    expect(await machine.program.run('run')).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    machine.remove();
    await place.clear();
  });
  publishes();
  isShared();
  isTidiedAndProved();
}

function publishes(): void {
  it('holds the tables; the same again does nothing; what is read comes from there', async () => {
    expect(await place.list()).toContain('gold/total/_delta_log/00000000000000000000.json');
    expect((await machine.program.run('run')).stdout).toContain('nothing to do');
    machine.forget();
    expect(await machine.total()).toEqual(totalOf(days));
    await intact(machine);
    expect((await machine.program.run('doctor')).stdout).toMatch(/ok +lake +http/);
    expect((await machine.program.run('trace', 'in/1.csv:4')).stdout).toContain('gold.total');
  });

  it('a run that dies at any point of a commit publishes nothing half, and the next one finishes', async () => {
    for (const point of ['after-move', 'before-log-create', 'after-publish'] satisfies readonly Point[]) {
      days += 1;
      machine.day(days);
      const killed = await machine.faulty(`${point}:kill`).run('run');
      expect(killed.stderr).toContain(`fault point ${point}`);
      expect(await machine.total()).toEqual(totalOf(days - 1));
      expect(await machine.program.run('run')).toMatchObject({ code: 0 });
      expect(await machine.total()).toEqual(totalOf(days));
    }
    await intact(machine);
    expect((await machine.program.run('doctor')).stdout).toMatch(/left-over files +none/);
  });

  it('is served from what is brought here, and the server follows the next run', async () => {
    machine.forget();
    const server = await servedProgram(machine.folder, place.env);
    try {
      const total = async (path = ''): Promise<unknown> =>
        (await server.get(`/api/v1/tables/gold/total${path}`)).body.data[0];
      const { headers } = await server.get('/api/v1/tables/gold/total');
      expect(await total()).toEqual({ n: 9 * days, amount: Number(totalOf(days).amount) });
      days += 1;
      machine.day(days);
      expect(await machine.program.run('run')).toMatchObject({ code: 0 });
      await expect.poll(total, { timeout: 10_000 }).toMatchObject({ n: 9 * days });
      expect(await total(`?as_of=${headers.get('dataflow-release')}`)).toMatchObject({ n: 9 * (days - 1) });
    } finally {
      expect(await server.stop()).toContain('stopped');
    }
  });

  it.skipIf(PYTHON === undefined)(
    `another reader sees the same rows${PYTHON === undefined ? ' — skipped: DATAFLOW_PYTHON names no Python' : ''}`,
    async () => {
      const reader = openLakeReader();
      const copy = mkdtempSync(join(tmpdir(), 'dataflow-far-copy-'));
      try {
        await place.copyTo(copy);
        const { tables, strays } = await reader.tables(copy);
        expect(strays).toEqual([]);
        expect(tables).toMatchObject({ 'silver/sales': { rows: 9 * days }, 'bronze/sales': { rows: 10 * days } });
      } finally {
        reader.close();
        rmSync(copy, { recursive: true, force: true });
      }
    },
  );
}

function isShared(): void {
  it('two machines work on it, in turn and at once: each row is there once', async () => {
    const other = new Machine(place);
    try {
      for (let day = 1; day <= days; day++) other.day(day);
      expect((await other.program.run('run')).stderr).toContain('dataflow ledger rebuild');
      expect(await other.program.run('ledger', 'rebuild')).toMatchObject({ code: 0 });
      await turn(other, machine);
      await turn(machine, other);
      days += 1;
      for (const one of [machine, other]) one.day(days);
      const both = await Promise.all([machine.program.run('run'), other.program.run('run')]);
      expect(
        both.some(({ code }) => code === 0),
        both.map(({ stderr }) => stderr).join('\n'),
      ).toBe(true);
      for (const { code, stderr } of both)
        if (code !== 0) expect([code, stderr]).toEqual([6, expect.stringContaining('the lake is locked by process')]);
      for (const one of [machine, other]) {
        expect((await one.program.run('run')).code).toBe(0);
        expect(await one.total()).toEqual(totalOf(days));
        await intact(one);
      }
    } finally {
      other.remove();
    }
  });

  /** One machine loads a day; the other has nothing left to do, and knows it. */
  async function turn(first: Machine, second: Machine): Promise<void> {
    days += 1;
    for (const one of [first, second]) one.day(days);
    expect(await first.program.run('run')).toMatchObject({ code: 0 });
    const then = await second.program.run('run');
    expect(then.stderr + then.stdout).toContain('changed by runs of another ledger');
    expect(then.stdout).toContain(': 0 published, 3 up to date');
    expect(await second.total()).toEqual(totalOf(days));
    await intact(second);
  }
}

function isTidiedAndProved(): void {
  it('old versions are collected there, and going back works as long as they are kept', async () => {
    expect(await machine.program.run('undo')).toMatchObject({ code: 0 });
    expect((await machine.total()).n).toBeLessThan(totalOf(days).n);
    expect(await machine.program.run('run', '--redo')).toMatchObject({ code: 0 });
    expect(await machine.total()).toEqual(totalOf(days));
    const before = (await place.list()).length;
    const project = join(machine.folder, 'pipelines.yaml');
    writeFileSync(project, config(place).replace('" }\nconn', '", keep: { versions_days: 0 } }\nconn'));
    expect(await machine.program.run('compact', '--grace', '0s')).toMatchObject({ code: 0 });
    expect((await place.list()).length).toBeLessThan(before);
    machine.forget();
    expect(await machine.total()).toEqual(totalOf(days));
    await intact(machine);
  });

  it('damage there is found, and never read', async () => {
    machine.forget();
    expect(await machine.total()).toEqual(totalOf(days));
    // What is read is what was brought here.
    const [name = expect.unreachable()] = readdirSync(join(machine.folder, '.dataflow/gold/total'));
    const file = `gold/total/${name}`;
    await place.remove(file);
    await place.put(file, 'no Parquet at all');
    const { code, stdout } = await machine.program.run('verify');
    expect(code).toBe(1);
    expect(stdout).toContain(file);
    machine.forget();
    const asked = await machine.program.run('query', 'select * from gold.total');
    expect(asked).toMatchObject({ code: 1 });
    expect(asked.stderr).toContain('E_LAKE_CORRUPT');
    expect(readdirSync(join(machine.folder, '.dataflow/gold/total'))).toEqual([]);
  });
}

describeService('minio', ({ url }) => {
  describe('a lake in a bucket', { timeout: 240_000 }, () => aLakeThere(() => bucketPlace(url)));
});

describeService('hdfs', ({ url }) => {
  describe('a lake in HDFS', { timeout: 240_000 }, () => aLakeThere(() => hdfsPlace(url)));
});
