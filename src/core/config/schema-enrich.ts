import * as z from 'zod/mini';
import type { AddedColumn, AskedEnrich, EnrichSpec, TableEnrich } from '../model/enrich.ts';
import { parseTableKey } from '../model/table.ts';
import type { LookupComponent } from '../ports/lookup.ts';
import { applySchema, type Components, type Context, complain, dispatch, shapeOf } from './components.ts';
import { columnName, columnType, newColumnName, uniqueByCase } from './fields.ts';
import { applyOptions, isMap, partition } from './schema-components.ts';

const describe = (description: string, ...samples: unknown[]) =>
  z.meta({ description, ...(samples.length > 0 ? { samples } : {}) });
const whole = (min: number, max: number) => z.int().check(z.minimum(min), z.maximum(max));

const added = z.union([
  z.string().check(z.minLength(1), z.maxLength(1000)),
  z.strictObject({
    from: z.string().check(z.minLength(1), z.maxLength(1000), describe('Where the value is.', '$.population')),
    type: z.optional(
      columnType.check(describe('Type of the column. A value that does not fit is a failed lookup.', 'bigint')),
    ),
  }),
]);

/** Keys that every lookup has. */
export const enrichCommon = z.strictObject({
  name: z.optional(
    z
      .string()
      .check(
        z.regex(/^\w[\w .-]{0,99}$/, 'a name is letters, digits, _, ., - and blanks, at most 100'),
        describe(
          'Name of the rule that a row without an answer breaks. Default: `enrich_` and the first column added.',
        ),
      ),
  ),
  add: uniqueByCase(z.record(newColumnName, added), 'column').check(
    describe(
      'Column → where its value is: a path into the answer, or a column of the other table; or `{ from, type }`. Without `type` a value of an answer is text, and one of a table has the type that it has there.',
      { region: '$.region', population: { from: '$.population', type: 'bigint' } },
    ),
  ),
  on_failure: z._default(
    z
      .enum(['quarantine', 'keep'])
      .check(
        describe(
          'What becomes of a row whose key has no answer: `quarantine` puts it aside until there is one, `keep` leaves the added columns NULL.',
        ),
      ),
    'quarantine',
  ),
  on_null: z._default(
    z
      .enum(['keep', 'quarantine'])
      .check(
        describe(
          'What becomes of a row whose key is NULL, so that nothing is asked: `keep` leaves the added columns NULL.',
        ),
      ),
    'keep',
  ),
});

/** Keys of lookups that ask a system. */
export const enrichAsked = z.strictObject({
  cache_days: z._default(
    z
      .number()
      .check(
        z.gte(0),
        z.lte(36_500),
        describe('An answer counts for so many days, whatever is computed again. 0: every run asks.', 30),
      ),
    30,
  ),
  concurrency: z._default(whole(1, 64).check(describe('Questions under way at a time.')), 4),
  failed_max_pct: z._default(
    whole(0, 100).check(
      describe(
        'The step fails when more than this share of its keys (and at least 20) turn out to have no answer, and had none never before: then rather the address is wrong, or the API. 100: it never fails for that.',
      ),
    ),
    50,
  ),
});

/** `lookup: table`. */
export const enrichTable = z.strictObject({
  table: z.string().check(
    z.refine((text) => parseTableKey(text) !== undefined, 'expected a table such as silver.pays'),
    describe('The table that has the values.', 'silver.pays'),
  ),
  on: uniqueByCase(z.record(columnName, columnName), 'column').check(
    z.refine((map) => Object.keys(map).length > 0, 'must name a column'),
    describe('Column of the row → column of the other table; together they identify one of its rows.', {
      pays: 'code',
    }),
  ),
});

/** The list under `enrich:`. */
export function enrichList(components: Pick<Components, 'lookups'>): z.ZodMiniType<readonly EnrichSpec[]> {
  const entry = dispatch<EnrichSpec>('lookup', 'One lookup.', (value, context) => {
    if (!isMap(value)) return complain(context, [], 'expected a map such as { lookup: table, table: silver.pays, … }');
    const { lookup, ...rest } = value;
    const kinds = ['table', ...components.lookups.keys()];
    const component = typeof lookup === 'string' ? components.lookups.get(lookup) : undefined;
    if (lookup === 'table') return tableEntry(rest, context);
    if (component !== undefined) return askedEntry(component, rest, context);
    if (lookup === undefined) return complain(context, [], `lookup is missing (one of ${kinds.join(', ')})`);
    const more = typeof lookup === 'string' ? { word: lookup, candidates: kinds } : {};
    return complain(context, ['lookup'], `${JSON.stringify(lookup)} is not known; one of ${kinds.join(', ')}`, more);
  });
  const list = z.pipe(z.array(entry).check(z.minLength(1), z.maxLength(50)), z.transform(distinct));
  return list as unknown as z.ZodMiniType<readonly EnrichSpec[]>;
}

type Common = z.output<typeof enrichCommon>;

function tableEntry(rest: Record<string, unknown>, context: Context): TableEnrich | undefined {
  const own = { ...shapeOf(enrichCommon), ...shapeOf(enrichTable) };
  const read = applySchema(z.strictObject(own as never), rest, context, []);
  if (read === undefined) return undefined;
  const { table, on, ...common } = read.value as Common & z.output<typeof enrichTable>;
  return { lookup: 'table', ...usual(common), table, on };
}

function askedEntry(
  component: LookupComponent,
  rest: Record<string, unknown>,
  context: Context,
): AskedEnrich | undefined {
  const keys = [...Object.keys(shapeOf(enrichCommon)), ...Object.keys(shapeOf(enrichAsked))];
  const [shared, own] = partition(rest, (key) => keys.includes(key));
  const [asking, common] = partition(shared, (key) => key in shapeOf(enrichAsked));
  const first = applySchema(enrichCommon, common, context, []);
  const second = applySchema(enrichAsked, asking, context, []);
  const options = applyOptions(component.schema, own, component.type, context, ['lookup', ...keys]);
  if (first === undefined || second === undefined || options === undefined) return undefined;
  const read = usual(first.value as Common);
  for (const [column, { from }] of Object.entries(read.add)) {
    const problem = component.placeProblem(from);
    if (problem !== undefined) return complain(context, ['add', column], problem);
  }
  const columns = component.columnsOf(options);
  if (columns.length === 0) return complain(context, [], 'names no column: write {column} where its value belongs');
  const question = component.questionOf(options);
  const connection = component.connection_types === undefined ? undefined : String(options['connection']);
  return {
    lookup: component.type,
    ...read,
    ...(connection === undefined ? {} : { connection }),
    columns,
    question,
    ...(second.value as z.output<typeof enrichAsked>),
    options,
  };
}

function usual({ name, add, ...rest }: Common): Omit<TableEnrich, 'lookup' | 'table' | 'on'> {
  const columns = Object.entries(add).map(([column, value]): [string, AddedColumn] => {
    if (typeof value === 'string') return [column, { from: value }];
    return [column, { from: value.from, ...(value.type === undefined ? {} : { type: value.type }) }];
  });
  return { name: name ?? `enrich_${columns[0]?.[0] ?? ''}`, add: Object.fromEntries(columns), ...rest };
}

/** The same name twice gets a number: rejected rows are told apart by it. */
function distinct(entries: EnrichSpec[]): readonly EnrichSpec[] {
  const taken = new Set<string>();
  return entries.map((entry) => {
    let { name } = entry;
    for (let n = 2; taken.has(name); n++) name = `${entry.name}_${n}`;
    taken.add(name);
    return { ...entry, name };
  });
}
