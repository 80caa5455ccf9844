import type { Migration } from '../migration.ts';

/** Where each pulled source stands; the truth is in the commit notes of its table. */
const POSITIONS = `
  create table source_positions (
    source text primary key,
    sequence integer not null,
    position text not null,
    ahead text,
    content text,
    version integer not null,
    records integer not null,
    committed_at text not null,
    looked_at text
  ) strict;
`;

/** Where each stream stands; the truth is in the system that it is published to. */
const STREAMS = `
  create table stream_positions (
    stream text primary key,
    table_name text not null,
    version integer not null,
    position text not null,
    published_at text not null
  ) strict;
`;

/** Sources that are asked: positions. Streams: the same. */
export const sourcesMigration: Migration = { version: 3, sql: POSITIONS + STREAMS };
