import type { Migration } from '../migration.ts';

/** What alerts have said, so that each incident is told once; lost with the ledger, it is told once more. */
export const alertsMigration: Migration = {
  version: 10,
  sql: `
  create table alert_states (
    alert text not null,
    subject text not null,
    open integer not null check (open in (0, 1)),
    value real,
    since text not null,
    primary key (alert, subject)
  ) strict, without rowid;
`,
};
