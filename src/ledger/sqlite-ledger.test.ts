import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InputRecord, Ledger, QuarantineCount, RunRecord, StepRecord } from '../core/ports/ledger.ts';
import { livenessOf, thisProcess } from '../kit/process-identity.ts';
import { openLedger } from './open-ledger.ts';

let folder = '';
let ledger: Ledger;
let clock_ms = Date.parse('2026-11-21T06:30:00.000Z');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataflow-'));
  clock_ms = Date.parse('2026-11-21T06:30:00.000Z');
  ledger = await openLedger({ folder, now: () => clock_ms });
});
afterEach(async () => {
  ledger.close();
  await rm(folder, { recursive: true, force: true });
});

const RUN: RunRecord = {
  run_id: 'r1',
  command: 'dataflow run',
  started_at: '2026-11-21T06:30:00.000Z',
  status: 'running',
  pid: process.pid,
  host: hostname(),
  dataflow_version: '0.1.0',
};

function step(step_id: string, more: Partial<StepRecord> = {}): StepRecord {
  return {
    run_id: 'r1',
    step_id,
    step: 'silver.achats',
    status: 'succeeded',
    reason: 'never built',
    inputs: {},
    tests: [],
    started_at: '2026-11-21T06:30:00.000Z',
    ...more,
  };
}

function input(path: string, sha256: string, more: Partial<InputRecord> = {}): InputRecord {
  return {
    source: 'achats',
    path,
    size_bytes: 10,
    mtime_ns: '1763709386123456789',
    inode: '18446744073709551615',
    sha256,
    status: 'loaded',
    run_id: 'r1',
    records: 5,
    rejected: 0,
    version: 0,
    first_record_line: 2,
    multiline_records: false,
    ...more,
  };
}

const put = (file: string, rule: string, rows: number, more: Partial<QuarantineCount> = {}): QuarantineCount => ({
  run_id: 'r1',
  table: 'silver.achats',
  rule,
  file,
  rows,
  ...more,
});

describe('runs', () => {
  it('are kept as they are, newest first, and end once', () => {
    ledger.startRun(RUN);
    ledger.startRun({ ...RUN, run_id: 'r0' });
    clock_ms += 5_000;
    ledger.finishRun('r1', 'failed', { code: 'E_SQL', message: 'wrong', hint: 'mend it' });
    expect(ledger.runs(10).map((run) => run.run_id)).toEqual(['r0', 'r1']);
    expect(ledger.runs(1)).toHaveLength(1);
    expect(ledger.run('r1')).toEqual({
      ...RUN,
      status: 'failed',
      finished_at: '2026-11-21T06:30:05.000Z',
      error: { code: 'E_SQL', message: 'wrong', hint: 'mend it' },
    });
    expect(ledger.run('nope')).toBeUndefined();
  });

  it('of this process are not taken for dead, nor those of another host', () => {
    ledger.startRun(RUN);
    ledger.startRun({ ...RUN, run_id: 'r2', pid: 4_194_305, host: 'elsewhere' });
    expect(ledger.closeDeadRuns()).toEqual([]);
  });

  it('of a process that is gone are interrupted, and their open steps with them', () => {
    ledger.startRun({ ...RUN, pid: 4_194_305 });
    ledger.startStep(step('s1', { status: 'running' }));
    expect(ledger.closeDeadRuns()).toEqual(['r1']);
    expect(ledger.run('r1')).toMatchObject({ status: 'interrupted', error: { code: 'E_INTERRUPTED' } });
    expect(ledger.steps('r1')).toMatchObject([{ step_id: 's1', status: 'skipped', error: { code: 'E_INTERRUPTED' } }]);
    expect(ledger.closeDeadRuns()).toEqual([]);
  });
});

