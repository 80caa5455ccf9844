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

/** What a service saw of its sources, for lag and rates; older ones are dropped. */
const LOOKS = `
  create table source_looks (
    seq integer primary key,
    source text not null,
    looked_at_ms integer not null,
    pending text not null,
    behind integer,
    oldest_ms integer,
    rows_taken integer not null,
    wall_ms integer not null,
    error text
  ) strict;
  create index source_looks_by_source on source_looks (source, seq);
`;

/** Sources that are asked: positions, and what was seen of them. Streams: positions. */
export const sourcesMigration: Migration = { version: 3, sql: [POSITIONS, STREAMS, LOOKS].join('\n') };
