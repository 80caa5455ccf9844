import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { ParityExample, ParityOrigin } from '../../core/model/parity.ts';
import type { BackwardTrace } from '../../core/model/trace.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { Snapshot } from '../../core/ports/lake.ts';
import { quoteIdent, quoteText } from '../../kit/sql.ts';
import type { BareExample, Side } from '../../medallion/parity/compare-rows.ts';
import type { TableStep } from '../../medallion/parity/compute-side.ts';
import { traceFrom } from '../explain/trace-back.ts';
import { type Making, newTrace } from '../explain/trace-context.ts';
import type { OpenProject } from '../run/open-project.ts';

/** Lines that are named of each file. */
const LINES_SHOWN = 5;

/** The computed rows as if they were versions of the table; no version has such a number. */
const AS_VERSION = { here: -1, there: -2 } as const;

/** What tracing the rows of one table needs. */
export interface TracedSides {
  readonly step: TableStep;
  readonly making: Making;
  readonly here: Side;
  readonly there: Side;
}

/**
 * Where rows that differ come from: rows of the inputs, files and lines. They are followed by the embedded engine, from what the engine
 * that has them computed.
 */
export async function traceExamples(
  open: OpenProject,
  session: EngineSession,
  sides: TracedSides,
  examples: readonly BareExample[],
): Promise<readonly ParityExample[]> {
  const context = newTrace(open, session, LINES_SHOWN);
  const traced: ParityExample[] = [];
  for (const example of examples) {
    const side = example.kind === 'only_there' ? 'there' : 'here';
    const start = computedRows(sides.step, sides[side], AS_VERSION[side]);
    const condition = conditionFor(example);
    if (condition === undefined) {
      traced.push({ ...example, origins: [], notes: ['its values cannot be named in SQL'] });
      continue;
    }
    try {
      const trace = await traceFrom(context, sides.step.node, condition, start, sides.making);
      traced.push({ ...example, ...originsIn(trace) });
    } catch (error) {
      if (!(error instanceof DataflowError) || error.retryable) throw error;
      traced.push({ ...example, origins: [], notes: [`it cannot be traced: ${error.message}`] });
    }
  }
  return traced;
}

/** A rejected row knows its file and line. */
export function rejectedExample(example: BareExample): ParityExample {
  const { file, line } = example.row;
  if (file === null || file === undefined) return { ...example, origins: [], notes: [] };
  const lines = line === null || line === undefined ? [] : [Number(line)];
  return { ...example, origins: [{ name: file, kind: 'file', rows: 1, lines }], notes: [] };
}

function computedRows({ node, started_ms }: TableStep, { columns, files }: Side, version: number): Snapshot {
  const all = files.map((file) => ({ ...file, path: file.uri }));
  return {
    table: { layer: node.layer, name: node.name },
    version,
    committed_at_ms: started_ms,
    columns,
    partition_by: [],
    files: all,
    file_count: all.length,
    filesIn: (fits) => all.filter((file) => fits(file.partition_values)),
    rows: all.reduce((sum, file) => sum + file.rows, 0),
    size_bytes: all.reduce((sum, file) => sum + file.size_bytes, 0),
    txns: new Map(),
  };
}

/** SQL condition: the rows with these values; undefined where SQL has no text for one. */
function conditionFor({ row }: BareExample): string | undefined {
  const cells = Object.entries(row);
  if (cells.length === 0 || cells.some(([, value]) => value?.includes('\0') === true)) return undefined;
  return cells
    .map(([name, value]) =>
      value === null
        ? `${quoteIdent(name)} is null`
        : `cast(${quoteIdent(name)} as varchar) is not distinct from ${quoteText(value)}`,
    )
    .join(' and ');
}

/** The inputs that the rows were made of directly, and the files behind. Rows that are not sure to have gone in count where no other is known. */
function originsIn({ table, levels, files }: BackwardTrace): Pick<ParityExample, 'origins' | 'notes'> {
  const [start] = levels;
  const found = levels.filter((level) => start?.next.includes(level.table) === true && level.table !== table);
  const sure = found.some(({ sure_rows }) => sure_rows > 0);
  const counts = ({ sure_rows }: { readonly sure_rows: number }): boolean => !sure || sure_rows > 0;
  const inputs = found.filter(counts);
  const origins: readonly ParityOrigin[] = [
    ...inputs.map(({ table: name, rows, sure_rows }) => ({
      name,
      kind: 'table' as const,
      rows: sure_rows || rows,
      lines: [],
    })),
    ...files.filter(counts).map(({ path, rows, sure_rows, lines }) => ({
      name: path,
      kind: 'file' as const,
      rows: sure_rows || rows,
      lines,
    })),
  ];
  const unsure = !sure && origins.length > 0 ? ['at most these rows went in'] : [];
  return { origins, notes: [...(start?.notes ?? []), ...unsure] };
}
