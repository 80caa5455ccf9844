import type { LookupComponent } from '../../core/ports/lookup.ts';
import { type SqliteLookupOptions, schema } from './lookup-options.ts';

/** A table of a SQLite file: `lookup: sqlite`. What reads it is loaded when it is asked. */
export const component: LookupComponent<SqliteLookupOptions> = {
  type: 'sqlite',
  summary: 'A table of a SQLite file is asked for many keys at once.',
  schema,
  columnsOf: ({ on }) => Object.keys(on),
  questionOf: ({ table, on }) => `${table} ${JSON.stringify(on)}`,
  placeProblem: () => undefined,
  open: async (options, { root }) => (await import('./open-lookup.ts')).openSqliteLookup(options, root),
};
