import type { Migration } from '../migration.ts';

/** Runs of one status are looked at page by page, also where they are few among many others. */
export const pagesMigration: Migration = {
  version: 9,
  sql: 'create index runs_by_status on runs (status, seq);',
};
