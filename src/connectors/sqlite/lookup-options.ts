import * as z from 'zod/mini';
import { lookupOn } from '../../core/config/lookup-fields.ts';

/** Options of `lookup: sqlite`. */
export const schema = z.strictObject({
  path: z.string().check(
    z.minLength(1),
    z.refine((text) => !text.includes('\0'), 'a path cannot contain NUL'),
    z.meta({ description: 'The database file, from the project folder. It is only read.', samples: ['data/ref.db'] }),
  ),
  table: z.string().check(z.minLength(1), z.meta({ description: 'The table or view.', samples: ['pays'] })),
  on: lookupOn,
});

export type SqliteLookupOptions = z.output<typeof schema>;
