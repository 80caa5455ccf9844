import { z } from 'zod';
import { RUN_EVENTS } from '../../src/core/contract/run-events.ts';

interface Shape {
  readonly description?: string;
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
}

/** JSON Schema of one line of `run --format ndjson`. */
export function runEventsSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(z.union(Object.values(RUN_EVENTS) as never), { target: 'draft-7' });
  return { $schema, $id: 'run-events.schema.json', title: 'One line of `dataflow run --format ndjson`', ...schema };
}

/** The events with their members, for people. */
export function runEventsPage(generated: string): string {
  const events = Object.entries(RUN_EVENTS).map(([name, schema]) => {
    const { description = '', properties = {} } = z.toJSONSchema(schema, { target: 'draft-7' }) as Shape;
    const rows = Object.entries(properties)
      .filter(([member]) => !HEAD.has(member))
      .map(([member, shape]) => `| \`${member}\` | ${typeOf(shape)} | ${shape.description ?? ''} |`);
    return `## ${name}\n\n${description}\n\n| member | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Events of a run

${generated}
\`run\`, \`ingest\`, \`retry\` and \`backfill\` with \`--format ndjson\` print what happens as it happens: one JSON object a line on standard output, at once. Each has \`event\`, \`time\`
(UTC) and \`run_id\` (null before the run has one, and where there was nothing to do). The last line is \`run_finished\`, whatever happened, once the project could be read; what is meant for
people stays on standard error. Members may be added; none is taken away or changes its meaning. As JSON Schema: [run-events.schema.json](run-events.schema.json).

${events.join('\n')}`;
}

const HEAD = new Set(['event', 'time', 'run_id']);

function typeOf(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.map((one) => `\`${one}\``).join(', ');
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeOf).join(' or ');
  if (shape.type === 'array') return `list of ${shape.items === undefined ? 'values' : typeOf(shape.items)}`;
  if (shape.type !== 'object') return shape.type ?? '';
  return `{${Object.entries(shape.properties ?? {})
    .map(([name, inner]) => `${name}: ${typeOf(inner)}`)
    .join(', ')}}`;
}
