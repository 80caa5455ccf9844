import * as z from 'zod/mini';
import type { $ZodType } from 'zod/v4/core';
import type { EngineSpec, GoldSpec, LakeSpec, SilverSpec, SourceSpec } from '../model/project.ts';
import { checkList } from './check-entries.ts';
import { applySchema, type Components, type Context, complain, dispatch, shapeOf } from './components.ts';
import { found } from './messages.ts';
import { columnName, columnNames, columnsSchema, description, sourceNames, sqlFragment, tableName, tags, uniqueByCase } from './fields.ts';

export interface SchemaOptions {
  /** Canonical name of a column type, or undefined for a type the lake cannot store; see `core/types`. */
  readonly canonicalType?: (text: string) => string | undefined;
}

/** A whole configuration after defaults; the loader adds the paths to make it a `Project`. */
export interface ProjectShape {
  readonly version: 1;
  readonly name?: string | undefined;
  readonly include: readonly string[];
  readonly lake: LakeSpec;
  readonly engine: EngineSpec;
  readonly sources: Record<string, SourceSpec>;
  readonly silver: Record<string, SilverSpec>;
  readonly gold: Record<string, GoldShape>;
}

export type GoldShape = Omit<GoldSpec, 'sql_file'>;

/** The schema of `pipelines.yaml` for the given components: it validates, converts, and describes itself to the generator. */
export function projectSchema(components: Components, options: SchemaOptions = {}): z.ZodMiniType<ProjectShape> {
  const tables = <T>(schema: z.ZodMiniType<T>, text: string) =>
    z._default(uniqueByCase(z.record(tableName, schema), 'table'), {}).check(z.meta({ description: text }));
  const schema = z.strictObject({
    version: z._default(z.literal(1), 1).check(z.meta({ description: 'Version of the configuration format.', examples: [1] })),
    name: z.optional(z.string().check(z.minLength(1), z.maxLength(100), z.meta({ description: 'Name of the project. Default: the name of its folder.', examples: ['factures'] }))),
    include: z._default(z.array(z.string().check(z.minLength(1))), []).check(
      z.meta({ description: 'More files with the same top-level keys; globs, relative to this file. A table defined twice is an error.', examples: [['pipelines/*.yaml']] }),
    ),
    lake: lakeSchema(),
    engine: engineSchema(components),
    sources: tables(sourceSchema(components, options), 'Where data comes from. Each source becomes the bronze table of the same name.'),
    silver: tables(silverSchema(components), 'Clean tables: rows of one or several sources, converted, checked and deduplicated.'),
    gold: tables(goldSchema(components), 'Tables modelled in SQL over `bronze.x`, `silver.y` and `gold.z`. What they depend on is read from the SQL.'),
  });
  return schema as unknown as z.ZodMiniType<ProjectShape>;
}

function lakeSchema() {
  const folder = (layer: string) =>
    z._default(z.string().check(z.refine(isFolderName, 'a folder name is letters, digits, _, . and -, and starts with a letter')), layer).check(z.meta({ description: `Folder of the ${layer} layer.` }));
  const layers = z.strictObject({ bronze: folder('bronze'), silver: folder('silver'), gold: folder('gold') }).check(
    z.refine((names) => new Set(Object.values(names).map((name) => name.toLowerCase())).size === 3, 'the three layers need three different folders'),
  );
  const days = (value: number, text: string) => z._default(z.int().check(z.gte(0), z.lte(100_000)), value).check(z.meta({ description: text }));
  const keep = z.strictObject({
    versions_days: days(30, 'Days for which old versions of tables can be read.'),
    quarantine_days: days(90, 'Days for which rejected rows are kept.'),
  });
  const url = z._default(z.string().check(z.minLength(1), z.refine(isLakeUrl, 'expected a folder, hdfs://… or s3://…')), './lake');
  const lake = z.strictObject({
    url: url.check(z.meta({ description: 'Where the lake is: a folder relative to the configuration file, `hdfs://…` or `s3://…`.', examples: ['./lake'] })),
    layers: z.prefault(layers, {}).check(z.meta({ description: 'Folder names of the layers. The layers themselves stay bronze, silver and gold in SQL.', examples: [{ bronze: 'raw', silver: 'clean', gold: 'curated' }] })),
    keep: z.prefault(keep, {}).check(z.meta({ description: 'How long old versions and rejected rows are kept.' })),
  });
  return z.prefault(lake, {}).check(z.meta({ description: 'Where the tables are kept.' }));
}

