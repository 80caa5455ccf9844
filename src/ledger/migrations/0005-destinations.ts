import type { Migration } from '../migration.ts';

/** What each load holds of each table. */
const LOADS = `
  create table loads (
    load text not null,
    table_name text not null,
    release_id text not null,
    version integer not null,
    record text not null,
    loaded_at text not null,
    primary key (load, table_name)
  ) strict, without rowid;
`;

/** Destinations: loads and mirrors. */
export const destinationsMigration: Migration = { version: 5, sql: LOADS };
