import * as z from 'zod/mini';
import type { GoldSpec, SilverSpec } from '../model/project.ts';
import { checkList } from './check-entries.ts';
import type { Components } from './components.ts';
import { columnName, columnNames, description, sourceNames, sqlFragment, tags, uniqueByCase } from './fields.ts';
import { enrichList } from './schema-enrich.ts';

/** A gold table as it is written; the loader adds where its SQL came from. */
export type GoldShape = Omit<GoldSpec, 'sql_file'>;

/** One entry of `silver:`. */
export function silverSchema(components: Components): z.ZodMiniType<SilverSpec> {
  const silver = z
    .strictObject({
      from: sourceNames.check(
        z.meta({
          description: 'Sources that the rows come from, united by column name.',
          samples: ['clients', ['shop_a', 'shop_b']],
        }),
      ),
      select: z._default(uniqueByCase(z.record(columnName, sqlFragment), 'column'), {}).check(
        z.meta({
          description: 'Column → SQL expression over the source’s columns. Columns that are not named pass through.',
          samples: [{ pays: 'title_case(trim(pays))' }],
        }),
      ),
      where: z.optional(
        sqlFragment.check(
          z.meta({
            description: 'SQL condition of the rows to keep; the others are counted as filtered.',
            samples: ['montant is not null'],
          }),
        ),
      ),
      enrich: z.optional(enrichList(components)).check(
        z.meta({
          description:
            'Columns to look up elsewhere, once for each distinct key: in another table of the lake, or by asking a system. They are added after `select`, before the rules, one lookup after the other.',
        }),
      ),
      rules: checkList(components.checks, 'rule').check(
        z.meta({
          description:
            'Checks on each row. A row that breaks one goes to quarantine with the rule’s name (`severity: warn` only counts it).',
        }),
      ),
      ...keyFields(),
      partition_by: z
        ._default(columnNames, [])
        .check(z.meta({ description: 'Columns by whose values the files are kept apart.', samples: ['date'] })),
      tests: checkList(components.checks, 'test').check(
        z.meta({
          description: 'Checks on the whole candidate before it is published. A failed one keeps the old version.',
        }),
      ),
      tags: tags.check(z.meta({ description: 'Words for `--select tag:…`.' })),
      description,
    })
    .check(...keyRules());
  return silver as unknown as z.ZodMiniType<SilverSpec>;
}

/** What identifies a row, and which rows of a key stay. */
function keyFields() {
  return {
    key: z._default(columnNames, []).check(
      z.meta({
        description: 'Columns that identify a row. Rows with a known key replace the older ones.',
        samples: ['id', ['shop', 'id']],
      }),
    ),
    dedupe: z.optional(dedupeSchema()).check(
      z.meta({
        description: 'Which row stays when several have the same key. Needs `key`.',
        samples: [{ keep: 'last', by: 'updated_at' }],
      }),
    ),
    deleted_when: z.optional(
      sqlFragment.check(
        z.meta({
          description:
            'SQL condition over the table’s columns: a row for which it holds deletes its key, until a later row brings it back. Needs `key`.',
          samples: ["op = 'D'"],
        }),
      ),
    ),
    history: z.optional(z.boolean()).check(
      z.meta({
        description:
          'True: every version of a key is kept, with the columns `valid_from`, `valid_to` (empty while it holds) and `is_current`. Needs `key` and `dedupe: { by: … }`, the moment from which a row holds.',
      }),
    ),
  };
}

type Keyed = Pick<SilverSpec, 'key' | 'dedupe' | 'deleted_when' | 'history'>;

/** Settings about duplicates that need each other. */
function keyRules() {
  const rule = (holds: (table: Keyed) => boolean, message: string, path: string) =>
    z.refine((table) => holds(table as Keyed), { message, path: [path] });
  return [
    rule(
      ({ dedupe, key }) => dedupe === undefined || key.length > 0,
      'needs key: duplicates are rows with the same key',
      'dedupe',
    ),
    rule(
      ({ deleted_when, key }) => deleted_when === undefined || key.length > 0,
      'needs key: what is deleted is a key',
      'deleted_when',
    ),
    rule(
      ({ deleted_when, dedupe }) => deleted_when === undefined || dedupe?.keep !== 'first',
      'needs dedupe.keep: last: a deletion comes after the row that it deletes',
      'deleted_when',
    ),
    rule(
      ({ history, key, dedupe }) => history !== true || (key.length > 0 && dedupe?.by !== undefined),
      'needs key and dedupe.by, the column that says from when a row holds',
      'history',
    ),
    rule(
      ({ history, dedupe }) => history !== true || (dedupe?.keep === 'last' && !dedupe.before_rules),
      'keeps all versions: dedupe.keep must be last (or left out), and before_rules is not possible',
      'history',
    ),
  ];
}

function dedupeSchema() {
  return z.strictObject({
    keep: z
      ._default(z.enum(['first', 'last']), 'last')
      .check(z.meta({ description: 'Which of the rows with one key stays.' })),
    by: z.optional(
      columnName.check(
        z.meta({ description: 'Column that orders them. Without it the order in which rows arrived decides.' }),
      ),
    ),
    before_rules: z._default(z.boolean(), false).check(
      z.meta({
        description: 'True: duplicates go before the rules are applied, so the kept row counts even if it is bad.',
      }),
    ),
  });
}

/** One entry of `gold:`. */
export function goldSchema(components: Components): z.ZodMiniType<GoldShape> {
  const query = (description: string, samples: readonly string[]) =>
    z.string().check(
      z.maxLength(1_000_000),
      z.refine((text) => text.trim() !== '' && !text.includes('\0'), 'must not be empty'),
      z.meta({ description, samples: [...samples] }),
    );
  const sql = query('The query, or the path of a .sql file relative to this file.', [
    'models/dim_clients.sql',
    'select * from silver.clients',
  ]);
  const dialects = z.strictObject({
    duckdb: sql,
    spark: query(
      'The same query in Spark’s SQL, or the path of its .sql file, where the first one cannot be translated.',
      ['models/dim_clients.spark.sql'],
    ),
  });
  const gold = z.strictObject({
    sql: z
      .union([sql, dialects])
      .check(
        z.meta({ description: 'The query, or the path of a .sql file relative to this file; or one for each engine.' }),
      ),
    key: z._default(columnNames, []).check(
      z.meta({
        description:
          'Columns that identify a row; tested for duplicates and missing values by whoever loads the table.',
      }),
    ),
    refresh: z
      .optional(
        z.strictObject({
          by: columnName.check(z.meta({ description: 'Column of the result; usually one of `key`.' })),
        }),
      )
      .check(
        z.meta({
          description: 'Compute again only the rows whose value of this column was touched. Default: the whole table.',
          samples: [{ by: 'date' }],
        }),
      ),
    partition_by: z
      ._default(columnNames, [])
      .check(z.meta({ description: 'Columns by whose values the files are kept apart.' })),
    tests: checkList(components.checks, 'test').check(
      z.meta({ description: 'Checks on the whole candidate before it is published.' }),
    ),
    tags: tags.check(z.meta({ description: 'Words for `--select tag:…`.' })),
    description,
  });
  const short = z.pipe(
    z.union([sql, gold]),
    z.transform((value: string | z.output<typeof gold>) => {
      if (typeof value === 'string') return { sql: value, key: [], partition_by: [], tests: [], tags: [] };
      if (typeof value.sql === 'string') return value;
      return { ...value, sql: value.sql.duckdb, spark_sql: value.sql.spark };
    }),
  );
  return short as unknown as z.ZodMiniType<GoldShape>;
}
