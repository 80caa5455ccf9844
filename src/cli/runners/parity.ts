import { checkParity, type ParityReport } from '../../app/parity/check-parity.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { TableParity } from '../../core/model/parity.ts';
import type { Project } from '../../core/model/project.ts';
import { rowsWords } from '../../core/planning/parity.ts';
import { sampleFrom } from '../../core/planning/parity-sample.ts';
import type { Invocation } from '../command-spec.ts';
import { startProgress } from '../progress.ts';
import { loadProjectFor } from '../shared/open.ts';
import { printDifferences } from '../shared/parity-printing.ts';
import { EMPTY_SELECTION } from '../shared/run-printing.ts';
import { selectionFrom } from '../shared/selection-flags.ts';
import { printWrapped } from '../shared/wrapped.ts';

const LIMIT_MAX = 1000;

/** Exit 1 when a table differs, or when none could be compared; 2 when one is refused. */
export async function parity(invocation: Invocation): Promise<number> {
  const { rooms, printer, options, signal, env } = invocation;
  const limit = Number(options['limit']);
  if (!Number.isInteger(limit) || limit < 0 || limit > LIMIT_MAX)
    throw new DataflowError(
      'E_USAGE',
      `--limit wants a whole number up to ${LIMIT_MAX}, not "${String(options['limit'])}"`,
    );
  const sample = options['sample'] === undefined ? {} : { sample: sampleFrom(String(options['sample'])) };
  const { project } = await loadProjectFor(invocation);
  const engine = engineOf(options['engine'], project);
  const progress = await startProgress(printer, 'comparing', env);
  let report: ParityReport;
  try {
    report = await checkParity(rooms, project, {
      selection: selectionFrom(options),
      engine,
      ...sample,
      limit,
      signal,
      tell: (table, at, of) => progress.update(at / of, table),
    });
  } finally {
    progress.stop();
  }
  printReport(invocation, project, report);
  return exitCode(report);
}

function engineOf(named: unknown, { engine }: Pick<Project, 'engine'>): string {
  if (typeof named === 'string') return named;
  return engine.type === 'duckdb' ? 'spark' : engine.type;
}

const RESULTS: Readonly<Record<TableParity['result'], string>> = {
  equal: 'equal',
  different: 'DIFFERENT',
  refused: 'refused',
  not_comparable: 'not compared',
};

function printReport({ printer }: Invocation, project: Project, report: ParityReport): void {
  const { engine, totals, tables } = report;
  if (tables.length === 0 && printer.format === 'table') {
    printer.text(EMPTY_SELECTION);
    return;
  }
  const table = printer.format === 'table';
  printer.report({
    document: report,
    sections: [
      {
        columns: table
          ? [
              'table',
              { name: 'result', format: (value) => RESULTS[value as TableParity['result']] },
              { name: 'found', title: '', wrap: () => true },
            ]
          : COLUMNS,
        rows: tables.map((one) => (table ? { ...one, found: foundWords(one, engine) } : rowOf(one))),
      },
    ],
  });
  for (const one of tables) printDifferences(printer, one, engine);
  printer.text('');
  const parts = [
    `${totals.equal} of ${tables.length} tables equal`,
    ...(totals.different > 0 ? [`${totals.different} different`] : []),
    ...(totals.refused > 0 ? [`${totals.refused} refused`] : []),
    ...(totals.not_comparable > 0 ? [`${totals.not_comparable} not compared`] : []),
  ];
  printWrapped(printer, `${project.name} on duckdb and ${engine}: ${parts.join(', ')}; nothing was published`);
}

const COLUMNS = [
  'table',
  'result',
  'here',
  'there',
  'only_here',
  'only_there',
  'changed',
  'nearly',
  'rejected_here',
  'rejected_there',
  'sample_percent',
  'why',
];

function rowOf({
  table,
  result,
  accepted,
  rejected,
  sample_percent,
  why,
}: TableParity): Readonly<Record<string, unknown>> {
  return {
    table,
    result,
    ...accepted?.rows,
    rejected_here: rejected?.rows.here,
    rejected_there: rejected?.rows.there,
    sample_percent,
    why,
  };
}

function foundWords({ accepted, rejected, why, sample_percent }: TableParity, engine: string): string {
  if (accepted === null) return why ?? '';
  const columns = [...accepted.columns, ...(rejected?.columns ?? [])];
  const parts = [
    rowsWords(accepted.rows, engine),
    ...(rejected === null ? [] : [`rejected: ${rowsWords(rejected.rows, engine)}`]),
    ...(columns.length === 0 ? [] : ['columns differ']),
    ...(sample_percent === null ? [] : [`sample of ${sample_percent} %`]),
  ];
  return parts.join('; ');
}

function exitCode({ totals }: ParityReport): number {
  if (totals.different > 0) return 1;
  if (totals.refused > 0) return 2;
  return totals.equal === 0 && totals.not_comparable > 0 ? 1 : 0;
}
