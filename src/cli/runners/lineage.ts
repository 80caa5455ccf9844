import { openLineageEvents } from '../../app/explain/openlineage-events.ts';
import { type LineageReport, projectLineage, showLineage } from '../../app/explain/show-lineage.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Direction } from '../../core/lineage/project-lineage.ts';
import type { Project } from '../../core/model/project.ts';
import type { Invocation } from '../command-spec.ts';
import { lineageDot, lineageMermaid } from '../lineage/diagrams.ts';
import { lineageText } from '../lineage/text.ts';
import { loadProjectFor } from '../shared/open.ts';
import { toJson } from '../table.ts';

export async function lineage(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, args } = invocation;
  const [target] = args;
  const direction = directionOf(options);
  const { project } = await loadProjectFor(invocation);
  if (options['openlineage'] === true) return writeEvents(invocation, project);
  const alone = ['run', 'send'].find((name) => options[name] !== undefined);
  if (alone !== undefined) {
    throw new DataflowError('E_USAGE', `--${alone} goes with --openlineage`, {
      hint: 'The lineage of tables is that of their definitions, not of a run.',
    });
  }
  const report = showLineage(await projectLineage(rooms, project), {
    ...(target === undefined ? {} : { target }),
    ...(direction === undefined ? {} : { direction }),
  });
  const columns = options['columns'] === true || report.target?.column !== undefined;
  switch (options['output']) {
    case 'json':
      printer.raw(toJson(documentOf(report, columns), 2));
      break;
    case 'mermaid':
      printer.raw(lineageMermaid(report, columns));
      break;
    case 'dot':
      printer.raw(lineageDot(report, columns));
      break;
    case 'text':
      printer.raw(lineageText(report, columns, printer.ascii).join('\n'));
      break;
    default:
      printByFormat(invocation, report, columns);
  }
  return 0;
}

async function writeEvents(invocation: Invocation, project: Project): Promise<number> {
  const { rooms, printer, options, args, env } = invocation;
  const run = options['run'];
  if (options['output'] !== undefined) {
    throw new DataflowError('E_USAGE', '--openlineage writes JSON lines: it takes no --output', {
      hint: 'Leave --output out.',
    });
  }
  if (args.length > 0) {
    throw new DataflowError('E_USAGE', '--openlineage writes the events of a whole run, not of one table', {
      hint: 'Name a run with --run, or leave the table out.',
    });
  }
  const asked = { ...(typeof run === 'string' ? { run_id: run } : {}), env };
  if (options['send'] === true) return sendEvents(invocation, project, asked);
  const events = await openLineageEvents(rooms, project, asked);
  if (events.length > 0) printer.raw(events.map((event) => toJson(event)).join('\n'));
  else printer.note(NO_EVENTS);
  return 0;
}

const NO_EVENTS = 'no events: no run has run a step yet';

async function sendEvents(
  { rooms, printer }: Invocation,
  project: Project,
  asked: { readonly run_id?: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const { sendLineage } = await import('../../app/monitor/lineage/told-lineage.ts');
  const sent = await sendLineage(rooms, project, asked);
  if (sent === undefined) {
    throw new DataflowError('E_USAGE', 'the project does not say where events of runs go', {
      hint: 'Declare openlineage: in pipelines.yaml, or set OPENLINEAGE_URL.',
    });
  }
  printer.note(sent === 0 ? NO_EVENTS : `${sent} events sent`);
  return 0;
}

/** Without `--output`, `--format` decides: text for people, the same document as `--output json`, or the edges as rows. */
function printByFormat({ printer }: Invocation, report: LineageReport, columns: boolean): void {
  if (printer.format === 'table') {
    if (report.tables.length === 0) printer.note('the project has no table yet: dataflow init');
    for (const line of lineageText(report, columns, printer.ascii)) printer.text(line);
    return;
  }
  const section = columns
    ? {
        columns: ['from_table', 'from_column', 'to_table', 'to_column', 'way'],
        rows: report.column_edges.map(({ from, to, way }) => ({
          from_table: from.table,
          from_column: from.column,
          to_table: to.table,
          to_column: to.column,
          way,
        })),
      }
    : { columns: ['from', 'to', 'kind'], rows: report.edges.map((edge) => ({ ...edge })) };
  printer.report({ document: documentOf(report, columns), sections: [section] });
}

function documentOf(report: LineageReport, columns: boolean): unknown {
  const { column_edges, tables, ...rest } = report;
  if (columns) return { ...rest, tables, column_edges };
  const named = tables.map(({ table, inputs, references, unresolved }) => ({ table, inputs, references, unresolved }));
  return { ...rest, tables: named };
}

function directionOf(options: Invocation['options']): Direction | undefined {
  const [up, down] = [options['upstream'] === true, options['downstream'] === true];
  if (up && down) {
    throw new DataflowError('E_USAGE', '--upstream and --downstream exclude each other', {
      hint: 'Leave both out to see both ways.',
    });
  }
  if (up) return 'upstream';
  return down ? 'downstream' : undefined;
}
