import * as z from 'zod/mini';

const describe = (description: string, ...samples: unknown[]) =>
  z.meta({ description, ...(samples.length > 0 ? { samples } : {}) });
const text = z.string().check(
  z.minLength(1),
  z.maxLength(10_000),
  z.refine((value) => !/[\r\n\0]/.test(value), 'must be one line'),
);
const secret = (description: string, sample: string) =>
  z.optional(text.check(z.meta({ description, secret: true, samples: [sample] })));

/** Which fields each way of signing in needs. */
const NEEDS = {
  bearer: ['token'],
  basic: ['user', 'password'],
  api_key: ['name', 'key'],
  oauth2: ['token_url', 'client_id', 'client_secret'],
} as const;
type AuthField = (typeof NEEDS)[keyof typeof NEEDS][number];

/** `auth:` Secrets are `${ENV}` references or `file:` names. */
export const authSchema = z
  .strictObject({
    type: z
      .enum(['bearer', 'basic', 'api_key', 'oauth2'])
      .check(
        describe(
          '`bearer` (token), `basic` (user, password), `api_key` (name, key, in), `oauth2` (client credentials: token_url, client_id, client_secret, scope).',
        ),
      ),
    token: secret('bearer: the token.', '${API_TOKEN}'),
    user: z.optional(text.check(describe('basic: user name.'))),
    password: secret('basic: password.', '${API_PASSWORD}'),
    name: z.optional(text.check(describe('api_key: name of the header or query parameter.', 'X-Api-Key'))),
    key: secret('api_key: the key.', '${API_KEY}'),
    in: z._default(z.enum(['header', 'query']).check(describe('api_key: where it goes.')), 'header'),
    token_url: z.optional(
      text.check(
        z.refine(
          (url) => /^https?:\/\//i.test(url) && URL.canParse(url),
          'expected an address that begins with http:// or https://',
        ),
        describe('oauth2: where tokens are given out.'),
      ),
    ),
    client_id: z.optional(text.check(describe('oauth2: client id.'))),
    client_secret: secret('oauth2: client secret.', '${CLIENT_SECRET}'),
    client_auth: z._default(
      z
        .enum(['basic', 'body'])
        .check(describe('oauth2: whether id and secret go into the Authorization header or the body.')),
      'basic',
    ),
    scope: z.optional(text.check(describe('oauth2: scope.'))),
  })
  .check(
    z.superRefine((auth, context) => {
      for (const field of NEEDS[auth.type]) {
        if (auth[field as AuthField] === undefined)
          context.addIssue({
            code: 'custom',
            path: [field],
            message: `type: ${auth.type} needs ${field}`,
            input: auth,
          });
      }
    }),
  );

export type AuthOptions = z.output<typeof authSchema>;
