import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

type Json = Readonly<Record<string, unknown>>;

/** Schemas by their `$id`. */
export function readSchemas(folder: string): ReadonlyMap<string, Json> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  const schemas = files.map((name) => JSON.parse(readFileSync(join(resolve(folder), name), 'utf8')) as Json);
  return new Map(schemas.map((schema) => [String(schema['$id']), schema]));
}

const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  uri: /^[a-z][a-z0-9+.-]*:\S+$/i,
};

/** The words of JSON Schema that are checked; a schema that uses another one is refused, so that nothing passes unchecked. */
const KNOWN = new Set(
  'type const maximum properties required items additionalProperties allOf anyOf oneOf not enum format minimum $ref $defs $schema $id description example examples deprecated default title'.split(
    ' ',
  ),
);

/** What is wrong with a value, as `path: complaint`; empty when it fits the schema at `url` (`…json#/$defs/Name`). */
export function complaints(schemas: ReadonlyMap<string, Json>, url: string, value: unknown): readonly string[] {
  const [id = '', pointer = ''] = url.split('#');
  let schema: unknown = schemas.get(id);
  if (schema === undefined) return [`there is no schema ${id}`];
  for (const part of pointer.split('/').filter((one) => one !== '')) schema = (schema as Json)[part];
  return schema === undefined ? [`there is nothing at ${url}`] : check(schemas, id, schema as Json, value, '');
}

function check(
  schemas: ReadonlyMap<string, Json>,
  id: string,
  schema: Json,
  value: unknown,
  at: string,
): readonly string[] {
  const unknown = Object.keys(schema).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) return [`${at}: the checker does not know ${unknown.join(', ')}`];
  const all = (part: unknown): readonly (readonly string[])[] =>
    Array.isArray(part) ? part.map((one: Json) => check(schemas, id, one, value, at)) : [];
  const ref = schema['$ref'];
  const found: string[] = [];
  if (typeof ref === 'string')
    found.push(...complaints(schemas, ref.startsWith('#') ? `${id}${ref}` : ref, value).map((one) => at + one));
  found.push(...all(schema['allOf']).flat());
  const any = all(schema['anyOf']);
  if (any.length > 0 && !any.some((one) => one.length === 0)) found.push(...any.flat());
  if (schema['not'] !== undefined && check(schemas, id, schema['not'] as Json, value, at).length === 0)
    found.push(`${at}: fits what it must not`);
  return [...found, ...plain(schemas, id, schema, value, at)];
}

function plain(
  schemas: ReadonlyMap<string, Json>,
  id: string,
  schema: Json,
  value: unknown,
  at: string,
): readonly string[] {
  const found: string[] = [];
  const type = Array.isArray(value)
    ? 'array'
    : Number.isInteger(value)
      ? 'integer'
      : value === null
        ? 'null'
        : typeof value;
  const wanted = schema['type'];
  const kinds = wanted === undefined ? [type] : [wanted].flat().map(String);
  if (!kinds.includes(type) && !(kinds.includes('number') && type === 'integer'))
    return [`${at}: is ${type}, not ${kinds.join(' or ')}`];
  if ('const' in schema && schema['const'] !== value) return [`${at}: is not ${String(schema['const'])}`];
  const choices = schema['enum'];
  if (Array.isArray(choices) && !choices.includes(value))
    found.push(`${at}: ${String(value)} is none of ${choices.join(', ')}`);
  const format = FORMATS[String(schema['format'])];
  if (typeof value === 'string' && format !== undefined && !format.test(value))
    found.push(`${at}: ${value} is no ${String(schema['format'])}`);
  if (type === 'array' && schema['items'] !== undefined) {
    for (const [index, one] of (value as unknown[]).entries())
      found.push(...check(schemas, id, schema['items'] as Json, one, `${at}/${index}`));
  }
  if (type === 'object') found.push(...members(schemas, id, schema, value as Json, at));
  return found;
}

function members(
  schemas: ReadonlyMap<string, Json>,
  id: string,
  schema: Json,
  value: Json,
  at: string,
): readonly string[] {
  const found: string[] = [];
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  for (const name of required) if (!(String(name) in value)) found.push(`${at}: lacks ${String(name)}`);
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Json>>;
  const others = schema['additionalProperties'];
  for (const [name, one] of Object.entries(value)) {
    const own = properties[name];
    if (own !== undefined) found.push(...check(schemas, id, own, one, `${at}/${name}`));
    else if (others === false) found.push(`${at}: has ${name}`);
    else if (typeof others === 'object' && others !== null)
      found.push(...check(schemas, id, others as Json, one, `${at}/${name}`));
  }
  return found;
}

/** Every facet of an OpenLineage event, with the schema that it claims. */
export function facetsOf(value: unknown): readonly { readonly _schemaURL: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = '_schemaURL' in value ? [value as { _schemaURL: string }] : [];
  return [...own, ...Object.values(value).flatMap(facetsOf)];
}
