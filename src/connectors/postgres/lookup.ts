import * as z from 'zod/mini';
import { lookupOn } from '../../core/config/lookup-fields.ts';
import { connectionKey } from '../../core/config/schema-components.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LookupComponent } from '../../core/ports/lookup.ts';
import type { PostgresConnection } from './connection.ts';
import { tableParts } from './options.ts';

const schema = z.strictObject({
  connection: connectionKey,
  table: z.string().check(
    z.refine((text) => tableParts(text) !== undefined, 'expected table or schema.table'),
    z.meta({ description: 'The table or view: `pays`, or `ref.pays` with its schema.', samples: ['ref.pays'] }),
  ),
  on: lookupOn,
  statement_timeout_s: z._default(
    z.int().check(z.gte(1), z.lte(3600), z.meta({ description: 'Seconds that a question may take.' })),
    60,
  ),
});

export type PostgresLookupOptions = z.output<typeof schema>;

/** A table of a PostgreSQL database: `lookup: postgres`. What asks it is loaded when it is asked. */
export const component: LookupComponent<PostgresLookupOptions> = {
  type: 'postgres',
  summary: 'A table of a PostgreSQL database is asked for many keys at once.',
  schema,
  connection_types: ['postgres'],
  columnsOf: ({ on }) => Object.keys(on),
  questionOf: ({ connection, table, on }) => `${connection} ${table} ${JSON.stringify(on)}`,
  placeProblem: () => undefined,
  open: async (options, { root, connection }) => {
    if (connection === undefined) throw new DataflowError('E_INTERNAL', 'a postgres lookup without a connection');
    const { openPostgresLookup } = await import('./open-lookup.ts');
    return openPostgresLookup(options, connection.options as PostgresConnection, root);
  },
};
