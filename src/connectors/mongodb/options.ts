import * as z from 'zod/mini';
import { overlapField } from '../../core/config/fields.ts';
import { parseDuration } from '../../kit/units.ts';

const TIME_AGAIN = '5m';
const NUMBERS_AGAIN = 1000;

const path = z
  .string()
  .check(z.minLength(1), z.maxLength(255), z.regex(/^[^$\0][^\0]*$/, 'a field cannot start with $'));

const cursor = z.strictObject({
  field: path.check(
    z.meta({
      description:
        'A field that grows with every insert and update: a date of change, a number, or `_id` for what is only ever inserted.',
      samples: ['updated_at'],
    }),
  ),
  overlap: overlapField(
    `What is read again each time, so that documents that were written late are not missed: a duration for dates and ObjectIds (default ${TIME_AGAIN}), a number for numbers (default ${NUMBERS_AGAIN}). With 0, and for text, only the highest value is read again. Documents that are in the lake already are not taken twice.`,
    ['5m'],
  ),
});

/** MongoDB would run these as programs. */
const PROGRAMS = /"\$(where|function|accumulator)"/;

const filter = z
  .record(z.string(), z.unknown())
  .check(z.refine((map) => !PROGRAMS.test(JSON.stringify(map)), 'a filter cannot run JavaScript ($where, $function)'));

const nested = z.union([z.enum(['json', 'flatten']), z.strictObject({ unwind: path })]);

/** Options of `type: mongodb`. */
export const schema = z
  .strictObject({
    collection: z
      .string()
      .check(
        z.minLength(1),
        z.maxLength(255),
        z.regex(/^[^$\0]+$/, 'a collection has no $ in its name'),
        z.meta({ description: 'Name of the collection or view.', samples: ['assets'] }),
      ),
    filter: z.optional(filter).check(
      z.meta({
        description:
          'Which documents: a filter of MongoDB, in extended JSON (`{ day: { $gte: { $date: "2026-01-01T00:00:00Z" } } }`).',
        samples: [{ kind: 'invoice' }],
      }),
    ),
    projection: z.optional(z.record(path, z.union([z.literal(0), z.literal(1), z.boolean()]))).check(
      z.meta({
        description: 'Which fields: `{ name: 1 }` only these, `{ photo: 0 }` all but these.',
        samples: [{ photo: 0 }],
      }),
    ),
    cursor: z.optional(cursor).check(
      z.meta({
        description:
          'With it each run takes what is new since the last one. Without it (and without `change_stream`) each run takes everything, which replaces all there was.',
        samples: [{ field: 'updated_at', overlap: '5m' }],
      }),
    ),
    change_stream: z._default(z.boolean(), false).check(
      z.meta({
        description:
          'Follows the change stream of a replica set: first the whole collection, then each insert, update and delete as a row of its own with its kind in `_op` (`read`, `insert`, `update`, `replace`, `delete`) and its time in `_at`.',
      }),
    ),
    nested: z._default(nested, 'json').check(
      z.meta({
        description:
          'What becomes of documents inside documents: `json` keeps each as JSON text, `flatten` makes columns `a_b` of them (lists stay JSON text), `{ unwind: items }` also makes a row of each element of that list, numbered in `_index`.',
        samples: ['flatten', { unwind: 'items' }],
      }),
    ),
    document: z._default(z.boolean(), false).check(
      z.meta({
        description:
          'Adds a column `_document` with the whole document as canonical extended JSON, in which every BSON type is told.',
      }),
    ),
    batch_documents: z
      ._default(z.int().check(z.gte(1), z.lte(100_000)), 1000)
      .check(z.meta({ description: 'Documents that are asked for at a time.' })),
    timeout_s: z
      ._default(z.int().check(z.gte(1), z.lte(86_400)), 600)
      .check(z.meta({ description: 'Seconds that the server may work for one answer.' })),
  })
  .check(
    z.refine(
      ({ cursor, change_stream }) => cursor === undefined || !change_stream,
      'cursor and change_stream exclude each other',
    ),
    z.refine(
      ({ change_stream, filter, projection }) => !change_stream || (filter === undefined && projection === undefined),
      'a change stream takes the whole collection: leave out filter and projection',
    ),
    z.refine(
      ({ projection, cursor }) =>
        !hides(projection, '_id') && (cursor === undefined || !hides(projection, cursor.field)),
      'the projection has to keep _id and the field of the cursor',
    ),
  );

export type MongodbOptions = z.infer<typeof schema>;

type Projection = MongodbOptions['projection'];

/** `_id` stays unless it is left out by name; others stay if they are named among what is taken, or not among what is left out. */
function hides(projection: Projection, field: string): boolean {
  if (projection === undefined) return false;
  const over = Object.keys(projection).find((name) => name === field || field.startsWith(`${name}.`));
  if (over !== undefined) return !projection[over];
  return field !== '_id' && Object.entries(projection).some(([name, keep]) => name !== '_id' && Boolean(keep));
}

/** What is read again. Undefined: the overlap does not fit the kind. */
export function overlapOf(overlap: string | number | undefined, kind: 'time' | 'number'): number | undefined {
  if (overlap === 0) return 0;
  if (kind === 'number')
    return overlap === undefined ? NUMBERS_AGAIN : typeof overlap === 'number' ? overlap : undefined;
  return typeof overlap === 'number' ? undefined : parseDuration(overlap ?? TIME_AGAIN);
}
