import * as z from 'zod/mini';
import { fragmentProblem } from '../../kit/sql-scan.ts';
import { parseDuration } from '../../kit/units.ts';
import { TABLE_NAME } from '../model/table.ts';
import { canonicalType, storageOf } from '../types/types.ts';

/** Columns that the line adds by itself. */
const RESERVED_COLUMNS = ['_file', '_part', '_pos', '_src', '_line', '_qid', '_rule'];

/** Names that every JavaScript object answers to: as a table they could be mistaken for one that is defined. */
function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** Devices of Windows: no folder can have such a name there, and a lake may be copied to it. */
const DEVICE_NAME = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

export const tableName = z.string().check(
  z.refine(
    (name) => TABLE_NAME.test(name),
    'a table name is letters, digits and _, at most 63, and does not start with a digit',
  ),
  z.refine((name) => !isInherited(name) && !DEVICE_NAME.test(name), 'this name is reserved'),
);

export const connectionName = z
  .string()
  .check(
    z.refine(
      (name) => /^[A-Za-z][\w-]{0,62}$/.test(name) && !isInherited(name),
      'a connection name is letters, digits, _ and -, at most 63, and starts with a letter',
    ),
  );

export const columnName = z.string().check(
  z.minLength(1),
  z.maxLength(255),
  z.refine((name) => !name.includes('\0'), 'a name cannot contain NUL'),
  z.meta({ description: 'Name of a column; letter case does not matter.' }),
);

/** The name of a column that is made. */
export const newColumnName = columnName.check(
  z.refine((name) => !RESERVED_COLUMNS.includes(name.toLowerCase()), 'this column name is reserved'),
);

/** One name or a list of distinct ones; a list afterwards. */
function oneOrMore(name: z.ZodMiniString, words: string): z.ZodMiniType<readonly string[]> {
  const distinct = z.refine<string[]>(
    (list) => new Set(list.map((one) => one.toLowerCase())).size === list.length,
    `a ${words} occurs twice`,
  );
  const schema = z.pipe(
    z.union([name, z.array(name).check(z.minLength(1), z.maxLength(1000), distinct)]),
    z.transform((value): readonly string[] => (typeof value === 'string' ? [value] : value)),
  );
  return schema as unknown as z.ZodMiniType<readonly string[]>;
}

export const columnNames = oneOrMore(columnName, 'column');
export const sourceNames = oneOrMore(tableName, 'source');
export const tags = z._default(
  oneOrMore(z.string().check(z.regex(/^[\w.-]{1,63}$/, 'a tag is letters, digits, _, . and -')), 'tag'),
  [],
);

export const description = z.optional(
  z.string().check(z.maxLength(10_000), z.meta({ description: 'What the table is, for people.' })),
);

/** An SQL expression or condition that will stand in parentheses inside a larger statement. */
export const sqlFragment = z.string().check(
  z.maxLength(20_000),
  z.superRefine((text, context) => {
    const problem = fragmentProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `the SQL ${problem}`, input: text });
  }),
);

/** A type that the lake can store, in its canonical spelling. */
export const columnType = z.pipe(
  z.string().check(z.minLength(1), z.maxLength(1000)),
  z.transform((text, context): string => {
    const problem = typeProblem(text);
    if (problem === undefined) return canonicalType(text);
    context.issues.push({
      code: 'custom',
      message: problem,
      input: text,
      params: { word: text, candidates: COMMON_TYPES },
    });
    return z.NEVER;
  }),
);

/** Offered when a type is misspelt. */
const COMMON_TYPES = [
  'bigint',
  'integer',
  'double',
  'decimal(12,2)',
  'varchar',
  'boolean',
  'date',
  'timestamp',
  'timestamptz',
  'uuid',
  'json',
  'blob',
];

function typeProblem(text: string): string | undefined {
  const broken = isInherited(text.trim().toLowerCase()) ? 'is no type' : fragmentProblem(text);
  if (broken !== undefined) return `the type ${broken}`;
  try {
    storageOf(text, 'c');
    return undefined;
  } catch {
    return `${JSON.stringify(text)} is not a type the lake can store`;
  }
}

/** Declared columns: name → type. */
export function columnsSchema() {
  return uniqueByCase(z.record(newColumnName, columnType), 'column').check(
    z.meta({
      description: 'Columns and their types, in order. Without it they are inferred from the first input, then frozen.',
      samples: [{ id: 'bigint', montant: 'decimal(12,2)' }],
    }),
  );
}

/** A map whose keys differ even without regard to letter case, as in SQL and on many file systems. */
export function uniqueByCase<T>(
  schema: z.ZodMiniType<Record<string, T>>,
  words: string,
): z.ZodMiniType<Record<string, T>> {
  return schema.check(
    z.superRefine((map, context) => {
      const seen = new Map<string, string>();
      for (const key of Object.keys(map)) {
        const other = seen.get(key.toLowerCase());
        if (other !== undefined)
          context.addIssue({
            code: 'custom',
            path: [key],
            message: `this ${words} differs from ${other} only in letter case`,
            input: key,
            params: { at_key: true },
          });
        seen.set(key.toLowerCase(), key);
      }
    }),
  );
}

/** `overlap:` of a cursor: a number for cursors that are numbers, a duration for those that are times. */
export function overlapField(description: string, samples: readonly (string | number)[]) {
  return z.optional(
    z
      .union([
        z.int().check(z.gte(0), z.lte(1_000_000_000)),
        z.string().check(z.refine((text) => parseDuration(text) !== undefined, 'expected a duration such as 5m')),
      ])
      .check(z.meta({ description, samples: [...samples] })),
  );
}

/** `settle_seconds:` of sources that look into a folder. */
export function settleField(seconds: number) {
  const description =
    'A file changed less than so many seconds ago is perhaps still being written, so it waits for a later run.';
  return z._default(z.number().check(z.minimum(0), z.maximum(86_400), z.meta({ description })), seconds);
}
