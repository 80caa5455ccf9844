import * as z from 'zod/mini';
import { columnName, uniqueByCase } from './fields.ts';

const name = z.string().check(z.minLength(1), z.maxLength(1000));

/** `on:` of a lookup in a database: by which columns its rows are found. */
export const lookupOn = uniqueByCase(z.record(columnName, name), 'column').check(
  z.refine((map) => Object.keys(map).length > 0, 'must name a column'),
  z.meta({
    description: 'Column of the row → column there; together they identify one row there.',
    samples: [{ pays: 'code' }],
  }),
);
