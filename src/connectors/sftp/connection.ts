import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const describe = (description: string, ...examples: unknown[]) =>
  z.meta({ description, ...(examples.length > 0 ? { examples } : {}) });
const text = z.string().check(z.minLength(1), z.maxLength(4096));
const secret = (description: string) => text.check(z.meta({ secret: true, description }));

const schema = z
  .strictObject({
    host: text.check(describe('Name or address of the server.', 'files.example.org')),
    port: z._default(z.int().check(z.minimum(1), z.maximum(65_535), describe('Port.')), 22),
    user: text.check(describe('Who signs in.')),
    password: z.optional(secret('Password: `${ENV}` or `file:…`. Or `private_key`.')),
    private_key: z.optional(
      secret('Private key (OpenSSH or PEM) as text: `file:/run/secrets/id_ed25519` or `${ENV}`.'),
    ),
    passphrase: z.optional(secret('Passphrase of `private_key`.')),
    host_key: z.optional(
      text.check(
        z.regex(
          /^(?:SHA256:[A-Za-z0-9+/]{43}=?|(?:[a-z0-9@.-]+ )?[A-Za-z0-9+/]{60,}={0,2})$/,
          'expected SHA256:… as ssh-keygen -lf prints it, or the key as it stands in known_hosts',
        ),
        describe(
          'The key by which the server is known: its fingerprint, or the key itself. Or `known_hosts`.',
          'SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDlqKfVqG1z6aB0kQ8',
        ),
      ),
    ),
    known_hosts: z.optional(text.check(describe('File of known keys, in the format of OpenSSH.', '.ssh/known_hosts'))),
    connect_timeout_s: z._default(
      z.int().check(z.minimum(1), z.maximum(600), describe('Seconds that a connection may take to be made.')),
      15,
    ),
  })
  .check(
    z.refine(
      (options) => (options.password === undefined) !== (options.private_key === undefined),
      'expected either password or private_key',
    ),
    z.refine(
      (options) => (options.host_key === undefined) !== (options.known_hosts === undefined),
      'expected either host_key or known_hosts: a server that is not known could be anybody',
    ),
  );

export type SftpConnectionOptions = z.output<typeof schema>;

/** Servers that speak SFTP: `type: sftp` in `connections:`. */
export const component: ConnectionComponent<SftpConnectionOptions> = {
  type: 'sftp',
  summary: 'A server that speaks SFTP, known by its host key.',
  schema,
  holds_files: true,
};
