import type { JsonSchema } from './json-schema.ts';

const text: JsonSchema = { type: 'string' };
const whole: JsonSchema = { type: 'integer' };
const time: JsonSchema = { type: 'string', format: 'date-time' };

export function record(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}

export function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** `application/problem+json`, with a code of the error catalogue. */
export const PROBLEM_SCHEMA: JsonSchema = {
  ...record({ type: text, title: text, status: whole, detail: text, code: text, hint: text, request_id: text }),
  description: 'What went wrong (RFC 9457); parameter and allowed are there when a parameter is wrong.',
};

const refreshTime = record({
  collection: text,
  table: text,
  refreshed_at: time,
  refresh_ms: { type: 'number' },
  rows: orNull(whole),
  run_id: text,
});

/** Answers that are not rows of a table. */
export const FACT_SCHEMAS = {
  tables: record({
    release: text,
    total: whole,
    data: list(record({ table: text, version: whole, key: list(text), url: text })),
  }),
  schema: record({
    release: text,
    table: text,
    version: whole,
    rows: whole,
    key: list(text),
    partition_by: list(text),
    columns: list({ type: 'object', required: ['name', 'type', 'nullable'] }),
  }),
  history: record({
    release: text,
    table: text,
    total: whole,
    data: list(
      record({
        version: whole,
        committed_at: time,
        operation: text,
        run_id: orNull(text),
        files_added: whole,
        files_removed: whole,
      }),
    ),
  }),
  status: record({
    status: text,
    run: orNull(record({ run_id: text, started_at: time, finished_at: orNull(time) })),
    release: orNull(record({ release_id: text, created_at: time })),
    tables: list(
      record({
        table: text,
        status: text,
        version: orNull(whole),
        rows: orNull(whole),
        quarantined: whole,
        finished_at: orNull(time),
      }),
    ),
  }),
  refreshTime,
  refreshTimes: record({ total: whole, skip: whole, limit: whole, data: list(refreshTime) }),
} as const;
