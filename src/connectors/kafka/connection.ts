import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const text = z.string().check(z.minLength(1), z.maxLength(1000));
const secret = (description: string) => text.check(z.meta({ secret: true, description }));
const milliseconds = z.int().check(z.minimum(1), z.maximum(600_000));

const schema = z
  .strictObject({
    brokers: z
      .array(text.check(z.refine((broker) => /^[^\s:/]+:\d{1,5}$/.test(broker), 'a broker is written host:port')))
      .check(
        z.minLength(1),
        z.maxLength(100),
        describe('Some of the brokers; the others are found through them.', ['localhost:9092']),
      ),
    client_id: z._default(text.check(describe('The name under which brokers log us.')), 'dataflow'),
    sasl: z.optional(
      z
        .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
        .check(describe('How to sign in; `username` and `password` belong to it.')),
    ),
    username: z.optional(text.check(describe('User for `sasl`.'))),
    password: z.optional(secret('Password for `sasl`; best `${ENV}` or `file:…`.')),
    tls: z._default(z.boolean().check(describe('Whether connections are encrypted.')), false),
    ca: z.optional(text.check(describe('File with the certificates (PEM) that brokers are checked against.'))),
    cert: z.optional(text.check(describe('File with our own certificate (PEM), where brokers ask for one.'))),
    key: z.optional(text.check(describe('File with the key of `cert` (PEM).'))),
    verify: z._default(
      z
        .boolean()
        .check(describe("Whether the brokers' certificates are checked. Only ever false against a test server.")),
      true,
    ),
    registry: z.optional(
      text.check(
        z.refine((url) => /^https?:\/\//.test(url), 'the address begins with http:// or https://'),
        describe('Address of the schema registry, for `format: avro`.', 'http://localhost:8081'),
      ),
    ),
    registry_user: z.optional(text.check(describe('User of the registry.'))),
    registry_password: z.optional(secret('Password of the registry.')),
    registry_token: z.optional(secret('Bearer token of the registry, instead of a user.')),
    connect_timeout_ms: z._default(milliseconds.check(describe('How long a connection may take to open.')), 5000),
    request_timeout_ms: z._default(milliseconds.check(describe('How long a broker may take to answer.')), 30_000),
    patience_ms: z._default(
      milliseconds.check(
        describe('How long an unreachable broker or a missing leader is waited for, trying again with growing pauses.'),
      ),
      60_000,
    ),
  })
  .check(
    z.refine(
      (options) => options.sasl === undefined || (options.username !== undefined && options.password !== undefined),
      'sasl needs username and password',
    ),
    z.refine((options) => (options.cert === undefined) === (options.key === undefined), 'cert and key belong together'),
    z.refine(
      (options) => options.tls || (options.ca === undefined && options.cert === undefined),
      'ca and cert need tls: true',
    ),
  );

export type KafkaConnectionOptions = z.output<typeof schema>;

/** Brokers: `type: kafka` in `connections:`. */
export const component: ConnectionComponent<KafkaConnectionOptions> = {
  type: 'kafka',
  summary: 'Kafka brokers (2.3 or later): plain or TLS, with or without SASL, and a schema registry beside them.',
  schema,
  publishes: true,
};
