import type { Balance } from '../../../core/model/balance.ts';
import type { Resources, StepRecord } from '../../../core/ports/ledger.ts';
import { groupedDigits } from '../../../kit/units.ts';

/** One record that sums up the commits of a step, for the run's report; the ledger has each. Undefined when there was none. */
export function addUp(records: readonly StepRecord[]): StepRecord | undefined {
  const [first] = records;
  const last = records.at(-1);
  if (first === undefined || last === undefined || first === last) return last;
  const balances = records.flatMap((one) => one.balance ?? []);
  const resources = records.flatMap((one) => one.resources ?? []);
  const rows_in = balances.reduce((sum, one) => sum + one.rows_in, 0);
  return {
    ...last,
    reason: `${groupedDigits(rows_in)} new records in ${records.length} batches`,
    ...(first.mode === undefined ? {} : { mode: first.mode }),
    balance: summed(balances),
    resources: used(resources),
    started_at: first.started_at,
  };
}

function summed(balances: readonly Balance[]): Balance {
  const sum = (pick: (balance: Balance) => number): number => balances.reduce((total, one) => total + pick(one), 0);
  return {
    rows_in: sum((one) => one.rows_in),
    rows_out: sum((one) => one.rows_out),
    quarantined: sum((one) => one.quarantined),
    deduplicated: sum((one) => one.deduplicated),
    filtered: sum((one) => one.filtered),
  };
}

function used(resources: readonly Resources[]): Resources {
  const sum = (pick: (one: Resources) => number): number => resources.reduce((total, one) => total + pick(one), 0);
  return {
    wall_ms: sum((one) => one.wall_ms),
    cpu_ms: sum((one) => one.cpu_ms),
    peak_memory_bytes: Math.max(0, ...resources.map((one) => one.peak_memory_bytes)),
    bytes_read: sum((one) => one.bytes_read),
    bytes_written: sum((one) => one.bytes_written),
  };
}
