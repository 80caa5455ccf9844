import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const schema = z.strictObject({
  path: z.string().check(
    z.minLength(1),
    z.refine((text) => !text.includes('\0'), 'a path cannot contain NUL'),
    z.meta({
      description: 'The database file, from the project folder. A load makes it when there is none.',
      samples: ['out/shop.db'],
    }),
  ),
});

export type SqliteConnection = z.infer<typeof schema>;

/** A SQLite file that releases are loaded into: `type: sqlite`. */
export const component: ConnectionComponent<SqliteConnection> = {
  type: 'sqlite',
  summary: 'A SQLite file, for loads.',
  schema,
  loads: { modes: ['upsert', 'append', 'replace'] },
};
