import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const text = z.string().check(z.minLength(1), z.maxLength(4096));
const secret = (description: string) => text.check(z.meta({ secret: true, description }));
const address = text.check(z.regex(/^https?:\/\/[^/?#@\s]+(?:\/[^?#\s]*)?$/, 'expected http://namenode:9870'));

const schema = z
  .strictObject({
    url: z
      .union([address, z.array(address).check(z.minLength(1), z.maxLength(10))])
      .check(
        describe(
          'Address of WebHDFS: the NameNode, an HttpFS server or a gateway; a list where NameNodes stand in for each other.',
          'http://namenode:9870',
        ),
      ),
    user: z.optional(text.check(describe('Who asks, where the cluster believes it (`user.name`).', 'etl'))),
    password: z.optional(secret('Password of `user` at a gateway, by HTTP basic: `${ENV}` or `file:…`.')),
    delegation_token: z.optional(secret('Delegation token, where the cluster asks for Kerberos.')),
    connect_timeout_s: z._default(
      z.int().check(z.minimum(1), z.maximum(600), describe('Seconds that a connection may take to be made.')),
      15,
    ),
    request_timeout_s: z._default(
      z.int().check(z.minimum(1), z.maximum(3600), describe('Seconds that an answer may pause.')),
      60,
    ),
  })
  .check(
    z.refine((options) => options.password === undefined || options.user !== undefined, 'password needs user'),
    z.refine(
      (options) => options.delegation_token === undefined || options.user === undefined,
      'a delegation token says who asks: leave out user',
    ),
  );

export type HdfsConnectionOptions = z.output<typeof schema>;

/** HDFS by WebHDFS: `type: hdfs` in `connections:`. */
export const component: ConnectionComponent<HdfsConnectionOptions> = {
  type: 'hdfs',
  summary: 'An HDFS cluster by WebHDFS or HttpFS.',
  schema,
  holds_files: true,
};
