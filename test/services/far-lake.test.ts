import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LAKE_FAULT_POINTS } from '../../src/lake/commit.ts';
import { openLakeReader, PYTHON } from '../soak/lake-reader.ts';
import { bucketPlace } from './bucket-place.ts';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { hdfsPlace } from './hdfs-place.ts';
import type { MirrorPlace } from './mirror-project.ts';
import { describeService } from './service.ts';

const config = (place: MirrorPlace): string => `version: 1
name: shop
lake: { url: "${place.lake_url}" }
connections:
  there: ${place.connection}
sources:
  sales: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, amount: "decimal(12,2)" } }
silver:
  sales: { from: sales, key: id, rules: [{ between: { column: amount, above: 0 } }] }
gold:
  total: { sql: "select count(*) as n, sum(amount) as amount from silver.sales" }
`;

type Point = (typeof LAKE_FAULT_POINTS)[number];

/** One machine: a folder with the project, the same inputs as on the others, and a ledger of its own. */
class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), 'dataflow-far-'));
  readonly program: BuiltProgram;
  readonly #place: MirrorPlace;

  constructor(place: MirrorPlace) {
    this.#place = place;
    this.program = builtProgram(this.folder, place.env);
    writeFileSync(join(this.folder, 'pipelines.yaml'), config(place));
    mkdirSync(join(this.folder, 'in'));
  }

  /** Ten rows, one of which the rule rejects. */
  day(day: number): void {
    const lines = Array.from({ length: 10 }, (_, i) => `${day * 100 + i},${i === 0 ? -1 : `${day}.50`}`);
    writeFileSync(join(this.folder, 'in', `${day}.csv`), `id,amount\n${lines.join('\n')}\n`);
  }

  faulty(fault: string): BuiltProgram {
    return builtProgram(this.folder, { ...this.#place.env, DATAFLOW_FAULT: fault });
  }

  /** As though this machine had never read a table. */
  forget(): void {
    for (const layer of ['bronze', 'silver', 'gold', 'quarantine'])
      rmSync(join(this.folder, '.dataflow', layer), { recursive: true, force: true });
    rmSync(join(this.folder, '.dataflow/_dataflow/cache'), { recursive: true, force: true });
  }

  async total(): Promise<{ readonly n: number; readonly amount: string }> {
    const [row] = await this.program.rows('select n, amount::varchar as amount from gold.total');
    return { n: Number(row?.['n']), amount: String(row?.['amount']) };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

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
