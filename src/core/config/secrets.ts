import type { $ZodType } from 'zod/v4/core';
import { urlPassword } from '../../kit/redact.ts';
import { DataflowError } from '../errors/dataflow-error.ts';
import { type Components, isSecret, shapeOf } from './components.ts';
import { alertSchema } from './schema-alerts.ts';
import { metricsSchema } from './schema-monitor.ts';
import { openLineageSchema } from './schema-openlineage.ts';
import { type ConfigTree, isContainer, markOf, type Path, problemAt } from './tree.ts';

const FILE_REFERENCE = /^file:(?:\/\/)?(.+)$/s;

/**
 * Resolves `file:/run/secrets/x` in the fields that a component marks as secret (`.meta({ secret: true })`), in place, and returns the value of
 * every such field, to be masked.
 * @param readText reads a file named in the configuration; throws a DataflowError when it cannot.
 * @param writtenOut told of each secret that stands in the configuration itself.
 */
export function resolveSecrets(
  tree: ConfigTree,
  components: Components,
  readText: (path: string) => string,
  problems: DataflowError[],
  writtenOut: (at: Path) => void,
): readonly string[] {
  const secrets: string[] = [];
  for (const { path, options, schema } of configured(tree, components)) {
    for (const { holder, key, at } of secretFields(schema, options, path)) {
      const value = String(holder[key]);
      const file = FILE_REFERENCE.exec(value)?.[1];
      const secret = file === undefined ? value : fromFile(tree, at, file, readText, problems);
      if (secret === undefined) continue;
      // Passwords in addresses are looked for where variables are replaced.
      if (file === undefined && !value.includes('://') && markOf(tree, at)?.interpolated !== true) writtenOut(at);
      holder[key] = secret;
      secrets.push(secret, urlPassword(secret) ?? secret);
    }
  }
  return secrets;
}

interface SecretField {
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly at: Path;
}

/** Texts that stand where the schema wants a secret, in maps within maps too (`auth: { bearer: … }`, `headers: { … }`). */
function secretFields(schema: $ZodType, value: unknown, path: Path): readonly SecretField[] {
  if (!isContainer(value) || Array.isArray(value)) return [];
  const holder = value as Record<string, unknown>;
  return mapsOf(schema).flatMap(({ fields, rest }) =>
    Object.keys(holder).flatMap((key) => {
      const field = fields[key] ?? rest;
      if (field === undefined) return [];
      const at = [...path, key];
      if (isSecret(field) && typeof holder[key] === 'string') return [{ holder, key, at }];
      return secretFields(field, holder[key], at);
    }),
  );
}

interface MapSchema {
  readonly fields: Readonly<Record<string, $ZodType>>;
  /** Schema of keys that the user chooses. */
  readonly rest?: $ZodType;
}

/** The maps that a schema allows here: itself, what it wraps, each of a union. */
function mapsOf(schema: $ZodType): readonly MapSchema[] {
  const def = schema._zod.def as {
    readonly type: string;
    readonly innerType?: $ZodType;
    readonly in?: $ZodType;
    readonly options?: readonly $ZodType[];
    readonly valueType?: $ZodType;
  };
  if (def.type === 'object') return [{ fields: shapeOf(schema) }];
  if (def.type === 'record' && def.valueType !== undefined) return [{ fields: {}, rest: def.valueType }];
  if (def.options !== undefined) return def.options.flatMap(mapsOf);
  const inner = def.innerType ?? def.in;
  return inner === undefined ? [] : mapsOf(inner);
}

function fromFile(
  tree: ConfigTree,
  path: Path,
  file: string,
  readText: (path: string) => string,
  problems: DataflowError[],
): string | undefined {
  try {
    const secret = readText(file).replace(/\r?\n$/, '');
    if (secret !== '') return secret;
    problems.push(
      problemAt(tree, path, `the secret file ${file} is empty`, {
        code: 'E_SECRET_UNSET',
        hint: 'Write the secret into it.',
      }),
    );
  } catch (error) {
    const message = error instanceof DataflowError ? error.message : `the secret file ${file} cannot be read`;
    problems.push(
      problemAt(tree, path, message, {
        code: 'E_SECRET_UNSET',
        hint: 'Check that the file exists and can be read.',
        cause: error,
      }),
    );
  }
  return undefined;
}

interface Configured {
  readonly path: Path;
  readonly options: Record<string, unknown>;
  readonly schema: $ZodType;
}

/** Every place of the tree where a component's options are written. */
function configured(tree: ConfigTree, components: Components): readonly Configured[] {
  const found: Configured[] = [];
  const add = (
    path: Path,
    options: unknown,
    known: ReadonlyMap<string, { readonly schema: $ZodType }>,
    fallback?: string,
    kind = 'type',
  ): void => {
    if (!isContainer(options) || Array.isArray(options)) return;
    const map = options as Record<string, unknown>;
    const type = map[kind] ?? fallback;
    const component = typeof type === 'string' ? known.get(type) : undefined;
    if (component !== undefined) found.push({ path, options: map, schema: component.schema });
  };
  add(['engine'], tree.root['engine'], components.engines, 'duckdb');
  for (const section of ['connections', 'sources'] as const) {
    const entries = tree.root[section];
    if (isContainer(entries))
      for (const [name, entry] of Object.entries(entries)) add([section, name], entry, components[section]);
  }
  found.push(...ofMonitoring(tree));
  const silver = tree.root['silver'];
  for (const [name, table] of isContainer(silver) ? Object.entries(silver) : []) {
    const { enrich } = (isContainer(table) ? table : {}) as { readonly enrich?: unknown };
    for (const [index, entry] of Array.isArray(enrich) ? enrich.entries() : [])
      add(['silver', name, 'enrich', index], entry, components.lookups, undefined, 'lookup');
  }
  return found;
}

/** Addresses and headers of what is posted to. */
function ofMonitoring(tree: ConfigTree): readonly Configured[] {
  const found: Configured[] = [];
  const sections = { metrics: metricsSchema, openlineage: openLineageSchema };
  for (const [name, schema] of Object.entries(sections)) {
    const section = tree.root[name];
    if (isContainer(section))
      found.push({ path: [name], options: section as Record<string, unknown>, schema: schema() });
  }
  const alerts = tree.root['alerts'];
  for (const [index, entry] of Array.isArray(alerts) ? alerts.entries() : [])
    if (isContainer(entry) && !Array.isArray(entry))
      found.push({ path: ['alerts', index], options: entry as Record<string, unknown>, schema: alertSchema() });
  return found;
}
