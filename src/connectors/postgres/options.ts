import * as z from 'zod/mini';
import { columnName, columnNames, overlapField } from '../../core/config/fields.ts';
import { parseDuration } from '../../kit/units.ts';

const identifier = z.string().check(z.minLength(1), z.maxLength(63));

/** Rows that a cursor of numbers reads again. */
const NUMBERS_AGAIN = 1000;
/** The time that a cursor of times reads again. */
const TIME_AGAIN = '5m';

const cursor = z.strictObject({
  column: columnName.check(
    z.meta({
      description: 'A column that grows with every insert and update: a time of change, or a number from a sequence.',
    }),
  ),
  overlap: overlapField(
    `What is read again each time, so that rows whose transaction committed late are not missed: a duration for a column of times (default ${TIME_AGAIN}), a number for a column of numbers (default ${NUMBERS_AGAIN}). At least as long as the longest transaction that writes. With 0, and for text, only the highest value is read again. Rows that are in the lake already are not taken twice.`,
    ['5m', 1000],
  ),
});

/** Options of `type: postgres`. */
export const schema = z
  .strictObject({
    table: z.optional(
      z.string().check(
        z.refine((text) => tableParts(text) !== undefined, 'expected table or schema.table'),
        z.meta({
          description:
            'The table or view: `factures`, `sales.factures`, or `"Sales"."Factures"` for names with capitals.',
          samples: ['sales.factures'],
        }),
      ),
    ),
    query: z.optional(
      z.string().check(
        z.minLength(1),
        z.maxLength(100_000),
        z.meta({
          description:
            'Instead of a table: one SELECT in the words of the database. It runs in a transaction that only reads.',
          samples: ['select id, total::numeric(12,2) from sales.factures'],
        }),
      ),
    ),
    cursor: z.optional(cursor).check(
      z.meta({
        description:
          'With it each run takes what is new since the last one. Without it each run takes everything, which replaces all there was.',
        samples: [{ column: 'updated_at', overlap: '5m' }],
      }),
    ),
    key: z.optional(columnNames).check(
      z.meta({
        description: 'The columns that tell rows apart; for `cursor`. Default: the primary key of the table.',
        samples: ['id'],
      }),
    ),
    parallel: z
      ._default(z.int().check(z.gte(1), z.lte(8)), 2)
      .check(
        z.meta({ description: 'Connections that read a whole table side by side, all of them the same snapshot.' }),
      ),
    statement_timeout_s: z
      ._default(z.int().check(z.gte(1), z.lte(86_400)), 3600)
      .check(z.meta({ description: 'Seconds that one statement may take in the database.' })),
  })
  .check(
    z.refine(({ table, query }) => (table === undefined) !== (query === undefined), 'expected either table or query'),
    z.refine(
      ({ cursor, query, key }) => cursor === undefined || query === undefined || key !== undefined,
      'a query that is read by cursor needs a key',
    ),
  );

export type PostgresOptions = z.infer<typeof schema>;

/** What is read again of a cursor of times (as an interval) or numbers. */
export function overlapOf(overlap: string | number | undefined, kind: 'time' | 'number'): string | number | undefined {
  if (kind === 'number')
    return overlap === undefined ? NUMBERS_AGAIN : typeof overlap === 'number' ? overlap : undefined;
  const ms = parseDuration(typeof overlap === 'string' ? overlap : overlap === 0 ? '0s' : TIME_AGAIN);
  return typeof overlap === 'number' && overlap !== 0 ? undefined : `${ms ?? 0} milliseconds`;
}

/** `schema.table` in its parts, by the rules of SQL: what is not quoted is lower case. */
export function tableParts(text: string): readonly string[] | undefined {
  const part = /^(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))/;
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const [all, quoted, plain] = part.exec(rest) ?? [];
    if (all === undefined) return undefined;
    const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? '';
    if (!identifier.safeParse(name).success || name.includes('\0')) return undefined;
    parts.push(name);
    rest = rest.slice(all.length);
    if (rest === '') return parts.length <= 2 ? parts : undefined;
    if (!rest.startsWith('.')) return undefined;
    rest = rest.slice(1);
  }
}
