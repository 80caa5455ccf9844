import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InputRecord, QuarantineCount, StepOutcome, StepRecord } from '../ports/ledger.ts';
import { isStepNote, noteFor, outcomeFrom, releaseFrom } from './step-note.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 });
const count = fc.nat();
const time = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString());
const measured = fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map(Math.abs);
const table = fc.constantFrom('bronze.achats', 'silver.achats', 'gold.par_jour');

const step: fc.Arbitrary<StepRecord> = fc.record(
  {
    run_id: text,
    step_id: text,
    step: table,
    status: fc.constantFrom('succeeded', 'failed', 'skipped', 'up_to_date', 'running'),
    reason: text,
    mode: fc.constantFrom('full', 'incremental'),
    code_fingerprint: text,
    inputs: fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'constructor')), count),
    balance: fc.record({
      rows_in: count,
      rows_out: fc.integer(),
      quarantined: count,
      deduplicated: count,
      filtered: count,
    }),
    tests: fc.array(
      fc.record({
        test: text,
        severity: fc.constantFrom('fail', 'warn'),
        passed: fc.boolean(),
        failures: count,
        message: text,
      }),
      { maxLength: 3 },
    ),
    resources: fc.record({
      wall_ms: measured,
      cpu_ms: measured,
      peak_memory_bytes: count,
      bytes_read: count,
      bytes_written: count,
    }),
    error: fc.record({ code: text, message: text, hint: text }, { requiredKeys: ['code', 'message'] }),
    started_at: time,
    finished_at: time,
  },
  { requiredKeys: ['run_id', 'step_id', 'step', 'status', 'reason', 'inputs', 'tests', 'started_at'] },
);

const input: fc.Arbitrary<InputRecord> = fc.record(
  {
    source: fc.constantFrom('achats', 'clients'),
    path: text,
    size_bytes: count,
    mtime_ns: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String),
    inode: fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String),
    sha256: text,
    status: fc.constantFrom('loaded', 'duplicate', 'quarantined', 'removed'),
    run_id: text,
    records: count,
    rejected: count,
    version: count,
    same_as: text,
    reason: text,
    first_record_line: count,
    multiline_records: fc.boolean(),
  },
  {
    requiredKeys: [
      'source',
      'path',
      'size_bytes',
      'mtime_ns',
      'inode',
      'sha256',
      'status',
      'run_id',
      'records',
      'rejected',
      'first_record_line',
      'multiline_records',
    ],
  },
);

const quarantined: fc.Arbitrary<QuarantineCount> = fc.record({
  run_id: text,
  table,
  rule: text,
  file: text,
  rows: count,
});

const outcome: fc.Arbitrary<StepOutcome> = fc.record(
  {
    step,
    inputs: fc.array(input, { maxLength: 4 }),
    quarantine: fc.array(quarantined, { maxLength: 4 }),
    replaces_quarantine: fc.boolean(),
    dialect: fc.record({
      source: text,
      dialect: fc.record({ delimiter: text, quote: text, escape: text, has_header: fc.boolean(), skip_lines: count }),
    }),
  },
  { requiredKeys: ['step'] },
);

/** What the commit adds to what the step knew before it. */
function published(before: StepOutcome, version: number, at: string): StepOutcome {
  return {
    ...before,
    step: { ...before.step, output_version: version, finished_at: before.step.finished_at ?? at },
    ...(before.inputs === undefined
      ? {}
      : { inputs: before.inputs.map((one) => (one.status === 'loaded' ? { version, ...one } : one)) }),
  };
}

const NOTE = noteFor({
  step: {
    run_id: 'r1',
    step_id: 's1',
    step: 'bronze.achats',
    status: 'succeeded',
    reason: 'looks for new input',
    inputs: { achats: 1 },
    tests: [],
    started_at: '2026-11-21T06:30:00.000Z',
  },
  inputs: [
    {
      source: 'achats',
      path: 'in/a.csv',
      size_bytes: 10,
      mtime_ns: '1',
      inode: '2',
      sha256: 'ab',
      status: 'loaded',
      run_id: 'r1',
      records: 3,
      rejected: 0,
      first_record_line: 2,
      multiline_records: false,
    },
  ],
});

describe('commit notes', () => {
  it('lose nothing on the way through a log entry', () => {
    fc.assert(
      fc.property(outcome, count, fc.nat({ max: 4e12 }), (before, version, committed_at_ms) => {
        const stored = JSON.parse(JSON.stringify(noteFor(before))) as ReturnType<typeof noteFor>;
        expect(outcomeFrom(stored, version, committed_at_ms)).toEqual(
          published(before, version, new Date(committed_at_ms).toISOString()),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('do not repeat the run and the source for every file', () => {
    expect(NOTE['input_files']).toEqual([expect.not.objectContaining({ run_id: 'r1', source: 'achats' })]);
    expect(NOTE).toMatchObject({ format: 1, kind: 'step' });
  });

  it('carry a release when there is one', () => {
    const release = {
      release_id: 'x1',
      run_id: 'r1',
      created_at: '2026-11-21T06:30:00.000Z',
      tables: { 'bronze.achats': 3 },
    };
    expect(releaseFrom(noteFor(outcomeFrom(NOTE, 3, 0), release))).toEqual(release);
    expect(releaseFrom(NOTE)).toBeUndefined();
  });

  it('of another kind are told apart, and give what little they have', () => {
    const note = { run_id: 'r1', step_id: 's1', step: 'silver.achats' };
    expect(isStepNote(note)).toBe(false);
    expect(isStepNote(NOTE)).toBe(true);
    expect(outcomeFrom(note, 4, 0)).toMatchObject({ step: { status: 'succeeded', inputs: {}, output_version: 4 } });
  });

  it('of a newer format are refused', () => {
    expect(() => outcomeFrom({ ...NOTE, format: 2 }, 3, 0)).toThrowError(
      expect.objectContaining({ code: 'E_LEDGER_NEWER' }),
    );
  });

  it.each([
    ['input_files', { 0: 'x' }, 'input_files should be a list'],
    [
      'input_files',
      [{ path: 1 }],
      'input_files[0].status should be loaded | duplicate | quarantined | removed, found nothing',
    ],
    ['balance', { rows_in: '3' }, 'balance.rows_in should be a whole number, found "3"'],
    ['tests', [null], 'tests[0] should be an object, found null'],
    ['inputs', { 'silver.x': 1.5 }, 'inputs.silver.x should be a whole number, found 1.5'],
    ['status', 'done', 'status should be running'],
  ])('with a damaged field name it: %s = %j', (name, value, message) => {
    expect(() => outcomeFrom({ ...NOTE, [name]: value }, 3, 0)).toThrowError(
      expect.objectContaining({ code: 'E_LAKE_CORRUPT', message: expect.stringContaining(message) }),
    );
  });
});
