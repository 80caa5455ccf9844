import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const text = z.string().check(z.minLength(1), z.maxLength(4096));

const schema = z.strictObject({
  url: text.check(
    z.regex(/^mongodb(\+srv)?:\/\//, 'expected mongodb://user:password@host:port/?replicaSet=…'),
    z.meta({
      description:
        'Where the database is, as all MongoDB programs take it: `mongodb://user:password@host:port/?replicaSet=rs0&tls=true` or `mongodb+srv://…`.',
      secret: true,
      samples: ['${MONGO_URL}'],
    }),
  ),
  database: text.check(z.maxLength(63), z.meta({ description: 'Name of the database.', samples: ['analytics'] })),
  password: z.optional(
    text.check(
      z.meta({
        description: 'The password, where the url has none: `${ENV}` or `file:/run/secrets/…`. Needs `user`.',
        secret: true,
        samples: ['${MONGO_PASSWORD}'],
      }),
    ),
  ),
  user: z.optional(text.check(z.meta({ description: 'Who signs in, where the url does not say it.' }))),
  connect_timeout_s: z
    ._default(z.int().check(z.gte(1), z.lte(600)), 15)
    .check(
      z.meta({ description: 'Seconds that finding a server may take, a new primary after an election included.' }),
    ),
});

export type MongodbConnection = z.infer<typeof schema>;

/** A MongoDB database: `type: mongodb`. */
export const component: ConnectionComponent<MongodbConnection> = {
  type: 'mongodb',
  summary: 'A MongoDB database: one server, a replica set, or a cluster.',
  schema,
  loads: { modes: ['upsert', 'append', 'replace'], within: 'database' },
};

/** `host:port/database` for people; the url without who signs in. */
export function placeOf({ url, database }: MongodbConnection): string {
  const hosts = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url)?.[1] ?? '';
  return `${hosts}/${database}`;
}