function isFolderName(name: string): boolean {
  return /^[A-Za-z][\w.-]{0,62}$/.test(name) && name.toLowerCase() !== 'quarantine' && !name.endsWith('.');
}

function isLakeUrl(url: string): boolean {
  return !url.includes('\0') && (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url) || /^(hdfs|s3|file):\/\//i.test(url));
}

const DEFAULT_ENGINE = 'duckdb';

function engineSchema(components: Components) {
  const engine = dispatch<EngineSpec>('engine', 'The engine that runs the SQL, and its options.', (value, context) => {
    if (!isMap(value)) return complain(context, [], 'expected a map such as { type: duckdb, memory_limit: 4GB }');
    const { type = DEFAULT_ENGINE, ...rest } = value;
    const component = typeof type === 'string' ? components.engines.get(type) : undefined;
    if (component === undefined) return unknownType(context, type, components.engines);
    const options = applyOptions(component.schema, rest, type, context, []);
    return options === undefined ? undefined : { ...options, type: type as string };
  });
  return z.prefault(engine, {} as EngineSpec);
}

/** Keys that every source has; the rest belongs to its component. */
export function sourceCommon(options: SchemaOptions) {
  return z.strictObject({
    columns: z.optional(columnsSchema(options.canonicalType)),
    schema_change: z._default(z.enum(['evolve', 'freeze', 'discard_row', 'discard_value']), 'freeze').check(
      z.meta({
        description: 'When the columns of the input change: `evolve` adds new ones, `freeze` stops, `discard_row` quarantines the rows, `discard_value` drops the new values.',
      }),
    ),
    on_rewrite: z._default(z.enum(['replace', 'append', 'error']), 'replace').check(
      z.meta({ description: 'When a loaded input comes again under the same name with other content: `replace` its rows, `append`, or stop with an `error`.' }),
    ),
    tags: tags.check(z.meta({ description: 'Words for `--select tag:…`.', examples: [['daily']] })),
    description,
  });
}

function sourceSchema(components: Components, options: SchemaOptions): z.ZodMiniType<SourceSpec> {
  const common = sourceCommon(options);
  const commonKeys = Object.keys(common.shape);
  return dispatch<SourceSpec>('source', 'A source; `type` decides which options it has.', (value, context) => {
    if (!isMap(value)) return complain(context, [], 'expected a map such as { type: files, path: inbox/*.csv }');
    const { type, ...rest } = value;
    if (type === undefined) return complain(context, [], `type is missing (one of ${[...components.sources.keys()].join(', ')})`);
    const component = typeof type === 'string' ? components.sources.get(type) : undefined;
    if (component === undefined) return unknownType(context, type, components.sources);
    const own = shapeOf(component.schema);
    const [shared, options] = partition(rest, (key) => commonKeys.includes(key) && !(key in own));
    const first = applySchema(common, shared, context, []);
    const second = applyOptions(component.schema, options, type, context, commonKeys);
    if (first === undefined || second === undefined) return undefined;
    return { ...(first.value as Omit<SourceSpec, 'type' | 'options'>), type: type as string, options: second };
  });
}