describe('steps', () => {
  const full = step('s1', {
    mode: 'incremental',
    code_fingerprint: 'abc',
    inputs: { 'bronze.achats': 3, 'silver.clients': 0 },
    output_version: 7,
    balance: { rows_in: 10, rows_out: 6, quarantined: 2, deduplicated: 1, filtered: 1 },
    tests: [
      { test: 'b', severity: 'warn', passed: false, failures: 2, message: "l'an" },
      { test: 'a', severity: 'fail', passed: true, failures: 0, message: '' },
    ],
    resources: { wall_ms: 1.5, cpu_ms: 2, peak_memory_bytes: 2 ** 40, bytes_read: 1, bytes_written: 0 },
    error: { code: 'E_X', message: 'm' },
    finished_at: '2026-11-21T06:31:00.000Z',
  });

  it('come back as they went in', () => {
    ledger.startStep(step('s1', { status: 'running' }));
    ledger.finishStep({ step: full });
    expect(ledger.steps('r1')).toEqual([full]);
    expect(ledger.lastSuccess('silver.achats')).toEqual(full);
  });

  it('are answered by order of writing, whatever the clocks said', () => {
    ledger.finishStep({ step: step('s1', { output_version: 1, started_at: '2030-01-01T00:00:00.000Z' }) });
    ledger.finishStep({ step: step('s2', { output_version: 2, started_at: '2020-01-01T00:00:00.000Z' }) });
    ledger.finishStep({ step: step('s3', { status: 'failed' }) });
    ledger.startStep(step('s4', { status: 'running' }));
    ledger.finishStep({ step: step('s5', { step: 'gold.kpi', status: 'skipped' }) });
    ledger.startStep(step('s6', { step: 'gold.never_ended', status: 'running' }));
    expect(ledger.lastSuccess('silver.achats')?.step_id).toBe('s2');
    expect(ledger.latestSteps().map((one) => one.step_id)).toEqual(['s5', 's3']);
    expect(ledger.lastSuccess('gold.kpi')).toBeUndefined();
  });

  it('are held against a log without those that it cannot tell of', () => {
    const resources = { wall_ms: 1, cpu_ms: 1, peak_memory_bytes: 1, bytes_read: 1, bytes_written: 1 };
    const balance = { rows_in: 3, rows_out: 2, quarantined: 1, deduplicated: 0, filtered: 0 };
    const put = (step_id: string, more: Partial<StepRecord>): void =>
      ledger.finishStep({ step: step(step_id, { balance, ...more }) });
    put('collected', { output_version: 3, resources });
    put('astray', { output_version: 2, resources, balance: { ...balance, filtered: 1 } });
    put('named', { status: 'failed' });
    put('published', { output_version: 5, resources });
    put('nothing-affected', { output_version: 5 });
    put('beyond', { output_version: 8 });
    put('idle', { status: 'up_to_date', output_version: 6 });
    put('of-another-table', { step: 'silver.clients', output_version: 5, resources });
    put('named-by-mistake', { step: 'silver.clients', output_version: 6, resources });
    const log = { step_ids: ['published', 'named', 'named-by-mistake', 'not-known'], from: 4, to: 7 };
    const found = ledger.pages.provable('silver.achats', log).map(({ step_id }) => step_id);
    expect(found).toEqual(['astray', 'named', 'published', 'beyond', 'named-by-mistake']);
  });

  it('entered again from the lake replace their own record and become the newest', () => {
    ledger.startStep(step('s1', { status: 'running' }));
    ledger.finishStep({ step: step('s0', { output_version: 4 }) });
    ledger.finishStep({ step: step('s1', { output_version: 5 }) });
    ledger.finishStep({ step: step('s1', { output_version: 5 }) });
    expect(ledger.steps('r1').map((one) => one.step_id)).toEqual(['s0', 's1']);
    expect(ledger.lastSuccess('silver.achats')?.output_version).toBe(5);
  });
});

