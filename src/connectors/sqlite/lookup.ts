import * as z from 'zod/mini';
import { lookupOn } from '../../core/config/lookup-fields.ts';
import type { LookupComponent } from '../../core/ports/lookup.ts';

const schema = z.strictObject({
  path: z.string().check(
    z.minLength(1),
    z.refine((text) => !text.includes('\0'), 'a path cannot contain NUL'),
    z.meta({ description: 'The database file, from the project folder. It is only read.', samples: ['data/ref.db'] }),
  ),
  table: z.string().check(z.minLength(1), z.meta({ description: 'The table or view.', samples: ['pays'] })),
  on: lookupOn,
});

export type SqliteLookupOptions = z.output<typeof schema>;

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
