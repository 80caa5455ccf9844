import type { Migration } from '../migration.ts';

/**
 * The first format. Order is kept by `seq`, never by a clock. Names of tables and columns are an interface: users query them.
 * `inputs` is narrow because a run with nothing to do reads all of it; the rest of an input's record is in its newest history row.
 */
export const firstMigration: Migration = {
  version: 1,
  sql: `
create table runs (
  seq integer primary key,
  run_id text not null unique,
  command text not null,
  started_at text not null,
  finished_at text,
  status text not null check (status in ('running', 'succeeded', 'failed', 'partial', 'interrupted')),
  pid integer not null,
  host text not null,
  dataflow_version text not null,
  error_code text,
  error_message text,
  error_hint text,
  boot_id text,
  process_start text,
  pid_namespace text
) strict;
create index runs_running on runs (seq) where status = 'running';

create table steps (
  seq integer primary key,
  step_id text not null unique,
  run_id text not null,
  step text not null,
  status text not null check (status in ('running', 'succeeded', 'failed', 'skipped', 'up_to_date')),
  reason text not null,
  mode text check (mode in ('full', 'incremental')),
  code_fingerprint text,
  output_version integer,
  rows_in integer,
  rows_out integer,
  quarantined integer,
  deduplicated integer,
  filtered integer,
  wall_ms real,
  cpu_ms real,
  peak_memory_bytes integer,
  bytes_read integer,
  bytes_written integer,
  error_code text,
  error_message text,
  error_hint text,
  started_at text not null,
  finished_at text
) strict;
create index steps_by_run on steps (run_id, seq);
create index steps_by_step on steps (step, seq);
create index steps_by_status on steps (step, status, seq);

create table step_inputs (
  step_id text not null references steps (step_id) on delete cascade,
  input text not null,
  version integer not null,
  primary key (step_id, input)
) strict, without rowid;

create table step_tests (
  step_id text not null references steps (step_id) on delete cascade,
  position integer not null,
  test text not null,
  severity text not null check (severity in ('fail', 'warn')),
  passed integer not null check (passed in (0, 1)),
  failures integer not null,
  message text not null,
  primary key (step_id, position)
) strict, without rowid;

create table input_history (
  seq integer primary key,
  source text not null,
  path text not null,
  size_bytes integer not null,
  sha256 text not null,
  status text not null check (status in ('loaded', 'duplicate', 'quarantined')),
  run_id text not null,
  records integer not null,
  rejected integer not null,
  version integer,
  same_as text,
  reason text,
  first_record_line integer not null,
  multiline_records integer not null check (multiline_records in (0, 1))
) strict;

create table inputs (
  source text not null,
  path text not null,
  size_bytes integer not null,
  mtime_ns text not null,
  inode text not null,
  sha256 text not null,
  status text not null check (status in ('loaded', 'duplicate', 'quarantined')),
  history_seq integer not null references input_history (seq),
  primary key (source, path)
) strict, without rowid;
create index inputs_by_content on inputs (source, sha256) where status = 'loaded';

create table dialects (
  source text primary key,
  delimiter text not null,
  quote_char text not null,
  escape_char text not null,
  has_header integer not null check (has_header in (0, 1)),
  skip_lines integer not null,
  run_id text not null
) strict, without rowid;

create table quarantine (
  table_name text not null,
  file text not null,
  rule text not null,
  step_id text not null,
  run_id text not null,
  rows integer not null,
  primary key (table_name, file, rule, step_id)
) strict, without rowid;

create table releases (
  seq integer primary key,
  release_id text not null unique,
  run_id text not null,
  created_at text not null
) strict;

create table release_tables (
  release_id text not null references releases (release_id) on delete cascade,
  table_name text not null,
  version integer not null,
  primary key (release_id, table_name)
) strict, without rowid;

create table locks (
  scope text primary key,
  token integer not null,
  held integer not null check (held in (0, 1)),
  pid integer not null,
  host text not null,
  boot_id text,
  process_start text,
  pid_namespace text,
  since text not null,
  command text not null
) strict, without rowid;
`,
};
