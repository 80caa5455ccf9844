import * as z from 'zod/mini';
import { parseSize } from '../../kit/units.ts';
import { SERVE_DEFAULTS, type ServeLimits, type ServeSpec } from '../model/serve.ts';
import { routesSchema } from './schema-routes.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

const pattern = z
  .string()
  .check(
    z.refine(
      (text) => text === '*' || /^(bronze|silver|gold|quarantine)\.[A-Za-z0-9_*]{1,80}$/.test(text),
      'expected a table such as gold.dim_clients, or a pattern such as gold.* or *',
    ),
  );
const patterns = z.array(pattern).check(z.maxLength(1000));

const size = (fallback: number) =>
  z._default(
    z.pipe(
      z.union([
        z.int().check(z.minimum(1_000_000)),
        z.string().check(z.refine(isSize, 'expected a size such as 512MB')),
      ]),
      z.transform((value): number => (typeof value === 'number' ? value : (parseSize(value) ?? 0))),
    ),
    fallback,
  );

function isSize(text: string): boolean {
  return (parseSize(text) ?? 0) >= 1_000_000;
}

const hostName = z.string().check(
  z.maxLength(255),
  z.refine((text) => /^[A-Za-z0-9.:_[\]-]+$/.test(text), 'expected a name or an address, such as 0.0.0.0'),
);

const origin = z
  .string()
  .check(
    z.refine(
      (text) => /^https?:\/\/[A-Za-z0-9.:[\]-]+$/.test(text),
      'expected an origin such as https://app.example.com, without a path; * is not allowed',
    ),
  );

function tokensSchema() {
  const token = z.strictObject({
    hash: z.string().check(
      z.refine((text) => /^sha256:[0-9a-f]{64}$/.test(text), 'expected sha256: and 64 hexadecimal digits'),
      meta('SHA-256 of the token: `dataflow serve --new-token` makes both.'),
    ),
    tables: z
      ._default(patterns, ['*'])
      .check(meta('Tables that it may read, or patterns of their names; a route needs all of its tables.', ['gold.*'])),
    operator: z
      ._default(z.boolean(), false)
      .check(
        meta(
          'It may also retry and cancel runs, and send rejected rows through again, from the pages of the pipeline.',
        ),
      ),
  });
  const name = z
    .string()
    .check(z.refine((text) => /^[A-Za-z][\w-]{0,62}$/.test(text), 'a name is letters, digits, _ and -'));
  return z
    ._default(z.record(name, token), {})
    .check(meta('Who may ask, each with a bearer token. Without any, only this machine may.'));
}

function jwtSchema() {
  return z.optional(
    z
      .strictObject({
        issuer: z.string().check(z.minLength(1), meta('The `iss` that tokens must have.')),
        audience: z.string().check(z.minLength(1), meta('The `aud` that tokens must have.')),
        jwks_url: z
          .string()
          .check(
            z.refine(isKeyUrl, 'expected an address that begins with https:// (http:// on this machine alone)'),
            meta('Where the issuer publishes its keys.', 'https://login.example.com/keys'),
          ),
        tables_claim: z
          ._default(z.string().check(z.minLength(1)), 'tables')
          .check(meta('The claim that lists the tables that may be read: a list, or a text separated by blanks.')),
      })
      .check(meta('Tokens that another system signs (JWT).')),
  );
}

function isKeyUrl(text: string): boolean {
  return /^https:\/\/[^\s@]+$/.test(text) || /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?(\/[^\s@]*)?$/.test(text);
}

function limitsSchema() {
  const { limits } = SERVE_DEFAULTS;
  const count = (fallback: number, max: number, text: string) =>
    z._default(z.int().check(z.minimum(1), z.maximum(max)), fallback).check(meta(text));
  return z
    .prefault(
      z.strictObject({
        seconds_max: count(limits.seconds_max, 3600, 'Time for one answer; after it the engine is stopped.'),
        rows_max: count(limits.rows_max, 10_000_000, 'Rows of one answer, at most.'),
        concurrency: count(limits.concurrency, 64, 'Questions that the engine works on at once.'),
        waiting_max: count(limits.waiting_max, 10_000, 'Questions that may wait for their turn; further ones get 429.'),
        requests_per_minute: z.optional(
          z
            .int()
            .check(
              z.minimum(1),
              z.maximum(10_000_000),
              meta(
                'Requests of one client in a minute. Default: 6000 for clients elsewhere, any number for this machine.',
              ),
            ),
        ),
        memory_bytes: size(limits.memory_bytes).check(meta('Memory of the engine that answers.', '512MB')),
        cache_bytes: size(limits.cache_bytes).check(meta('Memory for answers that are kept.', '64MB')),
      }),
      {},
    )
    .check(meta('What the server may use.')) as unknown as z.ZodMiniType<ServeLimits>;
}

/** `serve:` */
export function serveSchema(): z.ZodMiniType<ServeSpec | undefined> {
  const schema = z.optional(
    z
      .strictObject({
        host: z
          ._default(hostName, SERVE_DEFAULTS.host)
          .check(meta('Address to listen at. Any but this machine’s own needs `tokens:` or `jwt:`.')),
        port: z
          ._default(z.int().check(z.minimum(0), z.maximum(65_535)), SERVE_DEFAULTS.port)
          .check(meta('Port to listen at; 0: one that is free.')),
        tables: z
          ._default(patterns, [...SERVE_DEFAULTS.tables])
          .check(meta('Tables that get endpoints of their own, or patterns of their names.', ['gold.*'])),
        hosts: z
          ._default(z.array(hostName).check(z.maxLength(100)), [])
          .check(meta('Names under which the server is reached, beside those of this machine.', ['data.example.com'])),
        cors: z
          ._default(z.array(origin).check(z.maxLength(100)), [])
          .check(meta('Origins of pages elsewhere that may ask.', ['https://app.example.com'])),
        tokens: tokensSchema(),
        jwt: jwtSchema(),
        limits: limitsSchema(),
        routes: routesSchema(),
      })
      .check(meta('What `dataflow serve` answers over HTTP, from the published release.')),
  );
  return schema as unknown as z.ZodMiniType<ServeSpec | undefined>;
}
