import type { ClientConfig } from 'pg';
import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const text = z.string().check(z.minLength(1), z.maxLength(4096));

const schema = z
  .strictObject({
    url: z.optional(
      text.check(
        z.regex(/^postgres(ql)?:\/\//, 'expected postgres://user:password@host:port/database'),
        z.meta({
          description:
            'Where the database is: `postgres://user:password@host:port/database?sslmode=…`. Alone, or the parts below.',
          secret: true,
          samples: ['${ERP_URL}'],
        }),
      ),
    ),
    host: z.optional(text.check(z.meta({ description: 'Name or address of the server. Default: localhost.' }))),
    port: z.optional(z.int().check(z.gte(1), z.lte(65_535), z.meta({ description: 'Port. Default: 5432.' }))),
    database: z.optional(text.check(z.meta({ description: 'Name of the database.' }))),
    user: z.optional(text.check(z.meta({ description: 'Who signs in.' }))),
    password: z.optional(
      text.check(
        z.meta({
          description: 'The password: `${ENV}` or `file:/run/secrets/…`.',
          secret: true,
          samples: ['${ERP_PASSWORD}'],
        }),
      ),
    ),
    ssl: z._default(z.enum(['off', 'require', 'verify']), 'off').check(
      z.meta({
        description:
          '`off`, `require` (encrypted, the certificate is not checked), `verify` (encrypted, certificate and name are checked). A `url` may say it by `sslmode` instead (`require`, `verify-full`).',
      }),
    ),
    ca_file: z.optional(
      text.check(
        z.meta({ description: 'PEM file of the authority that `ssl: verify` trusts. Default: those of the system.' }),
      ),
    ),
    connect_timeout_s: z
      ._default(z.int().check(z.gte(1), z.lte(600)), 15)
      .check(z.meta({ description: 'Seconds that a connection may take to be made.' })),
  })
  .check(
    z.refine(
      (options) => options.url !== undefined || options.database !== undefined,
      'expected url, or host, database, user and password',
    ),
    z.refine(
      ({ url, host, port, database, user, password }) =>
        url === undefined || [host, port, database, user, password].every((part) => part === undefined),
      'url says it all: leave out host, port, database, user and password',
    ),
  );

export type PostgresConnection = z.infer<typeof schema>;

/** A PostgreSQL database: `type: postgres`. */
export const component: ConnectionComponent<PostgresConnection> = {
  type: 'postgres',
  summary: 'A PostgreSQL database, or one that speaks its protocol.',
  schema,
  loads: { modes: ['upsert', 'append', 'replace'], within: 'schema', views: true },
};

/** A server that is gone without a word is noticed; the system would look after two hours. */
const KEEP_ALIVE_MS = 60_000;

type Encryption = PostgresConnection['ssl'];

/** What `sslmode` means to the tools of PostgreSQL; the driver would check certificates in all of these modes, or none. */
const SSL_MODES: ReadonlyMap<string, Encryption> = new Map([
  ['disable', 'off'],
  ['allow', 'off'],
  ['prefer', 'require'],
  ['require', 'require'],
  ['verify-ca', 'verify'],
  ['verify-full', 'verify'],
]);

/** The url without its `sslmode`, and what that said. */
function withoutMode(url: string): { readonly url: string; readonly mode: Encryption | undefined } {
  if (!URL.canParse(url)) return { url, mode: undefined };
  const address = new URL(url);
  const mode = SSL_MODES.get(address.searchParams.get('sslmode') ?? '');
  if (mode === undefined) return { url, mode };
  address.searchParams.delete('sslmode');
  return { url: address.href, mode };
}

/** What the driver is given. @param authority content of `ca_file`. */
export function clientConfig(options: PostgresConnection, authority?: string): ClientConfig {
  const { host, port, database, user, password } = options;
  const { url, mode } = options.url === undefined ? {} : withoutMode(options.url);
  const ssl = options.ssl === 'off' ? (mode ?? 'off') : options.ssl;
  const encrypted =
    ssl === 'off'
      ? {}
      : { ssl: { rejectUnauthorized: ssl === 'verify', ...(authority === undefined ? {} : { ca: authority }) } };
  return {
    ...(url === undefined ? { host: host ?? 'localhost', port: port ?? 5432 } : { connectionString: url }),
    ...(database === undefined ? {} : { database }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...encrypted,
    application_name: 'dataflow',
    connectionTimeoutMillis: options.connect_timeout_s * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

/** `host:port/database` for people. */
export function placeOf(options: PostgresConnection): string {
  if (options.url === undefined)
    return `${options.host ?? 'localhost'}:${options.port ?? 5432}/${options.database ?? ''}`;
  try {
    const { host, pathname } = new URL(options.url);
    return `${host}${pathname}`;
  } catch {
    return 'the database of the url';
  }
}
