import * as z from 'zod/mini';
import { lookupOn } from '../../core/config/lookup-fields.ts';
import { connectionKey } from '../../core/config/schema-components.ts';
import { tableParts } from './options.ts';

/** Options of `lookup: postgres`. */
export const schema = z.strictObject({
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
