import type { Migration } from '../migration.ts';

/**
 * How many rows of a decision came back is told by the runs that carried it out, or took it back. Each of them is kept, so that an undo of one of
 * them leaves what the others said.
 */
export const returnedMigration: Migration = {
  version: 7,
  sql: `
  create table quarantine_returned (
    seq integer primary key,
    table_name text not null,
    decision integer not null,
    file text not null,
    rule text not null,
    quarantine_run_id text not null,
    run_id text not null,
    rows integer not null
  ) strict;
  create index quarantine_returned_of on quarantine_returned (table_name, decision);
  insert into quarantine_returned (table_name, decision, file, rule, quarantine_run_id, run_id, rows)
    select g.table_name, g.decision, g.file, g.rule, g.quarantine_run_id, coalesce(d.applied_run_id, d.run_id), g.returned
      from quarantine_decided g join quarantine_decisions d on d.table_name = g.table_name and d.decision = g.decision
      where g.returned > 0;
`,
};
