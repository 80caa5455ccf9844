import * as z from 'zod/mini';
import { lookupOn } from '../../core/config/lookup-fields.ts';
import { connectionKey } from '../../core/config/schema-components.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LookupComponent } from '../../core/ports/lookup.ts';
import type { MongodbConnection } from './connection.ts';

const schema = z.strictObject({
  connection: connectionKey,
  collection: z
    .string()
    .check(z.minLength(1), z.maxLength(255), z.meta({ description: 'The collection.', samples: ['pays'] })),
  on: lookupOn,
});

export type MongodbLookupOptions = z.output<typeof schema>;

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