describe('inputs', () => {
  it('are known by path and by content', () => {
    const records = [
      input('b.csv', 'bb', { multiline_records: true, rejected: 2 }),
      input('a.csv', 'aa'),
      input('c.csv', 'aa', { status: 'duplicate', same_as: 'a.csv', reason: 'same content' }),
      input('d.csv', '', { status: 'quarantined', reason: 'empty' }),
    ];
    ledger.finishStep({ step: step('s1', { step: 'bronze.achats' }), inputs: records });
    const sorted = [...records].sort((a, b) => (a.path < b.path ? -1 : 1));
    expect(ledger.inputs('achats')).toEqual(sorted);
    expect(ledger.inputs()).toEqual(sorted);
    expect(ledger.inputs('clients')).toEqual([]);
    expect(ledger.inputByHash('achats', 'aa')).toEqual(input('a.csv', 'aa'));
    expect(ledger.inputByHash('clients', 'aa')).toBeUndefined();
    expect(ledger.inputByHash('achats', '')).toBeUndefined();
    expect([...ledger.knownInputs('achats')].map(([path, known]) => [path, known.status, known.inode])).toEqual([
      ['a.csv', 'loaded', '18446744073709551615'],
      ['b.csv', 'loaded', '18446744073709551615'],
      ['c.csv', 'duplicate', '18446744073709551615'],
      ['d.csv', 'quarantined', '18446744073709551615'],
    ]);
  });

  it('that were only touched keep what was recorded when they were loaded', () => {
    ledger.finishStep({
      step: step('s1', { step: 'bronze.achats' }),
      inputs: [input('a.csv', 'aa', { version: 3, rejected: 2 })],
      quarantine: [put('a.csv', 'unreadable_record', 2, { table: 'bronze.achats' })],
    });
    ledger.finishStep({
      step: step('s2', { step: 'bronze.achats' }),
      inputs: [input('a.csv', 'aa', { run_id: 'r2', version: 9, mtime_ns: '2' })],
    });
    expect(ledger.inputs('achats')).toEqual([input('a.csv', 'aa', { version: 3, rejected: 2, mtime_ns: '2' })]);
    expect(ledger.quarantine('bronze.achats')).toHaveLength(1);
  });

  it('with new content replace what was known, also what was put aside of them', () => {
    const bronze = { table: 'bronze.achats' };
    ledger.finishStep({
      step: step('s1', { step: 'bronze.achats' }),
      inputs: [input('a.csv', 'aa'), input('b.csv', 'bb')],
      quarantine: [put('a.csv', 'unreadable_record', 2, bronze), put('b.csv', 'unreadable_record', 1, bronze)],
    });
    ledger.finishStep({
      step: step('s2', { step: 'bronze.achats' }),
      inputs: [input('a.csv', 'a2', { version: 1 })],
      quarantine: [put('a.csv', 'unreadable_record', 7, bronze)],
    });
    expect(ledger.inputByHash('achats', 'aa')).toBeUndefined();
    expect(ledger.inputByHash('achats', 'a2')?.version).toBe(1);
    expect(ledger.quarantine('bronze.achats').map((one) => [one.file, one.rows])).toEqual([
      ['a.csv', 7],
      ['b.csv', 1],
    ]);
  });

  it('any path is a key of its own', () => {
    const path = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'));
    let n = 0;
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 20 }), (paths) => {
        const source = `s${n++}`;
        const inputs = paths.map((one) => input(one, one, { source }));
        ledger.finishStep({ step: step(`p${n}`, { step: `bronze.${source}` }), inputs });
        expect([...ledger.knownInputs(source).keys()].sort()).toEqual([...paths].sort());
        const lines = [...ledger.knownInputs(source).values()]
          .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
          .map((one) => `${one.path}\t${one.size_bytes}\t${one.mtime_ns}\t${one.inode}\n`);
        const pages = ledger.inputStamps(source);
        expect(pages).toEqual(paths.length === 0 ? [] : [{ lines: paths.length, text: lines.join('') }]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('quarantine', () => {
  it('adds up over runs until a step computes its table anew', () => {
    ledger.finishStep({ step: step('s1'), quarantine: [put('a', 'not_null', 2), put('a', 'between', 1)] });
    ledger.finishStep({ step: step('s2', { run_id: 'r2' }), quarantine: [put('a', 'not_null', 3, { run_id: 'r2' })] });
    ledger.finishStep({
      step: step('s3', { step: 'silver.x' }),
      quarantine: [put('a', 'r', 1, { table: 'silver.x' })],
    });
    expect(ledger.quarantine('silver.achats')).toEqual([
      put('a', 'between', 1),
      put('a', 'not_null', 2),
      put('a', 'not_null', 3, { run_id: 'r2' }),
    ]);
    ledger.finishStep({ step: step('s4'), quarantine: [put('b', 'not_null', 5)], replaces_quarantine: true });
    expect(ledger.quarantine().map((one) => [one.table, one.file, one.rows])).toEqual([
      ['silver.achats', 'b', 5],
      ['silver.x', 'a', 1],
    ]);
  });

  it('is not counted twice when a step is entered again', () => {
    const outcome = { step: step('s1'), quarantine: [put('a', 'not_null', 2), put('a', 'not_null', 1)] };
    ledger.finishStep(outcome);
    ledger.finishStep(outcome);
    expect(ledger.quarantine()).toEqual([put('a', 'not_null', 3)]);
  });

  it('keeps runs apart whose rows one step put aside again, so that a discard finds them', () => {
    const again = [put('a', 'not_null', 2), put('a', 'not_null', 3, { run_id: 'r2' })];
    ledger.finishStep({ step: step('s3', { run_id: 'r3' }), quarantine: again, replaces_quarantine: true });
    expect(ledger.quarantine()).toEqual(again);
    ledger.recordDecision({
      table: 'silver.achats',
      decision: 0,
      action: 'discard',
      decided_by: 'ana',
      decided_at: '2026-01-01T00:00:00.000Z',
      run_id: 'r4',
      groups: [{ file: 'a', rule: 'not_null', quarantine_run_id: 'r2', rows: 3 }],
    });
    expect(ledger.quarantine()).toEqual([put('a', 'not_null', 2)]);
  });
});

describe('dialects and releases', () => {
  it('keep the newest dialect of a source', () => {
    const dialect = { delimiter: ';', quote: '"', escape: '"', has_header: true, skip_lines: 2 };
    expect(ledger.dialect('achats')).toBeUndefined();
    ledger.finishStep({ step: step('s1'), dialect: { source: 'achats', dialect: { ...dialect, delimiter: ',' } } });
    ledger.finishStep({ step: step('s2'), dialect: { source: 'achats', dialect } });
    expect(ledger.dialect('achats')).toEqual(dialect);
  });

  it('keep releases in the order in which they were recorded', () => {
    const release = (release_id: string, version: number) => ({
      release_id,
      run_id: 'r1',
      created_at: '2026-11-21T06:30:00.000Z',
      tables: { 'silver.achats': version, 'gold.kpi': 1 },
    });
    expect(ledger.latestRelease()).toBeUndefined();
    ledger.recordRelease(release('z', 1));
    ledger.recordRelease(release('a', 2));
    ledger.recordRelease(release('z', 1));
    expect(ledger.latestRelease()).toEqual(release('a', 2));
    expect(ledger.releases(5)).toEqual([release('a', 2), release('z', 1)]);
  });
});

describe('case 8 and 9: locks within one process', () => {
  it('refuse a second holder of the same scope and not of another', () => {
    const lock = ledger.lock('pipeline:a', 'dataflow run');
    expect(() => ledger.lock('pipeline:a', 'dataflow run')).toThrowError(
      expect.objectContaining({
        code: 'E_LOCKED',
        message: expect.stringContaining(`pid ${process.pid} on ${hostname()} since 2026-11-21T06:30:00.000Z`),
      }),
    );
    ledger.lock('pipeline:b', 'dataflow run').release();
    expect(ledger.lockHolders()).toEqual([
      {
        scope: 'pipeline:a',
        pid: process.pid,
        host: hostname(),
        since: '2026-11-21T06:30:00.000Z',
        command: 'dataflow run',
        state: 'alive',
      },
    ]);
    lock.check();
    lock.release();
    expect(() => lock.check()).toThrowError(expect.objectContaining({ code: 'E_LOCK_LOST' }));
    expect(ledger.lockHolders()).toEqual([]);
  });

  it('give tokens that only grow, also when the clock goes back', () => {
    const first = ledger.lock('x', 'a');
    first.release();
    clock_ms -= 3_600_000;
    const second = ledger.lock('x', 'b');
    second.release();
    const third = ledger.lock('x', 'c');
    expect([second.token > first.token, third.token > second.token]).toEqual([true, true]);
    first.release();
    third.check();
  });

  it('are lost when another file takes the place of the ledger', async () => {
    const lock = ledger.lock('x', 'a');
    await rm(join(folder, 'ledger.db'));
    expect(() => lock.check()).toThrowError(expect.objectContaining({ code: 'E_LOCK_LOST' }));
    lock.release();
  });
});

describe.skipIf(process.platform !== 'linux')('case 9: whether a process still runs', () => {
  const here = thisProcess();
  it.each([
    ['this one', {}, 'alive'],
    ['the same pid, started at another time', { process_start: '1' }, 'dead'],
    ['before the last boot', { boot_id: 'another' }, 'dead'],
    ['no such pid', { pid: 4_194_305 }, 'dead'],
    ['another host', { host: 'elsewhere', pid: 4_194_305 }, 'unknown'],
    ['another container of this host', { pid_namespace: 'pid:[1]', pid: 4_194_305 }, 'unknown'],
    ['recorded without detail', { boot_id: null, process_start: null, pid_namespace: null }, 'alive'],
    ['nonsense instead of a pid', { pid: 0 }, 'dead'],
  ] as const)('%s', (_, change, expected) => {
    expect(livenessOf({ ...here, ...change })).toBe(expected);
  });
});

describe('many inputs', () => {
  it('records 10,000 at once, and finds each by its bytes', { timeout: 30_000 }, () => {
    const inputs = Array.from({ length: 10_000 }, (_, i) =>
      input(`data/in/2026/achats-${i}.csv`, `${i}`.padStart(64, 'a')),
    );
    ledger.finishStep({ step: step('s1', { step: 'bronze.achats' }), inputs });
    expect(ledger.knownInputs('achats').size).toBe(10_000);
    const size_bytes = inputs.reduce((sum, one) => sum + one.size_bytes, 0);
    expect(ledger.inputTotals('achats')).toEqual({
      records: inputs.reduce((sum, one) => sum + one.records, 0),
      size_bytes,
    });
    expect(ledger.inputTotals('clients')).toEqual({ records: 0, size_bytes: 0 });
    const refused = { ...input('data/in/bad.csv', 'f'.repeat(64)), status: 'quarantined' as const, run_id: 'r9' };
    ledger.finishStep({ step: step('s2', { step: 'bronze.achats' }), inputs: [refused] });
    expect([ledger.refusedInputs('r9'), ledger.refusedInputs('r1')]).toEqual([1, 0]);
    for (const one of inputs) expect(ledger.inputByHash('achats', one.sha256)?.path).toBe(one.path);
  });
});
