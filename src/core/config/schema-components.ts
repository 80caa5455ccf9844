import * as z from 'zod/mini';
import type { $ZodType } from 'zod/v4/core';
import type { ConnectionSpec, EngineSpec, PullBatch, SourceSpec } from '../model/project.ts';
import type { SourceComponent } from '../ports/source-component.ts';
import {
  applySchema,
  type Components,
  type Context,
  complain,
  connectionTypes,
  dispatch,
  shapeOf,
} from './components.ts';
import { columnsSchema, description, tags } from './fields.ts';
import { generateSchema } from './generate-schema.ts';
import { found } from './messages.ts';
import { batchSchema } from './schema-batch.ts';
import { limitsSchema } from './schema-limits.ts';

const DEFAULT_ENGINE = 'duckdb';

/** `engine:` */
export function engineSchema(components: Components) {
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

/** One entry of `connections:`. */
export function connectionSchema(components: Components): z.ZodMiniType<ConnectionSpec> {
  const words = 'A connection; `type` decides which options it has.';
  return dispatch<ConnectionSpec>('connection', words, (value, context) => {
    if (!isMap(value)) return complain(context, [], 'expected a map such as { type: postgres, url: "${ERP_URL}" }');
    const { type, ...rest } = value;
    const known = [...components.connections.keys()].join(', ');
    if (type === undefined) return complain(context, [], `type is missing (one of ${known})`);
    const component = typeof type === 'string' ? components.connections.get(type) : undefined;
    if (component === undefined) return unknownType(context, type, components.connections);
    const options = applyOptions(component.schema, rest, type, context, []);
    return options === undefined ? undefined : { type: component.type, options };
  });
}

/** `connection:` of a source whose component takes one. */
export const connectionKey = z
  .string()
  .check(z.minLength(1), z.meta({ description: 'Name of an entry of `connections:`.' }));

/** Keys that every source has; the rest belongs to its component. */
export function sourceCommon() {
  return z.strictObject({
    columns: z.optional(columnsSchema()),
    schema_change: z._default(z.enum(['evolve', 'freeze', 'discard_row', 'discard_value']), 'freeze').check(
      z.meta({
        description:
          'When a CSV or Parquet file brings columns that are not known: `freeze` refuses the file, `evolve` adds them to the table, `discard_row` quarantines the rows that have a value there, `discard_value` leaves the columns out. Each is told and recorded.',
      }),
    ),
    on_rewrite: z._default(z.enum(['replace', 'append', 'error']), 'replace').check(
      z.meta({
        description:
          'When a loaded input comes again under the same name with other content: `replace` its rows, `append`, or stop with an `error`.',
      }),
    ),
    on_missing: z.optional(z.enum(['keep', 'delete'])).check(
      z.meta({
        description:
          'When a loaded input is no longer there: `keep` its rows (the default), or `delete` them, in this table and in those that are computed from it. Refused when more than half of the inputs would go, unless the run has `--allow-missing`.',
      }),
    ),
    tags: tags.check(z.meta({ description: 'Words for `--select tag:…`.', samples: [['daily']] })),
    description,
    limits: limitsSchema(),
    generate: z.optional(generateSchema),
  });
}

/** One entry of `sources:`. */
export function sourceSchema(components: Components): z.ZodMiniType<SourceSpec> {
  const common = sourceCommon();
  const commonKeys = Object.keys(common.shape);
  return dispatch<SourceSpec>('source', 'A source; `type` decides which options it has.', (value, context) => {
    if (!isMap(value)) return complain(context, [], 'expected a map such as { type: files, path: inbox/*.csv }');
    const { type, ...rest } = value;
    if (type === undefined)
      return complain(context, [], `type is missing (one of ${[...components.sources.keys()].join(', ')})`);
    const component = typeof type === 'string' ? components.sources.get(type) : undefined;
    if (component === undefined) return unknownType(context, type, components.sources);
    const own = shapeOf(component.schema);
    const keys = [...commonKeys, ...keysOf(component)];
    const [shared, options] = partition(rest, (key) => keys.includes(key) && !(key in own));
    const { connection, batch, ...usual } = shared;
    const first = applySchema(common, usual, context, []);
    const named = specialKeys(component, { connection, batch }, context, components);
    const second = applyOptions(component.schema, options, type, context, keys);
    if (first === undefined || second === undefined || named === undefined) return undefined;
    const spec = { ...(first.value as Omit<SourceSpec, 'type' | 'options'>), type: type as string, ...named };
    const shaped = withShape(component, second, spec, context);
    return shaped === undefined ? undefined : { ...shaped, options: second };
  });
}

type Unfinished = Omit<SourceSpec, 'options'>;

/** Columns and checks that follow from the component's options; `columns:` gives them other types, no others. */
function withShape(
  component: SourceComponent,
  options: Record<string, unknown>,
  spec: Unfinished,
  context: Context,
): Unfinished | undefined {
  if (!('create' in component) || component.shape === undefined) return spec;
  const { columns, checks } = component.shape(options);
  const known = Object.keys(columns);
  const strays = Object.keys(spec.columns ?? {}).filter((name) => !known.includes(name));
  for (const name of strays)
    complain(context, ['columns', name], `a source of type ${spec.type} has no such column here`, {
      word: name,
      candidates: known,
      at_key: true,
    });
  return strays.length > 0 ? undefined : { ...spec, columns: { ...columns, ...spec.columns }, checks };
}

/** Keys that only some kinds of sources have. */
function keysOf(component: SourceComponent): readonly string[] {
  return [
    ...(component.connection_types === undefined ? [] : ['connection']),
    ...('open' in component ? ['batch'] : []),
  ];
}

function specialKeys(
  component: SourceComponent,
  { connection, batch }: { readonly connection?: unknown; readonly batch?: unknown },
  context: Context,
  components: Components,
): Pick<SourceSpec, 'connection' | 'pulled' | 'batch'> | undefined {
  const types = connectionTypes(component, components);
  if (types !== undefined && connection === undefined && component.connection_optional !== true)
    return complain(context, [], `connection is missing (the name of one of type ${types.join(' or ')})`);
  const name = connection === undefined ? undefined : applySchema(connectionKey, connection, context, ['connection']);
  const limits = batch === undefined ? undefined : applySchema(batchSchema(), batch, context, ['batch']);
  if ((connection !== undefined && name === undefined) || (batch !== undefined && limits === undefined))
    return undefined;
  return {
    ...(name === undefined ? {} : { connection: name.value as string }),
    ...('open' in component ? { pulled: true } : {}),
    ...(limits === undefined ? {} : { batch: limits.value as PullBatch }),
  };
}

function unknownType(context: Context, type: unknown, known: ReadonlyMap<string, unknown>): undefined {
  const candidates = [...known.keys()];
  if (typeof type !== 'string')
    return complain(context, ['type'], `expected one of ${candidates.join(', ')}, found ${found(type)}`);
  return complain(context, ['type'], `${JSON.stringify(type)} is not known; one of ${candidates.join(', ')}`, {
    word: type,
    candidates,
  });
}

/**
 * A component's own options. Unknown keys are refused here, because not every component's schema is strict, and because only here the
 * keys that all components share are known too. Some components list `type` among their options, others do not.
 */
export function applyOptions(
  schema: $ZodType,
  options: Record<string, unknown>,
  type: unknown,
  context: Context,
  common: readonly string[],
): Record<string, unknown> | undefined {
  const own = shapeOf(schema);
  const known: Record<string, unknown> = 'type' in own ? { type } : {};
  let strays = 0;
  for (const [key, value] of Object.entries(options)) {
    if (Object.hasOwn(own, key)) known[key] = value;
    else {
      strays += 1;
      complain(context, [key], 'unknown key', {
        word: key,
        candidates: ['type', ...common, ...Object.keys(own)],
        at_key: true,
      });
    }
  }
  const result = applySchema(schema, known, context, []);
  return result === undefined || strays > 0 ? undefined : (result.value as Record<string, unknown>);
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function partition(
  map: Record<string, unknown>,
  pick: (key: string) => boolean,
): [Record<string, unknown>, Record<string, unknown>] {
  const entries = Object.entries(map);
  return [
    Object.fromEntries(entries.filter(([key]) => pick(key))),
    Object.fromEntries(entries.filter(([key]) => !pick(key))),
  ];
}
