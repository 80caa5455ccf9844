import type { Migration } from '../migration.ts';
import { RECORD_LINES, TABLE_TESTS } from './0005-explain.ts';

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

/** Where each mirror stands, and what was put there: compared with a listing, so that nothing is asked file by file. */
const MIRRORS = `
  create table mirrors (
    mirror text primary key,
    standing text not null
  ) strict, without rowid;
  create table mirror_files (
    mirror text not null,
    path text not null,
    size_bytes integer not null,
    sha256 text not null,
    modified_ms integer,
    mark text not null,
    primary key (mirror, path)
  ) strict, without rowid;
`;

/** Destinations: loads and mirrors. Besides, what explains more of files and tests. */
export const destinationsMigration: Migration = {
  version: 5,
  sql: [LOADS, MIRRORS, RECORD_LINES, TABLE_TESTS].join('\n'),
};
