import * as z from 'zod/mini';
import { parseJsonPath } from '../../kit/json-path.ts';
import { authSchema } from './options-auth.ts';
import { cursorSchema, duration } from './options-cursor.ts';
import { retrySchema, timeoutsSchema } from './options-limits.ts';
import { pagesSchema } from './options-pages.ts';

const describe = (description: string, ...samples: unknown[]) =>
  z.meta({ description, ...(samples.length > 0 ? { samples } : {}) });
const whole = (min: number, max: number) => z.int().check(z.minimum(min), z.maximum(max));
const DAY_MS = 86_400_000;

const text = z.string().check(z.minLength(1), z.maxLength(10_000));
const scalar = z.union([z.string().check(z.maxLength(10_000)), z.number(), z.boolean()]);
const jsonPath = text.check(
  z.refine((path) => parseJsonPath(path) !== undefined, 'expected a path such as $, $.data or $.a.b[*]'),
);
export const webAddress = z.string().check(
  z.refine(
    (url) => /^https?:\/\/[^\s/?#{}]+/i.test(url) && URL.canParse(url.replaceAll(/[{}]/g, '_')),
    'expected an address that begins with http:// or https:// and has no placeholder in its host',
  ),
  z.refine((url) => !/^https?:\/\/[^/?#]*@/i.test(url), 'user and password belong to auth, not into the address'),
);

const NAMED = z.record(text, scalar);

const shape = {
  url: webAddress.check(
    describe(
      'Address; `{name}` in its path or query stands for a value of `for_each`.',
      'https://api.open-meteo.com/v1/forecast',
    ),
  ),
  method: z._default(
    z.enum(['GET', 'POST']).check(describe('POST is for APIs that are asked that way; it is repeated like GET.')),
    'GET',
  ),
  query: z._default(
    NAMED.check(describe('Query parameters; `{name}` as in `url`.', { current: 'temperature_2m' })),
    {},
  ),
  headers: z._default(
    z
      .record(text, z.string().check(z.refine((value) => !/[\r\n\0]/.test(value), 'a header has one line')))
      .check(
        describe(
          'Request headers. They are never printed and never sent to another origin; what signs in belongs to `auth`.',
          { 'Accept-Language': 'fr' },
        ),
      ),
    {},
  ),
  body: z.optional(
    z.union([z.string().check(z.maxLength(1_000_000)), z.record(z.string(), z.unknown())]).check(
      describe('POST: a text, or a map that is sent as JSON; `{name}` in its texts as in `url`.', {
        statut: 'payee',
      }),
    ),
  ),
  format: z._default(z.enum(['json', 'ndjson', 'csv']).check(describe('What the body is.')), 'json'),
  delimiter: z._default(
    z
      .string()
      .check(
        z.regex(/^[\t\x20-\x7e]$/, 'the delimiter is one ASCII character'),
        describe('CSV: what separates fields.'),
      ),
    ',',
  ),
  records: z._default(
    jsonPath.check(
      describe('JSON: where the records are. An array means its elements, an object is one record.', '$.data', '$'),
    ),
    '$',
  ),
  columnar: z._default(
    z
      .boolean()
      .check(
        describe(
          'JSON: the object at `records` holds an array per column (`{"time": [...], "t": [...]}`); each position becomes a record.',
        ),
      ),
    false,
  ),
  add: z._default(
    z.record(text, text).check(
      describe(
        'JSON and NDJSON: members to add to each record, from elsewhere in the response (a path) or from `for_each`.',
        {
          fetched_at: '$.timestamp',
          city: '{city}',
        },
      ),
    ),
    {},
  ),
  for_each: z.optional(
    z
      .union([
        z.array(z.record(text, scalar)).check(z.minLength(1), z.maxLength(100_000)),
        z.strictObject({
          file: text.check(
            describe('A CSV file with a header, from the project folder; its columns are the names.', 'cities.csv'),
          ),
        }),
      ])
      .check(
        describe('One request (or sequence of pages) for each of these: a list of maps, or a file.', [
          { city: 'Paris' },
          { city: 'Lyon' },
        ]),
      ),
  ),
  pages: z.optional(pagesSchema),
  mode: z.optional(
    z
      .enum(['snapshot', 'append'])
      .check(
        describe(
          '`snapshot`: each run takes everything, and it replaces what was there. `append`: what each run gets is added, as for observations. Default: `append` with `cursor`, else `snapshot`.',
        ),
      ),
  ),
  cursor: z.optional(
    cursorSchema.check(describe('Asks only for what is new.', { param: 'since', field: 'updated_at', overlap: '5m' })),
  ),
  key: z.optional(
    z
      .union([text, z.array(text).check(z.minLength(1), z.maxLength(20))])
      .check(
        describe(
          'Members that identify a record when the same one is met on two pages; without it all of its bytes do.',
          'id',
        ),
      ),
  ),
  auth: z.optional(authSchema.check(describe('How to sign in.'))),
  every: z.optional(
    duration.check(
      describe(
        'Leaves the API alone for so long after it was asked: a run, or a round of `stream run`, that comes sooner takes nothing.',
        '5m',
      ),
    ),
  ),
  rate: z.optional(
    z
      .strictObject({
        requests: whole(1, 1_000_000).check(describe('So many requests …')),
        per_ms: whole(1, DAY_MS).check(describe('… in so many milliseconds.')),
      })
      .check(
        describe('At most so many requests in any stretch of time, retries included.', { requests: 10, per_ms: 1000 }),
      ),
  ),
  retry: z.prefault(
    retrySchema.check(
      describe(
        'When to try again: after 408, 425, 429 and 5xx, after lost connections and after answers that are damaged.',
      ),
    ),
    {},
  ),
  timeouts: z.prefault(timeoutsSchema.check(describe('How long to wait for one request.')), {}),
  keep_raw: z._default(
    z
      .boolean()
      .check(
        describe('Keep each response, compressed and by its hash; `--full-refresh --force` then asks nobody again.'),
      ),
    false,
  ),
  allow_private: z._default(
    z
      .boolean()
      .check(
        describe(
          'Allow private, loopback and link-local addresses. Not needed when `url` itself names one, such as http://localhost:8080.',
        ),
      ),
    false,
  ),
  allow_hosts: z._default(
    z
      .array(text)
      .check(
        z.maxLength(100),
        describe('Other hosts that redirects and next links may lead to; they are never given credentials.'),
      ),
    [],
  ),
  max_response_bytes: z._default(
    whole(1, 2_000_000_000).check(
      describe(
        'A larger response is refused, before and after decompression. A response that is asked for by itself (without `pages`, `cursor.field` and `columnar`) is not held in memory beyond 16 MB; others are.',
      ),
    ),
    256_000_000,
  ),
} as const;

const { method, query, headers, body, auth, rate, retry, timeouts, allow_private, allow_hosts, max_response_bytes } =
  shape;

/** What every request has, also that of a lookup. */
export const requestFields = {
  method,
  query,
  headers,
  body,
  auth,
  rate,
  retry,
  timeouts,
  allow_private,
  allow_hosts,
  max_response_bytes,
} as const;

type Shape = z.output<z.ZodMiniObject<typeof shape, z.core.$strict>>;

/** Options of `type: http`. */
export const schema = z.strictObject(shape).check(
  rule(({ method, body }) => method === 'POST' || body === undefined, 'needs method: POST', 'body'),
  rule(({ method, pages }) => pages?.in !== 'body' || method === 'POST', 'in: body needs method: POST', 'pages'),
  rule(({ body, pages }) => pages?.in !== 'body' || typeof body !== 'string', 'in: body needs a map as body', 'pages'),
  rule(({ format, add }) => format !== 'csv' || Object.keys(add).length === 0, 'cannot add to CSV records', 'add'),
  rule(({ format, columnar }) => !columnar || format === 'json', 'is for JSON', 'columnar'),
  rule(({ format, cursor: c }) => format !== 'csv' || c?.field === undefined, 'field needs JSON or NDJSON', 'cursor'),
  rule(({ columnar, cursor: c }) => !columnar || c?.field === undefined, 'field does not go with columnar', 'cursor'),
  rule(({ format, key }) => format !== 'csv' || key === undefined, 'is for JSON and NDJSON', 'key'),
  rule(({ mode, cursor: c }) => c === undefined || mode !== 'snapshot', 'snapshot takes everything: no cursor', 'mode'),
  rule(({ add }) => Object.values(add).every(isAddition), 'expected a path such as $.time, or text with {name}', 'add'),
  rule(
    ({ format, pages }) => format === 'json' || (pages?.next ?? pages?.total ?? pages?.has_more) === undefined,
    'next, total and has_more are paths into JSON',
    'pages',
  ),
);

function rule(holds: (options: Shape) => boolean, message: string, path: string) {
  return z.refine<Shape>(holds, { message, path: [path] });
}

function isAddition(value: string): boolean {
  return !value.startsWith('$') || parseJsonPath(value) !== undefined;
}

export type HttpOptions = z.output<typeof schema>;
