import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const BINARY = resolve('bin/dataflow.js');
const PROJECT = `name: t
sources:
  s: { type: fake, rows: 2500, faults: 0.02, unit_records: 400, batch: { records: 1000 } }
silver:
  s: { from: [s], key: id }
gold:
  g: { sql: "select product, count(*) as n from silver.s group by all", key: product }
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-pulled-'));
  writeFileSync(join(root, 'pipelines.yaml'), PROJECT);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function dataflow(args: readonly string[], env: Record<string, string> = {}) {
  const done = spawnSync(process.execPath, [BINARY, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(root, '.cache'), ...env },
    timeout: 60_000,
  });
  return { status: done.status, signal: done.signal, stdout: done.stdout, stderr: done.stderr };
}

const json = <T>(args: readonly string[]): T => {
  const done = dataflow([...args, '--format', 'json']);
  expect(done.stderr).not.toContain('error[');
  return JSON.parse(done.stdout) as T;
};

interface Counts {
  readonly n: number;
  readonly ids: number;
  readonly bad: number;
}

/** Every record once: in the table or in quarantine. */
function expectWhole(): void {
  const sql =
    'select count(*) as n, count(distinct id) as ids, (select count(*) from quarantine.bronze_s) as bad from bronze.s';
  const [table] = json<Counts[]>(['query', sql]);
  expect(Number(table?.n)).toBe(Number(table?.ids));
  expect(Number(table?.n) + Number(table?.bad)).toBe(2500);
  const verified = dataflow(['verify']);
  expect(verified.stdout + verified.stderr).toContain('intact');
  expect(verified.status).toBe(0);
}

describe('a source that is asked', { timeout: 120_000 }, () => {
  it('is planned without taking anything, taken in batches, and then up to date', () => {
    expect(dataflow(['plan']).stdout).toContain('2,500 new records');
    expect(dataflow(['run', '--dry-run']).status).toBe(0);
    expect(readdirSync(root)).not.toContain('lake');
    expect(dataflow(['run']).status).toBe(0);
    expectWhole();
    const again = dataflow(['run']);
    expect(again.stderr + again.stdout).toContain('nothing to do');
    expect(readdirSync(join(root, 'lake/_dataflow/landing'))).toEqual([]);
    expect(statSync(join(root, 'lake/_dataflow/landing')).mode & 0o777).toBe(0o700);
  });

  it('goes on where it was after the ledger was made anew from the lake', () => {
    expect(dataflow(['run']).status).toBe(0);
    expect(dataflow(['ledger', 'rebuild']).status).toBe(0);
    expect(dataflow(['plan', '--all']).stdout).toContain('no new records');
    expectWhole();
  });
});
