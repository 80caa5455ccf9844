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
  if (options['run'] !== undefined) {
    throw new DataflowError('E_USAGE', '--run goes with --openlineage', {
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

async function writeEvents({ rooms, printer, options, args }: Invocation, project: Project): Promise<number> {
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
  const events = await openLineageEvents(rooms, project, typeof run === 'string' ? run : undefined);
  if (events.length > 0) printer.raw(events.map((event) => toJson(event)).join('\n'));
  else printer.note(run === undefined ? 'no events: no run has run a step yet' : 'no events: this run ran no step');
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
