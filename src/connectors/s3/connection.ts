import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const text = z.string().check(z.minLength(1), z.maxLength(4096));
const secret = (description: string) => text.check(z.meta({ secret: true, description }));

const schema = z
  .strictObject({
    endpoint: text.check(
      z.regex(/^https?:\/\/[^/?#@\s]+\/?$/, 'expected https://host or http://host:port'),
      describe('Address of the S3-compatible service.', 'https://s3.eu-west-3.amazonaws.com'),
    ),
    bucket: text.check(
      z.regex(
        /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
        'expected the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
      ),
      describe('The bucket; `path:` of a source starts in it.', 'exports'),
    ),
    access_key: z.optional(text.check(describe('Access key; without it requests are not signed.'))),
    secret_key: z.optional(secret('Secret key: `${ENV}` or `file:…`.')),
    session_token: z.optional(secret('Token of temporary credentials.')),
    region: z._default(text.check(describe('Region of the bucket.')), 'us-east-1'),
    path_style: z._default(
      z
        .boolean()
        .check(describe('Whether the bucket stands in the path (`host/bucket`) or in the name (`bucket.host`).')),
      true,
    ),
    connect_timeout_s: z._default(
      z.int().check(z.minimum(1), z.maximum(600), describe('Seconds that a connection may take to be made (mirrors).')),
      15,
    ),
    request_timeout_s: z._default(
      z.int().check(z.minimum(1), z.maximum(3600), describe('Seconds that an answer may pause (mirrors).')),
      60,
    ),
  })
  .check(
    z.refine(
      (options) => (options.access_key === undefined) === (options.secret_key === undefined),
      'access_key and secret_key belong together',
    ),
  );

export type S3ConnectionOptions = z.output<typeof schema>;

/** Object stores: `type: s3` in `connections:`. */
export const component: ConnectionComponent<S3ConnectionOptions> = {
  type: 's3',
  summary: 'A bucket of an S3-compatible object store.',
  schema,
  holds_files: true,
  stores: true,
};
