import * as z from 'zod/mini';
import type { $ZodType } from 'zod/v4/core';
import { checkEntryCommon } from '../../src/core/config/check-entries.ts';
import type { Components } from '../../src/core/config/components.ts';
import { projectSchema } from '../../src/core/config/schema.ts';
import { batchSchema } from '../../src/core/config/schema-batch.ts';
import { connectionKey, sourceCommon } from '../../src/core/config/schema-components.ts';
import { enrichAsked, enrichCommon, enrichTable } from '../../src/core/config/schema-enrich.ts';
import type { LookupComponent } from '../../src/core/ports/lookup.ts';
import type { CheckComponent } from '../../src/core/ports/rule.ts';
import type { SourceComponent } from '../../src/core/ports/source-component.ts';

/** The part of JSON Schema (draft 7) that we write and read. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  examples?: readonly unknown[];
  enum?: readonly unknown[];
  const?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  anyOf?: readonly JsonSchema[];
  $ref?: string;
  definitions?: Record<string, JsonSchema>;
  [keyword: string]: unknown;
}

/**
 * The JSON Schema of pipelines.yaml for editors. Where the configuration names a component, the schema offers each
 * component's own options.
 */
export function editorSchema(components: Components): JsonSchema {
  const { $schema, ...schema } = toJson(projectSchema(components));
  const definitions: Record<string, JsonSchema> = {
    source: anyOf([...components.sources.values()].map(sourceOf)),
    connection: anyOf(
      [...components.connections.values()].map((one) => connectionOf(one.type, one.summary, one.schema)),
    ),
    engine: anyOf([...components.engines.values()].map((one) => engineOf(one.type, one.summary, one.schema))),
    lookup: anyOf([tableLookup(), ...[...components.lookups.values()].map(lookupOf)]),
    rule: anyOf([...components.checks.values()].filter((check) => check.row !== undefined).map(checkOf)),
    test: anyOf([...components.checks.values()].filter((check) => check.table !== undefined).map(checkOf)),
  };
  return { $schema: String($schema), title: 'pipelines.yaml of dataflow', ...schema, definitions };
}

/** Schema of what the user writes: before defaults and conversions. */
export function toJson(schema: $ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const own = jsonSchema as JsonSchema;
      if (typeof own['dispatch'] === 'string') own.$ref = `#/definitions/${own['dispatch']}`;
      delete own['dispatch'];
      // `examples` are dropped from schemas that convert their input; ours are of the input.
      if (Array.isArray(own['samples'])) own.examples = own['samples'];
      delete own['samples'];
      if (own['secret'] === true) own['writeOnly'] = true;
      delete own['secret'];
    },
  }) as JsonSchema;
}

/** The same without its dialect, to stand inside another one. */
export function inner(schema: $ZodType): JsonSchema {
  const { $schema: _, ...rest } = toJson(schema);
  return rest;
}

function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
  const [only] = schemas;
  return schemas.length === 1 && only !== undefined ? only : { anyOf: schemas };
}

function sourceOf(component: SourceComponent): JsonSchema {
  const { type, summary, schema } = component;
  const own = inner(schema);
  const common = inner(sourceCommon());
  const connects = component.connection_types !== undefined;
  const typeKey: JsonSchema = { const: type, description: summary };
  return {
    type: 'object',
    description: summary,
    properties: {
      type: typeKey,
      ...(connects ? { connection: inner(connectionKey) } : {}),
      ...own.properties,
      ...common.properties,
      ...('open' in component ? { batch: inner(batchSchema()) } : {}),
      ...(own.properties?.['type'] ? { type: typeKey } : {}),
    },
    required: [
      ...new Set([
        'type',
        ...(connects && component.connection_optional !== true ? ['connection'] : []),
        ...(own.required ?? []),
      ]),
    ],
    additionalProperties: false,
  };
}

function connectionOf(type: string, summary: string, schema: $ZodType): JsonSchema {
  const own = inner(schema);
  return {
    type: 'object',
    description: summary,
    properties: { type: { const: type, description: summary }, ...own.properties },
    required: ['type', ...(own.required ?? []).filter((key) => key !== 'type')],
    additionalProperties: false,
  };
}

function tableLookup(): JsonSchema {
  return lookupSchema('table', 'Another table of the lake has the values.', [enrichTable, enrichCommon]);
}

function lookupOf({ type, summary, schema }: LookupComponent): JsonSchema {
  return lookupSchema(type, summary, [schema, enrichCommon, enrichAsked]);
}

function lookupSchema(kind: string, summary: string, parts: readonly $ZodType[]): JsonSchema {
  const own = parts.map(inner);
  return {
    type: 'object',
    description: summary,
    properties: Object.assign({ lookup: { const: kind, description: summary } }, ...own.map((one) => one.properties)),
    required: ['lookup', ...own.flatMap((one) => one.required ?? [])],
    additionalProperties: false,
  };
}

function engineOf(type: string, summary: string | undefined, schema: $ZodType): JsonSchema {
  const own = inner(schema);
  return {
    type: 'object',
    ...(summary === undefined ? {} : { description: summary }),
    properties: { ...own.properties, type: { const: type, description: 'Which engine.' } },
    required: [
      ...new Set([...(type === 'duckdb' ? [] : ['type']), ...(own.required ?? []).filter((key) => key !== 'type')]),
    ],
    additionalProperties: false,
  };
}

function checkOf(check: CheckComponent): JsonSchema {
  const common = inner(checkEntryCommon);
  return {
    type: 'object',
    description: check.summary,
    properties: { [check.name]: { ...inner(check.schema), description: check.summary }, ...common.properties },
    required: [check.name],
    additionalProperties: false,
  };
}
