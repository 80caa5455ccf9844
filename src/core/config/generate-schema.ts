import * as z from 'zod/mini';
import { GENERATOR_KINDS, type GenerateSpec } from '../model/generate.ts';
import { columnName, tableName } from './fields.ts';

const DATE_TEXT = /^\d{4}-\d{2}-\d{2}$/;
const limit = z.union([
  z.number(),
  z.string().check(z.refine((text) => DATE_TEXT.test(text), 'expected a number, or a date such as 2024-12-31')),
]);
const count = z.int().check(z.gte(0), z.lte(1_000_000_000));
const value = z.union([
  z.string().check(
    z.maxLength(1000),
    z.refine((text) => !text.includes('\0'), 'a value cannot contain NUL'),
  ),
  z.number(),
  z.boolean(),
]);

const column = z
  .strictObject({
    kind: z.optional(
      z
        .enum(GENERATOR_KINDS)
        .check(z.meta({ description: 'What the values are. Default: inferred from type, name and rules.' })),
    ),
    values: z.optional(
      z
        .array(value)
        .check(
          z.minLength(1),
          z.maxLength(10_000),
          z.meta({ description: 'Values to choose from.', samples: [['CB', 'VIREMENT']] }),
        ),
    ),
    min: z.optional(limit.check(z.meta({ description: 'The least value: a number or a date.', samples: [10] }))),
    max: z.optional(limit.check(z.meta({ description: 'The greatest value: a number or a date.', samples: [2000] }))),
    decimals: z.optional(
      z.int().check(z.gte(0), z.lte(9), z.meta({ description: 'Digits after the point. Default 2.' })),
    ),
    unique: z.optional(z.boolean().check(z.meta({ description: 'Count 1, 2, 3, …, so that no value occurs twice.' }))),
    references: z.optional(
      tableName.check(z.meta({ description: 'Source whose key the column holds.', samples: ['clients'] })),
    ),
  })
  .check(
    z.refine(
      (hints) => typeof hints.min !== 'number' || typeof hints.max !== 'number' || hints.min <= hints.max,
      'min is greater than max',
    ),
    z.refine(
      (hints) => typeof hints.min !== 'string' || typeof hints.max !== 'string' || hints.min <= hints.max,
      'min is later than max',
    ),
  );

const per = z
  .strictObject({
    references: tableName.check(
      z.meta({ description: 'The source with one row for each group of rows.', samples: ['clients'] }),
    ),
    column: z.optional(
      columnName.check(
        z.meta({ description: 'Column that holds its key. Default: the one that a `references` rule names.' }),
      ),
    ),
    min: z
      ._default(z.int().check(z.gte(1), z.lte(100_000)), 1)
      .check(z.meta({ description: 'Fewest rows for each of its rows.' })),
    max: z
      ._default(z.int().check(z.gte(1), z.lte(100_000)), 10)
      .check(z.meta({ description: 'Most rows for each of its rows.' })),
  })
  .check(z.refine((hints) => hints.min <= hints.max, 'min is greater than max'));

/** `generate:` of a source, for `dataflow generate`. */
export const generateSchema = z
  .strictObject({
    rows: z.optional(count.check(z.meta({ description: 'Rows to make. Default 1000.', samples: [1500] }))),
    per: z.optional(
      per.check(
        z.meta({
          description: 'Rows for each row of another source.',
          samples: [{ references: 'clients', min: 1, max: 10 }],
        }),
      ),
    ),
    columns: z._default(z.record(columnName, column), {}).check(
      z.meta({
        description: 'How the values of a column are made, by column.',
        samples: [{ montant: { min: 10, max: 2000 } }],
      }),
    ),
  })
  .check(
    z.meta({
      description: 'Hints for `dataflow generate`. What is not said is inferred from columns, keys and rules.',
    }),
  ) as unknown as z.ZodMiniType<GenerateSpec>;
