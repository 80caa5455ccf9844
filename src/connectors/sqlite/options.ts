import * as z from 'zod/mini';
import { columnName, columnNames, overlapField } from '../../core/config/fields.ts';

const cursor = z.strictObject({
  column: columnName.check(
    z.meta({ description: 'A column that grows with every insert and update: a number, or a time as ISO text.' }),
  ),
  overlap: overlapField(
    'What is read again each time, so that rows that were written late are not missed: a number for a column of numbers, a duration for one of times. Rows that are in the lake already are not taken twice. Default: only rows with the last value.',
    ['5m', 1000],
  ),
});

/** Options of `type: sqlite`. */
export const schema = z
  .strictObject({
    path: z.string().check(
      z.minLength(1),
      z.refine((text) => !text.includes('\0'), 'a path cannot contain NUL'),
      z.meta({
        description: 'The database file, from the project folder. It is only read.',
        samples: ['data/shop.db'],
      }),
    ),
    table: z.optional(
      z.string().check(z.minLength(1), z.meta({ description: 'The table or view.', samples: ['orders'] })),
    ),
    query: z.optional(
      z
        .string()
        .check(
          z.minLength(1),
          z.maxLength(100_000),
          z.meta({ description: 'Instead of a table: one SELECT.', samples: ['select * from orders where paid'] }),
        ),
    ),
    cursor: z.optional(cursor).check(
      z.meta({
        description:
          'With it each run takes what is new since the last one. Without it each run takes everything, which replaces all there was. Rows whose cursor is NULL, or of another kind than most (a text among numbers), are looked at in each run and taken once, at most 20,000 of them.',
        samples: [{ column: 'updated_at', overlap: '5m' }],
      }),
    ),
    key: z.optional(columnNames).check(
      z.meta({
        description: 'The columns that tell rows apart, for `cursor`. Default: all columns.',
        samples: ['id'],
      }),
    ),
    unit_records: z._default(
      z.int().check(z.gte(1), z.lte(10_000_000), z.meta({ description: 'Rows of one landed unit at most.' })),
      200_000,
    ),
  })
  .check(
    z.refine(({ table, query }) => (table === undefined) !== (query === undefined), 'name one of them: table or query'),
  );

export type SqliteOptions = z.output<typeof schema>;
