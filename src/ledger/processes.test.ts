import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StepOutcome } from '../core/ports/ledger.ts';
import { Connection } from './connection.ts';
import { openLedger } from './open-ledger.ts';
import { loadSqlite } from './sqlite.ts';
import { LEDGER_FAULT_POINTS } from './sqlite-ledger.ts';

/** What the child processes do; the ledger is bundled into it, since Node 20 does not run TypeScript. */
const WORKER = `
import { openLedger } from './open-ledger.ts';
const [, , action, folder, name, count] = process.argv;
const ledger = await openLedger({ folder });
const step = (i) => ({ run_id: name, step_id: name + ':' + i, step: 'silver.' + name, status: 'succeeded', reason: '', inputs: { 'bronze.a': i },
  tests: [{ test: 't', severity: 'fail', passed: true, failures: 0, message: '' }], started_at: '', output_version: i });
const input = (i) => ({ source: name, path: 'f' + i, size_bytes: 1, mtime_ns: '1', inode: '1', sha256: 'h' + i, status: 'loaded', run_id: name, records: 1,
  rejected: 0, version: i, first_record_line: 1, multiline_records: false });
const say = (text) => process.stdout.write(text + '\\n');
if (action === 'hold') {
  ledger.startRun({ run_id: name, command: 'c', started_at: '', status: 'running', pid: process.pid, host: (await import('node:os')).hostname(), dataflow_version: '' });
  ledger.startStep({ ...step(0), status: 'running' });
  say('token ' + ledger.lock('pipeline:p', 'dataflow run --held').token);
  setInterval(() => {}, 1000);
}
if (action === 'write') {
  for (let i = 0; i < Number(count); i++) {
    ledger.finishStep({ step: step(i), inputs: [input(i)], quarantine: [{ run_id: name, table: 'silver.' + name, rule: 'r', file: 'f' + i, rows: 1 }] });
    say('done ' + i);
  }
  ledger.close();
}
if (action === 'race') {
  for (let i = 0; i < Number(count); i++) {
    try {
      const lock = ledger.lock('race', name);
      say('took ' + lock.token);
      lock.check();
      lock.release();
    } catch (error) {
      if (error.code !== 'E_LOCKED') throw error;
    }
  }
  ledger.close();
}
`;

