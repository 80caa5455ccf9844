import type { Migration } from '../migration.ts';

/** What comparing a table's rows by two engines came to, the newest time. */
export const parityMigration: Migration = {
  version: 8,
  sql: `
  create table parity (
    table_name text not null,
    engine text not null,
    result text not null,
    code_fingerprint text not null,
    inputs text not null,
    sample_percent real,
    checked_at text not null,
    primary key (table_name, engine)
  ) strict, without rowid;
`,
};