function silverSchema(components: Components): z.ZodMiniType<SilverSpec> {
  const dedupe = z.strictObject({
    keep: z._default(z.enum(['first', 'last']), 'last').check(z.meta({ description: 'Which of the rows with one key stays.' })),
    by: z.optional(columnName.check(z.meta({ description: 'Column that orders them. Without it the order in which rows arrived decides.' }))),
    before_rules: z._default(z.boolean(), false).check(z.meta({ description: 'True: duplicates go before the rules are applied, so the kept row counts even if it is bad.' })),
  });
  const silver = z
    .strictObject({
      from: sourceNames.check(z.meta({ description: 'Sources that the rows come from, united by column name.', examples: ['clients', ['shop_a', 'shop_b']] })),
      select: z._default(uniqueByCase(z.record(columnName, sqlFragment), 'column'), {}).check(
        z.meta({ description: 'Column → SQL expression over the source’s columns. Columns that are not named pass through.', examples: [{ pays: 'title_case(trim(pays))' }] }),
      ),
      where: z.optional(sqlFragment.check(z.meta({ description: 'SQL condition of the rows to keep; the others are counted as filtered.', examples: ['montant is not null'] }))),
      rules: checkList(components.checks, 'rule').check(z.meta({ description: 'Checks on each row. A row that breaks one goes to quarantine with the rule’s name (`severity: warn` only counts it).' })),
      key: z._default(columnNames, []).check(z.meta({ description: 'Columns that identify a row. Rows with a known key replace the older ones.', examples: ['id', ['shop', 'id']] })),
      dedupe: z.optional(dedupe).check(z.meta({ description: 'Which row stays when several have the same key. Needs `key`.', examples: [{ keep: 'last', by: 'updated_at' }] })),
      partition_by: z._default(columnNames, []).check(z.meta({ description: 'Columns by whose values the files are kept apart.', examples: ['date'] })),
      tests: checkList(components.checks, 'test').check(z.meta({ description: 'Checks on the whole candidate before it is published. A failed one keeps the old version.' })),
      tags: tags.check(z.meta({ description: 'Words for `--select tag:…`.' })),
      description,
    })
    .check(z.refine((table) => table.dedupe === undefined || table.key.length > 0, { message: 'needs key: duplicates are rows with the same key', path: ['dedupe'] }));
  return silver as unknown as z.ZodMiniType<SilverSpec>;
}

function goldSchema(components: Components): z.ZodMiniType<GoldShape> {
  const sql = z
    .string()
    .check(
      z.maxLength(1_000_000),
      z.refine((text) => text.trim() !== '' && !text.includes('\0'), 'must not be empty'),
      z.meta({ description: 'The query, or the path of a .sql file relative to this file.', examples: ['models/dim_clients.sql', 'select * from silver.clients'] }),
    );
  const gold = z.strictObject({
    sql,
    key: z._default(columnNames, []).check(z.meta({ description: 'Columns that identify a row; tested for duplicates and missing values by whoever loads the table.' })),
    refresh: z.optional(z.strictObject({ by: columnName })).check(z.meta({ description: 'Compute again only the rows whose value of this column was touched. Default: the whole table.', examples: [{ by: 'date' }] })),
    partition_by: z._default(columnNames, []).check(z.meta({ description: 'Columns by whose values the files are kept apart.' })),
    tests: checkList(components.checks, 'test').check(z.meta({ description: 'Checks on the whole candidate before it is published.' })),
    tags: tags.check(z.meta({ description: 'Words for `--select tag:…`.' })),
    description,
  });
  const short = z.pipe(
    z.union([sql, gold]),
    z.transform((value: string | z.output<typeof gold>) => (typeof value === 'string' ? { sql: value, key: [], partition_by: [], tests: [], tags: [] } : value)),
  );
  return short as unknown as z.ZodMiniType<GoldShape>;
}

function unknownType(context: Context, type: unknown, known: ReadonlyMap<string, unknown>): undefined {
  const candidates = [...known.keys()];
  if (typeof type !== 'string') return complain(context, ['type'], `expected one of ${candidates.join(', ')}, found ${found(type)}`);
  return complain(context, ['type'], `${JSON.stringify(type)} is not known; one of ${candidates.join(', ')}`, { word: type, candidates });
}

/**
 * A component's own options. Unknown keys are refused here, because not every component's schema is strict, and because only here the
 * keys that all components share are known too. Some components list `type` among their options, others do not.
 */
function applyOptions(schema: $ZodType, options: Record<string, unknown>, type: unknown, context: Context, common: readonly string[]): Record<string, unknown> | undefined {
  const own = shapeOf(schema);
  const known: Record<string, unknown> = 'type' in own ? { type } : {};
  let strays = 0;
  for (const [key, value] of Object.entries(options)) {
    if (Object.hasOwn(own, key)) known[key] = value;
    else {
      strays += 1;
      complain(context, [key], 'unknown key', { word: key, candidates: ['type', ...common, ...Object.keys(own)], at_key: true });
    }
  }
  const result = applySchema(schema, known, context, []);
  return result === undefined || strays > 0 ? undefined : (result.value as Record<string, unknown>);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function partition(map: Record<string, unknown>, pick: (key: string) => boolean): [Record<string, unknown>, Record<string, unknown>] {
  const entries = Object.entries(map);
  return [Object.fromEntries(entries.filter(([key]) => pick(key))), Object.fromEntries(entries.filter(([key]) => !pick(key)))];
}
