import { describe, expect, it } from 'vitest';
import type { StepRecord } from '../ports/ledger.ts';
import { flowOf, moneyFor, overrunsOf } from './receipt.ts';

const USED = { rows_in: 100, bytes_in: 5_000, wall_ms: 3_600_000, cpu_ms: 7_200_000, peak_memory_bytes: 2e9 };

describe('moneyFor', () => {
  it('adds CPU time, memory over time and the machine', () => {
    const price = { cpu_hour: 0.05, gb_hour: 0.01, machine_hour: 1, currency: 'EUR' };
    expect(moneyFor(price, USED)).toBeCloseTo(2 * 0.05 + 2 * 0.01 + 1, 10);
    expect(moneyFor(undefined, USED)).toBeNull();
  });
});

describe('overrunsOf', () => {
  it('names each limit that is passed; reaching one is not passing it', () => {
    const budget = {
      rows: 99,
      bytes: 5_000,
      wall_ms: 1,
      cpu_seconds: 7_199,
      memory_bytes: 1,
      on_exceed: 'fail',
    } as const;
    const limits = overrunsOf(budget, undefined, USED).map((one) => one.limit);
    expect(limits).toEqual(['rows', 'wall', 'cpu_seconds', 'memory']);
  });

  it('what is not known passes nothing', () => {
    const budget = { rows: 1, money: 0, on_exceed: 'fail' } as const;
    const unknown = { rows_in: undefined, bytes_in: 1, wall_ms: undefined, cpu_ms: 1, peak_memory_bytes: 1 };
    expect(overrunsOf(budget, { cpu_hour: 1, currency: 'EUR' }, unknown)).toEqual([]);
  });
});

describe('flowOf', () => {
  it('counts in where the run began and out everywhere', () => {
    const step = (name: string, rows_in: number, rows_out: number): StepRecord => ({
      run_id: 'r',
      step_id: name,
      step: name,
      status: 'succeeded',
      reason: '',
      inputs: {},
      tests: [],
      balance: { rows_in, rows_out, quarantined: rows_in - rows_out, deduplicated: 0, filtered: 0 },
      resources: { wall_ms: 1, cpu_ms: 1, peak_memory_bytes: 1, bytes_read: rows_in * 10, bytes_written: rows_out },
      started_at: '',
    });
    const parents: Record<string, string[]> = { 'silver.a': ['bronze.a'], 'gold.g': ['silver.a', 'silver.b'] };
    const flow = flowOf(
      [step('bronze.a', 10, 9), step('silver.a', 9, 9), step('gold.g', 12, 3)],
      (name) => parents[name] ?? [],
    );
    expect(flow).toEqual({ rows_in: 10, rows_out: 21, rows_quarantined: 10, bytes_in: 100, bytes_out: 21 });
  });
});
