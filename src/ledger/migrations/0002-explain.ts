import type { Migration } from '../migration.ts';

/** What a definition was when a step ran under it: `why` shows the difference between two of them. Kept once per fingerprint. */
const DEFINITIONS = `
create table definitions (
  code_fingerprint text not null,
  step text not null,
  definition text not null,
  run_id text not null,
  primary key (step, code_fingerprint)
) strict, without rowid;
`;

/** How a run was asked for, as JSON: `retry` starts from it. */
const RUN_OPTIONS = `
alter table runs add column options text;
`;

/** What each run took and used, as it printed it; `retried_steps` and `over_budget` are JSON lists. */
const RECEIPTS = `
create table receipts (
  seq integer primary key,
  run_id text not null unique,
  rows_in integer not null,
  rows_out integer not null,
  rows_quarantined integer not null,
  bytes_in integer not null,
  bytes_out integer not null,
  wall_ms real not null,
  cpu_ms real not null,
  peak_memory_bytes integer not null,
  reader_peak_memory_bytes integer not null,
  rows_per_second real,
  money real,
  currency text,
  memory_limit_bytes integer not null,
  threads integer not null,
  retried_steps text not null,
  over_budget text not null
) strict;
`;

/** The second format: everything that explains, replays, undoes and proves. */
export const explainMigration: Migration = {
  version: 2,
  sql: [DEFINITIONS, RUN_OPTIONS, RECEIPTS].join('\n'),
};
