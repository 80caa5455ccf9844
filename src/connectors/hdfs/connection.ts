import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const text = z.string().check(z.minLength(1), z.maxLength(4096));
const secret = (description: string) => text.check(z.meta({ secret: true, description }));
const hostText = text.check(
  z.regex(/^[^\s/:]+(?::\d{1,5})?$|^\[[0-9a-fA-F:.]+\](?::\d{1,5})?$/, 'expected host or host:port'),
);
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
    path: z.optional(
      text.check(
        z.regex(/^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0:]*$/, 'expected a path from the root: /datalake'),
        describe('Folder that mirrors start in; sources name their paths in full.', '/datalake'),
      ),
    ),
    datanode_hosts: z.optional(
      z
        .record(z.string().check(z.minLength(1), z.maxLength(253)), hostText)
        .check(
          describe(
            'Where DataNodes are from here: their name (or `*.name`) in the cluster, then host or host:port. Once it is given, bytes go to no other hosts.',
            { 'dn1.cluster.internal': '10.0.0.7', 'dn2.cluster.internal': 'gateway:19864' },
          ),
        ),
    ),
    ca_file: z.optional(text.check(describe('File with the certificates (PEM) that the cluster is checked against.'))),
    block_size_bytes: z.optional(
      z
        .int()
        .check(
          z.minimum(1_048_576),
          z.maximum(4_294_967_296),
          z.multipleOf(512),
          describe("Block size of files that are written; the cluster's own without it.", 134_217_728),
        ),
    ),
    replication: z.optional(
      z.int().check(z.minimum(1), z.maximum(512), describe("Copies of each block; the cluster's own without it.", 3)),
    ),
    permission: z.optional(
      z
        .string()
        .check(
          z.regex(/^[0-7]{3}$/, "expected three octal digits in quotes, '640'"),
          describe('Permission of files that are written; folders get `x` where it has `r`.', '640'),
        ),
    ),
    ready_timeout_s: z._default(
      z
        .int()
        .check(
          z.minimum(0),
          z.maximum(3600),
          describe('Seconds that writing waits for a cluster that starts, is in safe mode or has no active NameNode.'),
        ),
      60,
    ),
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
  stores: true,
};
