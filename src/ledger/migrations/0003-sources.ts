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

/** Sources that are asked: positions. */
export const sourcesMigration: Migration = { version: 3, sql: POSITIONS };
