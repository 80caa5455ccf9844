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

/** What was decided about rejected rows, and how many of them were rejected again. The rows are in the lake. */
const DECISIONS = `
create table quarantine_decisions (
  table_name text not null,
  decision integer not null,
  action text not null check (action in ('fix', 'replay', 'discard')),
  why text,
  decided_by text not null,
  decided_at text not null,
  run_id text not null,
  applied_run_id text,
  primary key (table_name, decision)
) strict, without rowid;

create table quarantine_decided (
  table_name text not null,
  decision integer not null,
  file text not null,
  rule text not null,
  quarantine_run_id text not null,
  rows integer not null,
  returned integer not null default 0,
  primary key (table_name, decision, file, rule, quarantine_run_id),
  foreign key (table_name, decision) references quarantine_decisions (table_name, decision) on delete cascade
) strict, without rowid;
`;

/** Undos, what they hold back, and releases that are pinned. */
const UNDOS = `
create table undos (
  seq integer primary key,
  run_id text not null unique,
  since_run text not null,
  tables text not null,
  finished integer not null check (finished in (0, 1)),
  plan text
) strict;

create table holds (
  step_id text primary key references steps (step_id) on delete cascade,
  run_id text not null,
  code_fingerprint text,
  inputs text not null,
  emptied integer not null check (emptied in (0, 1))
) strict, without rowid;

create table undone_inputs (
  source text not null,
  path text not null,
  sha256 text not null,
  size_bytes integer not null,
  mtime_ns text not null,
  inode text not null,
  run_id text not null,
  undone_by text not null,
  primary key (source, path, sha256)
) strict, without rowid;

create table dialect_history (
  seq integer primary key,
  source text not null,
  delimiter text not null,
  quote_char text not null,
  escape_char text not null,
  has_header integer not null check (has_header in (0, 1)),
  skip_lines integer not null,
  run_id text not null
) strict;
insert into dialect_history (source, delimiter, quote_char, escape_char, has_header, skip_lines, run_id)
  select source, delimiter, quote_char, escape_char, has_header, skip_lines, run_id from dialects;

create table release_keeps (
  release_id text primary key
) strict, without rowid;
`;

/** Recomputations of a part of a table, and their windows that are published: a backfill that was stopped goes on after them. */
const BACKFILLS = `
create table backfills (
  seq integer primary key,
  backfill_id text not null unique,
  step text not null,
  column_name text not null,
  from_value text not null,
  to_value text not null,
  window_size text not null,
  windows integer not null,
  code_fingerprint text not null,
  inputs text not null
) strict;
create index backfills_by_step on backfills (step, seq);
create table backfill_windows (
  backfill_id text not null references backfills (backfill_id) on delete cascade,
  position integer not null,
  version integer not null,
  step_id text not null,
  primary key (backfill_id, position)
) strict, without rowid;
`;

/** How the columns of sources changed; `affected` and `named_in` are JSON lists of tables. */
const DRIFT = `
create table drift_events (
  seq integer primary key,
  source text not null,
  run_id text not null,
  step_id text not null,
  what text not null,
  column_name text,
  from_value text,
  to_value text,
  action text not null,
  file text not null,
  files integer not null,
  rows integer not null,
  affected text not null,
  named_in text not null,
  recorded_at text not null
) strict;
create index drift_of_source on drift_events (source, seq);
create index drift_of_step on drift_events (step_id);
`;

/** Units whose rows left the table because they were gone: a state that the first format forbids, so its two tables are made anew. */
const REMOVED_INPUTS = `
create table input_history_2 (
  seq integer primary key,
  source text not null,
  path text not null,
  size_bytes integer not null,
  sha256 text not null,
  status text not null check (status in ('loaded', 'duplicate', 'quarantined', 'removed')),
  run_id text not null,
  records integer not null,
  rejected integer not null,
  version integer,
  same_as text,
  reason text,
  first_record_line integer not null,
  multiline_records integer not null check (multiline_records in (0, 1))
) strict;
insert into input_history_2 select * from input_history;
create table inputs_2 (
  source text not null,
  path text not null,
  size_bytes integer not null,
  mtime_ns text not null,
  inode text not null,
  sha256 text not null,
  status text not null check (status in ('loaded', 'duplicate', 'quarantined', 'removed')),
  history_seq integer not null references input_history_2 (seq),
  primary key (source, path)
) strict, without rowid;
insert into inputs_2 select * from inputs;
drop table inputs;
drop table input_history;
alter table input_history_2 rename to input_history;
alter table inputs_2 rename to inputs;
create index inputs_by_content on inputs (source, sha256) where status = 'loaded';
create index input_removals on input_history (source, path, seq) where status = 'removed';
`;

/** The second format: everything that explains, replays, undoes and proves. */
export const explainMigration: Migration = {
  version: 2,
  sql: [DEFINITIONS, RUN_OPTIONS, BACKFILLS, RECEIPTS, DECISIONS, UNDOS, DRIFT, REMOVED_INPUTS].join('\n'),
};
