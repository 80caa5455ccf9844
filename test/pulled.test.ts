import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

  it('stream run takes batches as they come and ends at SIGTERM after the batch; stream status says how far it is', async () => {
    writeFileSync(
      join(root, 'pipelines.yaml'),
      PROJECT.replace(
        /type: fake.*/,
        'type: fake, rate: 300, batch: { wait: 100ms } }\n  f: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { k: varchar } }',
      )
        .replace('silver:', 'silver:\n  f: { from: f, key: k }')
        .concat('  both: { sql: "select s.product, f.k from silver.s as s, silver.f as f limit 1" }\n'),
    );
    mkdirSync(join(root, 'in'));
    writeFileSync(join(root, 'in/f.csv'), 'k\na\n');
    const child = spawn(process.execPath, [BINARY, 'stream', 'run', 's', '--format', 'json'], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
    });
    let told = '';
    let stopped = false;
    let out = '';
    child.stderr.on('data', (text: Buffer) => {
      told += text.toString();
      if (!stopped && told.split('bronze.s').length > 3) {
        stopped = true;
        child.kill('SIGTERM');
      }
    });
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
    });
    const status = await new Promise((done) => child.on('close', done));
    expect(status).toBe(143);
    const { rows, runs } = JSON.parse(out) as { rows: number; runs: number };
    expect(runs).toBeGreaterThanOrEqual(3);
    const [counts] = json<{ n: number; last: number }[]>([
      'query',
      'select count(*) as n, max(id) as last from bronze.s',
    ]);
    expect(counts).toEqual({ n: rows, last: rows - 1 });
    // What also reads files is made, too, although the files are no part of the stream.
    expect(json(['query', 'select k from gold.both'])).toEqual([{ k: 'a' }]);
    const [line] = json<{ batch: number; behind: number; rows_per_second: number }[]>(['stream', 'status']);
    expect(line?.batch).toBe(runs);
    expect(line?.behind).toBeGreaterThan(0);
    expect(line?.rows_per_second).toBeGreaterThan(0);
    expect(dataflow(['verify']).stdout).toContain('intact');
  });

  it('a batch is one commit; what one run may take is limited, --until-caught-up is not', () => {
    writeFileSync(join(root, 'pipelines.yaml'), PROJECT.replace('records: 1000', 'records: 20'));
    expect(dataflow(['ingest']).status).toBe(0);
    const count = 'select cast(count(*) + (select count(*) from quarantine.bronze_s) as integer) as n from bronze.s';
    expect(json(['query', count])).toEqual([{ n: 2000 }]);
    expect(dataflow(['ingest', '--until-caught-up']).status).toBe(0);
    expectWhole();
  });

  it('an undo leaves the position where it is; --redo takes the records again', () => {
    expect(dataflow(['run']).status).toBe(0);
    writeFileSync(join(root, 'pipelines.yaml'), PROJECT.replace('rows: 2500', 'rows: 3000'));
    expect(dataflow(['run']).status).toBe(0);
    expect(dataflow(['undo']).status).toBe(0);
    const count = 'select cast(count(*) as integer) as n, cast(max(id) as integer) as last from bronze.s';
    const [before] = json<{ n: number; last: number }[]>(['query', count]);
    expect(before?.last).toBeLessThan(2500);
    expect(dataflow(['run']).stdout).toContain('nothing to do');
    expect(json(['query', count])).toEqual([before]);
    expect(dataflow(['verify']).stdout).toContain('intact');
    const redone = dataflow(['run', '--redo']);
    expect(redone.stderr).toBe('');
    const [after] = json<{ n: number; last: number; ids: number }[]>([
      'query',
      'select cast(count(*) as integer) as n, cast(count(distinct id) as integer) as ids, cast(max(id) as integer) as last from bronze.s',
    ]);
    expect(after?.last).toBe(2999);
    expect(after?.n).toBe(after?.ids);
    expect(dataflow(['verify', '--rows']).stdout).toContain('intact');
  });

  it('a line of a landed unit is traced to its number in the source, and forward to the tables', () => {
    writeFileSync(join(root, 'pipelines.yaml'), PROJECT.replace('faults: 0.02, ', ''));
    expect(dataflow(['run']).status).toBe(0);
    const traced = dataflow(['trace', 's/00000002/0002-0-1400:17']);
    expect(traced.stdout).toContain('line 17: s/0 offset 1416');
    expect(traced.stdout).toContain('silver.s');
    const [row] = json<{ _file: string }[]>(['query', 'select _file from bronze.s where id = 1416']);
    expect(row?._file).toBe('s/00000002/0002-0-1400');
    const back = dataflow(['trace', 'silver.s', '--where', 'id = 1416']);
    expect(back.stdout).toMatch(/s\/00000002\/0002-0-1400 .*\n.*line 17/);
  });

  it('records that could not be read say where they were, and come home when they are mended', () => {
    expect(dataflow(['run']).status).toBe(0);
    const [bad] = json<{ quarantine_id: string; row_key: string; raw: string; reason: string }[]>([
      'query',
      "select quarantine_id, row_key, raw, reason from quarantine.bronze_s where rule = 'poison_message' order by row_key limit 1",
    ]);
    expect(bad?.row_key).toMatch(/^s\/0 offset \d+$/);
    expect(bad?.reason).toBe(`${bad?.row_key}: not JSON`);
    const id = Number(/\d+$/.exec(bad?.row_key ?? '')?.[0]);
    const there = `select cast(count(*) as integer) as n from bronze.s where id = ${id}`;
    expect(json(['query', there])).toEqual([{ n: 0 }]);
    const mend = ['--rule', 'poison_message', '--set', "raw = raw || '}'"];
    const fixed = dataflow(['quarantine', 'fix', 'bronze.s', ...mend]);
    expect(fixed.stderr).not.toContain('error[');
    expect(dataflow(['run']).status).toBe(0);
    expect(json(['query', there])).toEqual([{ n: 1 }]);
    expectWhole();
  });
});
