import type { Migration } from '../migration.ts';

/** Answers of lookups, by a digest of the question and the key. A cache. */
const LOOKUPS = `
  create table lookup_answers (
    question text not null,
    key text not null,
    answer text,
    failed text,
    asked_at_ms integer not null,
    run_id text not null,
    primary key (question, key)
  ) strict, without rowid;
`;

/** Decisions about rejected rows that an undo took back stay known. */
const UNDONE_DECISIONS = `
  alter table quarantine_decisions add column undone_by text;
`;

/** What is asked for while tables are made, and decisions that were undone. */
export const lookupsMigration: Migration = { version: 4, sql: LOOKUPS + UNDONE_DECISIONS };
