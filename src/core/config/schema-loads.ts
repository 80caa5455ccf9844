import * as z from 'zod/mini';
import { LOAD_MODES, type LoadSpec } from '../model/load.ts';
import { parseTableKey } from '../model/table.ts';
import { columnName, columnNames, connectionName, description, uniqueByCase } from './fields.ts';

const meta = (text: string, ...samples: unknown[]) =>
  z.meta({ description: text, ...(samples.length > 0 ? { samples } : {}) });

/** What a destination calls a schema, a database, a table or a view. */
const targetName = z
  .string()
  .check(
    z.refine(
      (name) => /^[\p{L}_][\p{L}\p{N}_$-]{0,62}$/u.test(name),
      'a name at a destination is letters, digits, _, $ and -, at most 63, and does not start with a digit',
    ),
  );

const pattern = z
  .string()
  .check(
    z.refine(
      (text) => /^(bronze|silver|gold)\.[A-Za-z0-9_*]{1,63}$/.test(text),
      'expected a table such as gold.dim_clients, or a pattern of names such as gold.*',
    ),
  );

const table = z.string().check(
  z.refine((name) => {
    const layer = parseTableKey(name)?.layer;
    return layer !== undefined && layer !== 'quarantine';
  }, 'a table is written bronze.x, silver.x or gold.x'),
);

const mode = z.enum(LOAD_MODES);

function overrideSchema() {
  const index = z.union([columnName, z.array(columnName).check(z.minLength(1), z.maxLength(32))]);
  const indexes = z.pipe(
    z.array(index).check(z.maxLength(64)),
    z.transform((list): readonly (readonly string[])[] => list.map((one) => (typeof one === 'string' ? [one] : one))),
  );
  return z.strictObject({
    as: z.optional(
      targetName.check(meta('Its name at the destination; by default the name without the layer.', 'clients')),
    ),
    mode: z.optional(mode.check(meta('How rows of this table get there.'))),
    key: z.optional(
      columnNames.check(meta('Columns that tell its rows apart; by default the key of the table.', 'id_client')),
    ),
    indexes: z
      ._default(indexes, [])
      .check(meta('Indexes beside that of the key, each a column or a list of them.', ['pays', ['pays', 'ville']])),
    columns: z.optional(
      z
        .record(columnName, targetName)
        .check(meta('Columns to load and their names at the destination; others are left out.', { id_client: 'id' })),
    ),
  });
}

/** One entry of `loads:`. */
function loadSchema(): z.ZodMiniType<LoadSpec> {
  const schema = z.strictObject({
    connection: z.string().check(z.minLength(1), meta('Name of an entry of `connections:`.', 'erp')),
    tables: z
      .array(pattern)
      .check(z.minLength(1), z.maxLength(1000), meta('Tables to load, or patterns of their names.', ['gold.*'])),
    mode: z
      ._default(mode, 'upsert')
      .check(
        meta(
          '`upsert`: rows that changed, by key; a table without key is replaced. `append`: new rows only, what is there stays. `replace`: all rows of a table that changed.',
        ),
      ),
    schema: z.optional(targetName.check(meta('Schema that the tables go to (PostgreSQL).', 'dwh'))),
    database: z.optional(targetName.check(meta('Database that the tables go to (MongoDB).', 'analytics'))),
    transaction: z
      ._default(z.enum(['release', 'per_table']), 'release')
      .check(
        meta(
          'What becomes visible at once: all tables of a release, where the system can do that, or each table by itself, which locks less for less time.',
        ),
      ),
    overrides: z
      ._default(z.record(table, overrideSchema()), {})
      .check(meta('What is different for single tables.', { 'gold.dim_clients': { as: 'clients' } })),
    views: z
      ._default(uniqueByCase(z.record(targetName, z.string().check(z.minLength(1), z.maxLength(100_000))), 'view'), {})
      .check(
        meta('Views to make at the destination, in its own SQL, for people and their tools.', {
          ventes_par_pays: 'select pays, sum(ca) as ca from dwh.kpi_ca group by pays',
        }),
      ),
    description,
  });
  return schema as unknown as z.ZodMiniType<LoadSpec>;
}

/** `loads:` */
export function loadsSchema(): z.ZodMiniType<Record<string, LoadSpec>> {
  return z
    ._default(uniqueByCase(z.record(connectionName, loadSchema()), 'load'), {})
    .check(meta('Databases that each release is loaded into: `dataflow load`.'));
}
