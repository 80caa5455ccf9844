import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LookupComponent } from '../../core/ports/lookup.ts';
import type { PostgresConnection } from './connection.ts';
import { type PostgresLookupOptions, schema } from './lookup-options.ts';

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
