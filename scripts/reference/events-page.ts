import { z } from 'zod';
import { LOAD_EVENTS } from '../../src/core/contract/load-events.ts';
import { RUN_EVENTS } from '../../src/core/contract/run-events.ts';
import { SYNC_EVENTS } from '../../src/core/contract/sync-events.ts';

interface Shape {
  readonly description?: string;
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
}

/** The events of one command, and what is said of them before they are listed. */
export interface EventsPage {
  /** Of the files, without what follows the dot. */
  readonly name: string;
  readonly command: string;
  readonly title: string;
  readonly intro: string;
  readonly events: Readonly<Record<string, z.ZodType>>;
}

const KEPT = 'Members may be added; none is taken away or changes its meaning.';

export const EVENTS_PAGES: readonly EventsPage[] = [
  {
    name: 'run-events',
    command: 'run',
    title: 'Events of a run',
    intro: `\`run\`, \`ingest\`, \`retry\` and \`backfill\` with \`--format ndjson\` print what happens as it happens: one JSON object a line on standard output, at once. Each has \`event\`, \`time\`
(UTC) and \`run_id\` (null before the run has one, and where there was nothing to do). The last line is \`run_finished\`, whatever happened, once the project could be read; what is meant for
people stays on standard error. ${KEPT}`,
    events: RUN_EVENTS,
  },
  {
    name: 'load-events',
    command: 'load',
    title: 'Events of a load',
    intro: `\`load\` with \`--format ndjson\` prints what happens as it happens, as [runs](run-events.md) do: one JSON object a line on standard output, at once. Each has \`event\`, \`time\` (UTC)
and \`run_id\` (that of the load; null before it has one, and where nothing is entered). The last line is \`loads_finished\`, whatever happened; what is meant for people stays on standard error. ${KEPT}`,
    events: LOAD_EVENTS,
  },
  {
    name: 'sync-events',
    command: 'sync',
    title: 'Events of a sync',
    intro: `\`sync\` with \`--format ndjson\` prints what happens as it happens, as [runs](run-events.md) do: one JSON object a line on standard output, at once. Each has \`event\` and \`time\` (UTC).
The last line is \`syncs_finished\`, whatever happened; what is meant for people stays on standard error. ${KEPT}`,
    events: SYNC_EVENTS,
  },
];

/** JSON Schema of one line of a command with `--format ndjson`. */
export function eventsSchema({ name, command, events }: EventsPage): object {
  const { $schema, ...schema } = z.toJSONSchema(z.union(Object.values(events) as never), { target: 'draft-7' });
  const title = `One line of \`dataflow ${command} --format ndjson\``;
  return { $schema, $id: `${name}.schema.json`, title, ...schema };
}

/** The events with their members, for people. */
export function eventsPage(page: EventsPage, generated: string): string {
  const events = Object.entries(page.events).map(([name, schema]) => {
    const { description = '', properties = {} } = z.toJSONSchema(schema, { target: 'draft-7' }) as Shape;
    const rows = Object.entries(properties)
      .filter(([member]) => !HEAD.has(member))
      .map(([member, shape]) => `| \`${member}\` | ${typeOf(shape)} | ${shape.description ?? ''} |`);
    return `## ${name}\n\n${description}\n\n| member | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# ${page.title}

${generated}
${page.intro} As JSON Schema: [${page.name}.schema.json](${page.name}.schema.json).

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