const bench = join(tmpdir(), `dataflow-worker-${process.pid}`);
const worker = join(bench, 'worker.mjs');
beforeAll(async () => {
  mkdirSync(bench, { recursive: true });
  // The addon is found through this link; a bundle cannot hold it.
  symlinkSync(resolve('node_modules'), join(bench, 'node_modules'));
  const stdin = { contents: WORKER, resolveDir: resolve('src/ledger'), loader: 'js' as const };
  await build({
    stdin,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: worker,
    external: ['@photostructure/sqlite'],
  });
});
afterAll(() => rmSync(bench, { recursive: true, force: true }));

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataflow-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Child {
  readonly process: ChildProcess;
  readonly lines: readonly string[];
  /** Resolves with the first line, or when the child ends. */
  readonly first: Promise<unknown>;
  readonly ended: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

function start(action: string, name: string, count = 0, fault = ''): Child {
  const child = spawn(process.execPath, [worker, action, folder, name, String(count)], {
    env: { ...process.env, DATAFLOW_FAULT: fault },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let stderr = '';
  child.stderr?.on('data', (data) => {
    stderr += String(data);
  });
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  return { process: child, lines, first: Promise.race([once(reader, 'line'), ended]), ended };
}

async function check(): Promise<string> {
  const file = join(folder, 'ledger.db');
  const open = loadSqlite();
  const connection = new Connection(open(file, { readOnly: false }), file);
  try {
    return String(connection.get('pragma integrity_check')?.['integrity_check']);
  } finally {
    connection.close();
  }
}

/** What the ledger holds of a writer: steps, inputs and quarantine must go together. */
async function holdings(name: string): Promise<{ steps: number; inputs: number; quarantined: number }> {
  const ledger = await openLedger({ folder, create: false });
  try {
    const steps = ledger.steps(name);
    for (const step of steps) expect(step.tests).toHaveLength(1);
    return {
      steps: steps.length,
      inputs: ledger.inputs(name).length,
      quarantined: ledger.quarantine(`silver.${name}`).length,
    };
  } finally {
    ledger.close();
  }
}

describe('case 8: two at once', () => {
  it('a live holder in another process is named, a killed one is replaced by a higher token', async () => {
    const holder = start('hold', 'r1');
    await holder.first;
    const token = Number(holder.lines[0]?.split(' ')[1]);
    const ledger = await openLedger({ folder });
    expect(() => ledger.lock('pipeline:p', 'me')).toThrowError(
      expect.objectContaining({
        code: 'E_LOCKED',
        exit_code: 6,
        message: expect.stringMatching(
          new RegExp(`pid ${holder.process.pid} on ${hostname()} since .*: dataflow run --held`),
        ),
      }),
    );
    ledger.lock('pipeline:other', 'me').release();
    expect(ledger.closeDeadRuns()).toEqual([]);

    holder.process.kill('SIGKILL');
    await holder.ended;
    expect(ledger.lockHolders()).toMatchObject([{ state: 'dead' }]);
    const lock = ledger.lock('pipeline:p', 'me');
    expect(lock.token).toBeGreaterThan(token);
    lock.check();
    expect(ledger.closeDeadRuns()).toEqual(['r1']);
    expect(ledger.run('r1')?.status).toBe('interrupted');
    ledger.close();
  });

  it('a stopped holder counts as alive; after a takeover its lock fails at the check (fencing)', async () => {
    const holder = start('hold', 'r1');
    await holder.first;
    holder.process.kill('SIGSTOP');
    const ledger = await openLedger({ folder });
    expect(() => ledger.lock('pipeline:p', 'me')).toThrowError(expect.objectContaining({ code: 'E_LOCKED' }));
    holder.process.kill('SIGKILL');
    await holder.ended;
    const zombie = ledger.lock('pipeline:p', 'first');
    // As if this process had been taken for dead by another: the row says so.
    await rewriteHolder({ process_start: '1' });
    const successor = await openLedger({ folder });
    const lock = successor.lock('pipeline:p', 'second');
    expect(() => zombie.check()).toThrowError(expect.objectContaining({ code: 'E_LOCK_LOST', retryable: true }));
    zombie.release();
    lock.check();
    ledger.close();
    successor.close();
  });

  it('a pid that was used again does not keep the lock; a holder on another host does', async () => {
    const ledger = await openLedger({ folder });
    ledger.lock('pipeline:p', 'me');
    await rewriteHolder({ process_start: '1' });
    const lock = ledger.lock('pipeline:p', 'me');
    await rewriteHolder({ host: 'elsewhere', pid: 4_194_305 });
    expect(() => ledger.lock('pipeline:p', 'me')).toThrowError(
      expect.objectContaining({ code: 'E_LOCKED', hint: expect.stringContaining('elsewhere') }),
    );
    lock.check();
    ledger.close();
  });

  it('three processes that race for one lock never get the same token', { timeout: 60_000 }, async () => {
    const children = ['a', 'b', 'c'].map((name) => start('race', name, 100));
    for (const end of await Promise.all(children.map((child) => child.ended)))
      expect(end).toMatchObject({ code: 0, stderr: '' });
    const tokens = children.flatMap((child) => child.lines);
    // At any moment somebody can take it; how often they meet depends on the machine.
    expect(tokens.length).toBeGreaterThan(10);
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});

async function rewriteHolder(change: {
  readonly process_start?: string;
  readonly host?: string;
  readonly pid?: number;
}): Promise<void> {
  const file = join(folder, 'ledger.db');
  const open = loadSqlite();
  const connection = new Connection(open(file, { readOnly: false }), file);
  for (const [column, value] of Object.entries(change))
    connection.run(`update locks set ${column} = ? where scope = 'pipeline:p'`, value);
  connection.close();
}

describe('case 12: many processes', () => {
  it('three writers: every transaction is there, once', { timeout: 60_000 }, async () => {
    const children = ['a', 'b', 'c'].map((name) => start('write', name, 200));
    for (const end of await Promise.all(children.map((child) => child.ended)))
      expect(end).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['a', 'b', 'c'])
      expect(await holdings(name)).toEqual({ steps: 200, inputs: 200, quarantined: 200 });
    expect(await check()).toBe('ok');
  });

  it('readers beside a writer see whole transactions and are never refused', { timeout: 60_000 }, async () => {
    const writer = start('write', 'w', 300);
    await writer.first;
    const reader = await openLedger({ folder, read_only: true });
    let reads = 0;
    let seen = 0;
    let ended = false;
    void writer.ended.then(() => {
      ended = true;
    });
    while (!ended) {
      const other = await openLedger({ folder, read_only: true });
      const before = other.inputs('w').length;
      const steps = reader.steps('w').length;
      const after = other.inputs('w').length;
      expect(before <= steps && steps <= after).toBe(true);
      expect(steps).toBeGreaterThanOrEqual(seen);
      seen = steps;
      other.close();
      reads += 1;
      await new Promise((done) => setTimeout(done, 5));
    }
    expect(reads).toBeGreaterThan(3);
    expect(reader.steps('w')).toHaveLength(300);
    reader.close();
  });

  it('kill -9 at any moment: what was acknowledged is there, nothing is half there', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 8; round++) {
      const name = `k${round}`;
      const writer = start('write', name, 100_000);
      await writer.first;
      await new Promise((done) => setTimeout(done, 15 * round));
      writer.process.kill('SIGKILL');
      await writer.ended;
      const acknowledged = writer.lines.length;
      const found = await holdings(name);
      expect(found.inputs).toBe(found.steps);
      expect(found.quarantined).toBe(found.steps);
      expect(found.steps).toBeGreaterThanOrEqual(acknowledged);
      expect(found.steps).toBeLessThanOrEqual(acknowledged + 1);
      expect(await check()).toBe('ok');
    }
  });

  it.each(LEDGER_FAULT_POINTS)('kill at %s: the step is whole or absent, and can be entered again', async (point) => {
    const writer = start('write', 'f', 5, `${point}:kill@3`);
    expect(await writer.ended).toMatchObject({ signal: 'SIGKILL' });
    const expected = point === 'after-ledger-write' ? 3 : 2;
    expect(await holdings('f')).toEqual({ steps: expected, inputs: expected, quarantined: expected });
    const again = start('write', 'f', 5);
    expect(await again.ended).toMatchObject({ code: 0, stderr: '' });
    expect(await holdings('f')).toEqual({ steps: 5, inputs: 5, quarantined: 5 });
  });

  it('an injected write error leaves the transaction out and is an error of the catalogue', async () => {
    const writer = start('write', 'e', 5, 'during-ledger-write:error@3');
    const end = await writer.ended;
    expect(end.code).not.toBe(0);
    expect(end.stderr).toContain('E_LAKE_IO');
    expect(await holdings('e')).toEqual({ steps: 2, inputs: 2, quarantined: 2 });
  });

  it('a process killed while it makes a new ledger leaves none, and its remains are collected', {
    timeout: 60_000,
  }, async () => {
    for (let delay = 20; delay <= 60; delay += 5) {
      const child = start('write', 'm', 1);
      await new Promise((done) => setTimeout(done, delay));
      child.process.kill('SIGKILL');
      await child.ended;
      const ledger = await openLedger({ folder });
      ledger.finishStep({ step: ONE_STEP });
      ledger.close();
      expect(await check()).toBe('ok');
      expect(readdirSync(folder).filter((entry) => entry.includes('.new-'))).toEqual([]);
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const ONE_STEP: StepOutcome['step'] = {
  run_id: 'r',
  step_id: 's',
  step: 'silver.x',
  status: 'succeeded',
  reason: '',
  inputs: {},
  tests: [],
  started_at: '',
};
