import * as z from 'zod/mini';
import { lookupOn } from '../../core/config/lookup-fields.ts';
import { connectionKey } from '../../core/config/schema-components.ts';

/** Options of `lookup: mongodb`. */
export const schema = z.strictObject({
  connection: connectionKey,
  collection: z
    .string()
    .check(z.minLength(1), z.maxLength(255), z.meta({ description: 'The collection.', samples: ['pays'] })),
  on: lookupOn,
});

export type MongodbLookupOptions = z.output<typeof schema>;
