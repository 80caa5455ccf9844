import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LookupComponent } from '../../core/ports/lookup.ts';
import type { MongodbConnection } from './connection.ts';
import { type MongodbLookupOptions, schema } from './lookup-options.ts';

/** A collection of a MongoDB database: `lookup: mongodb`. What asks it is loaded when it is asked. */
export const component: LookupComponent<MongodbLookupOptions> = {
  type: 'mongodb',
  summary: 'A collection of a MongoDB database is asked for many keys at once; fields inside others as `a.b`.',
  schema,
  connection_types: ['mongodb'],
  columnsOf: ({ on }) => Object.keys(on),
  questionOf: ({ connection, collection, on }) => `${connection} ${collection} ${JSON.stringify(on)}`,
  placeProblem: (place) => (place.startsWith('$') ? 'expected a field, such as region or a.region' : undefined),
  open: async (options, { connection }) => {
    if (connection === undefined) throw new DataflowError('E_INTERNAL', 'a mongodb lookup without a connection');
    const { openMongodbLookup } = await import('./open-lookup.ts');
    return openMongodbLookup(options, connection.options as MongodbConnection);
  },
};
