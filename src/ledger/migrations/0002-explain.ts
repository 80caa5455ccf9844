import type { Migration } from '../migration.ts';

/** What a definition was when a step ran under it: `why` shows the difference between two of them. Kept once per fingerprint. */
const DEFINITIONS = `
create table definitions (
  code_fingerprint text not null,
  step text not null,
  definition text not null,
  run_id text not null,
  primary key (step, code_fingerprint)
) strict, without rowid;
`;

/** How a run was asked for, as JSON: `retry` starts from it. */
const RUN_OPTIONS = `
alter table runs add column options text;
`;

/** The second format: everything that explains, replays, undoes and proves. */
export const explainMigration: Migration = {
  version: 2,
  sql: [DEFINITIONS, RUN_OPTIONS].join('\n'),
};
