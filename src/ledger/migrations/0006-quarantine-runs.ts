import type { Migration } from '../migration.ts';

/**
 * One step may put rows of a file aside that different runs rejected first: a whole computation keeps the run of each rejection. They are
 * counted apart, since decisions name the run.
 */
export const quarantineRunsMigration: Migration = {
  version: 6,
  sql: `
  create table quarantine_by_run (
    table_name text not null,
    file text not null,
    rule text not null,
    step_id text not null,
    run_id text not null,
    rows integer not null,
    primary key (table_name, file, rule, step_id, run_id)
  ) strict, without rowid;
  insert into quarantine_by_run select table_name, file, rule, step_id, run_id, rows from quarantine;
  drop table quarantine;
  alter table quarantine_by_run rename to quarantine;
`,
};
