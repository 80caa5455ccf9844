import * as z from 'zod/mini';
import { PARAM_TYPES, type RouteSpec } from '../model/serve.ts';
import { canonicalType } from '../types/types.ts';
import { columnName, columnNames, description } from './fields.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

const paramName = z.string().check(
  z.refine((text) => /^[A-Za-z]\w{0,62}$/.test(text), 'a parameter is letters, digits and _, and starts with a letter'),
  z.refine((text) => !RESERVED.includes(text), `these names are taken: skip, limit, as_of, format, formula_safe`),
);

/** What every route that lists rows understands by itself. */
const RESERVED: readonly string[] = ['skip', 'limit', 'as_of', 'format', 'formula_safe', '__proto__', 'constructor'];

/** Paths that the server has for itself. */
const OWN_PATHS =
  /^\/(health|ready|metrics|openapi\.json|docs|api\/v1\/(tables|pipeline\/(runs|graph|tables|sources|destinations|quarantine|receipts|actions)))(\/|$)/;

const routePath = z.string().check(
  z.maxLength(200),
  z.refine(
    (text) => /^(\/[A-Za-z0-9][A-Za-z0-9._~-]*)+$/.test(text),
    'a path is / and words of letters, digits, ., _, ~ and -, such as /api/v1/clients',
  ),
  z.refine((text) => !OWN_PATHS.test(text), 'the server has this path for itself'),
);

function paramSchema() {
  const scalar = z.union([z.string().check(z.maxLength(1000)), z.number(), z.boolean()]);
  const type = z.pipe(
    z.string().check(z.refine((text) => typeOf(text) !== undefined, `expected ${PARAM_TYPES.join(', ')}`)),
    z.transform((text) => typeOf(text)),
  );
  return z.strictObject({
    type: z
      ._default(type, 'varchar')
      .check(meta('Type of its values: bigint, double, varchar, boolean, date or timestamp.')),
    default: z.optional(
      scalar.check(
        meta(
          'Value when it is not given; `latest` for a date or a time is the greatest value of what the query compares it with. Without a default it is NULL.',
          'latest',
        ),
      ),
    ),
    required: z._default(z.boolean(), false).check(meta('It has to be given.')),
    values: z.optional(
      z
        .array(z.union([z.string(), z.number()]))
        .check(z.minLength(1), z.maxLength(1000), meta('The only values allowed.', ['jour', 'mois', 'annee'])),
    ),
    min: z.optional(z.number().check(meta('Smallest number allowed.'))),
    max: z.optional(z.number().check(meta('Greatest number allowed.'))),
    description: z.optional(z.string().check(z.maxLength(1000), meta('For the documentation of the endpoint.'))),
  });
}

function typeOf(text: string): (typeof PARAM_TYPES)[number] | undefined {
  try {
    const canonical = canonicalType(text);
    return PARAM_TYPES.find((one) => one === canonical || (one === 'bigint' && canonical === 'integer'));
  } catch {
    return undefined;
  }
}

/** A list of columns whose parameters are called like them, or parameter → column. */
const filters = z.pipe(
  z.union([z.array(paramName).check(z.maxLength(100)), z.record(paramName, columnName)]),
  z.transform(
    (value): Record<string, string> =>
      Array.isArray(value) ? Object.fromEntries(value.map((name) => [name, name])) : value,
  ),
);

const limit = z.pipe(
  z.union([
    z.int().check(z.minimum(1)),
    z.strictObject({
      default: z._default(z.int().check(z.minimum(1)), 100).check(meta('Rows when the request does not say.')),
      max: z._default(z.int().check(z.minimum(1)), 1000).check(meta('Rows that a request may ask for, at most.')),
    }),
  ]),
  z.transform((value) => (typeof value === 'number' ? { default: value, max: Math.max(value, 1000) } : value)),
);

function routeSchema() {
  return z.strictObject({
    table: z.optional(
      z
        .string()
        .check(
          z.regex(/^(bronze|silver|gold)\.\w{1,63}$/, 'expected a table such as gold.dim_clients'),
          meta('The table whose rows it gives.', 'gold.dim_clients'),
        ),
    ),
    sql: z.optional(
      z
        .string()
        .check(
          z.minLength(1),
          z.maxLength(20_000),
          meta('The query whose rows it gives; `$name` stands for a parameter.'),
        ),
    ),
    pipeline: z.optional(
      z
        .enum(['status', 'refresh_times'])
        .check(meta('What the ledger knows: how the tables stand, or when each was made and how long it took.')),
    ),
    params: z
      ._default(z.record(paramName, paramSchema()), {})
      .check(meta('Parameters of the query.', { date: { type: 'date', default: 'latest' } })),
    filters: z
      ._default(filters, {})
      .check(meta('Columns that can be asked for by value; as a map: parameter → column.', ['pays'])),
    ranges: z._default(z.record(columnName, z.tuple([paramName, paramName])), {}).check(
      meta('Columns that can be asked for by their lowest and highest value: column → two parameters.', {
        date: ['date_debut', 'date_fin'],
      }),
    ),
    order: z
      ._default(columnNames, [])
      .check(meta('Columns that decide the order; `-` in front of one: the greatest first.', '-date')),
    item: z.optional(columnName.check(meta('Column by whose value one row is given: at PATH/{value}.', 'id_client'))),
    columns: z.optional(columnNames.check(meta('Columns to give; all by default.', ['id_client', 'nom']))),
    limit: z
      ._default(limit, { default: 100, max: 1000 })
      .check(meta('Rows when nothing is said, and at most.', { default: 10, max: 100 })),
    answer: z.optional(
      z
        .enum(['list', 'rows', 'row'])
        .check(
          meta(
            '`list`: `{total, skip, limit, data}`; `rows`: the rows alone; `row`: the only row. Default: `list` for a table and for a query with filters, ranges or an item, otherwise `rows`.',
          ),
        ),
    ),
    description,
  });
}

/** `serve.routes:` */
export function routesSchema(): z.ZodMiniType<Record<string, RouteSpec>> {
  const schema = z
    ._default(
      z.record(
        routePath,
        routeSchema().check(
          z.refine(
            ({ table, sql, pipeline }) => [table, sql, pipeline].filter((one) => one !== undefined).length === 1,
            'give exactly one of table, sql and pipeline',
          ),
        ),
      ),
      {},
    )
    .check(meta('Endpoints by their path: over a table, a query, or what the ledger knows.'));
  return schema as unknown as z.ZodMiniType<Record<string, RouteSpec>>;
}
