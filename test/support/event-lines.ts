import { expect } from 'vitest';
import { complaints, readSchemas } from './json-schema.ts';

const SCHEMAS = readSchemas('docs/reference');

/** A line of `--format ndjson`. */
export interface EventLine extends Readonly<Record<string, unknown>> {
  readonly event: string;
}

/** The lines, each of which fits the published schema. @param schema its file in docs/reference. */
export function eventsOf(stdout: string, schema: string): readonly EventLine[] {
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as EventLine);
  for (const line of lines) expect(complaintsOf(line, schema), JSON.stringify(line)).toEqual([]);
  return lines;
}

interface EventSchema {
  readonly properties: { readonly event: { readonly const: string } };
}

/** Against the schema of its own event: those of the others would complain too. */
function complaintsOf(line: EventLine, schema: string): readonly string[] {
  const events = (SCHEMAS.get(schema)?.['anyOf'] ?? []) as readonly EventSchema[];
  const index = events.findIndex(({ properties }) => properties.event.const === line.event);
  return index < 0
    ? [`${line.event} is no event of ${schema}`]
    : complaints(SCHEMAS, `${schema}#/anyOf/${index}`, line);
}
