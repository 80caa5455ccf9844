import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Project } from '../../core/model/project.ts';
import type { Expected } from '../../core/ports/generator.ts';
import type { StepRecord } from '../../core/ports/ledger.ts';
import { refuseUsedFolder } from '../demo/new-folder.ts';
import type { Rooms } from '../rooms.ts';
import type { RunEvent, RunReport } from '../run/run-events.ts';
import { runPipeline } from '../run/run-pipeline.ts';
import { generateData } from './generate-data.ts';
import { queryLake } from './query-lake.ts';

export interface DemoOptions {
  readonly folder: string;
  readonly rows?: number;
  readonly env: NodeJS.ProcessEnv;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly tell: (event: RunEvent) => void;
}

/** Revenue of one month, as the demo shows it. */
export interface MonthFigure {
  readonly mois: string;
  readonly ca_total: number;
  readonly nb_transactions: number;
  readonly taux_croissance: number | null;
}

export interface DemoReport {
  readonly folder: string;
  readonly generated: { readonly files: number; readonly rows: number; readonly faults: number } | undefined;
  readonly run: RunReport;
  /** Whether every planted fault was found, by silver table; undefined when the data was not made now. */
  readonly matches:
    | readonly { readonly table: string; readonly expected: number; readonly found: number }[]
    | undefined;
  readonly months: readonly MonthFigure[];
}

const BAD_SHARE = 0.02;
const SEED = 1;

/**
 * The retail project in a folder of its own: makes its files with a declared share of faults (once), runs it, and holds what was
 * quarantined against what was planted. Repeatable: a second call finds nothing to do.
 * @throws DataflowError E_USAGE when the folder holds something else.
 */
export async function runDemo(rooms: Rooms, options: DemoOptions): Promise<DemoReport> {
  const config = join(options.folder, 'pipelines.yaml');
  prepareFolder(rooms, options.folder, config);
  const { project } = await rooms.loadProject({ cwd: options.folder, config, env: options.env });
  const made = existsSync(join(options.folder, 'data/_expected.json'))
    ? undefined
    : await makeData(rooms, project, options);
  const run = await runPipeline(rooms, project, {
    selection: { select: [], exclude: [] },
    full_refresh: false,
    rehash: false,
    command: options.command,
    signal: options.signal,
    tell: options.tell,
  });
  const months =
    run.status === 'nothing_to_do' || run.exit_code !== 0 ? [] : await lastMonths(rooms, project, options.signal);
  return {
    folder: options.folder,
    generated: made?.summary,
    run,
    matches: made === undefined ? undefined : compare(made.expected, run.steps),
    months,
  };
}

/** The project's files come with the package. */
function prepareFolder(rooms: Rooms, folder: string, config: string): void {
  if (existsSync(config)) {
    if (/^name: retail$/m.test(readFileSync(config, 'utf8'))) return;
    throw new DataflowError('E_USAGE', `${config} is another project`, {
      hint: 'Name a folder for the demo: dataflow demo FOLDER.',
    });
  }
  refuseUsedFolder(folder, 'Name a new folder for the demo: dataflow demo FOLDER.');
  mkdirSync(folder, { recursive: true });
  for (const name of ['pipelines.yaml', 'models'])
    cpSync(join(rooms.package_folder, name), join(folder, name), { recursive: true });
}

async function makeData(
  rooms: Rooms,
  project: Project,
  options: DemoOptions,
): Promise<{ expected: Expected | undefined; summary: DemoReport['generated'] }> {
  const report = await generateData(rooms, project, {
    seed: SEED,
    bad_share: BAD_SHARE,
    format: 'csv',
    gzip: false,
    force: false,
    signal: options.signal,
    ...(options.rows === undefined ? {} : { rows: options.rows }),
  });
  const rows = report.files.reduce((sum, file) => sum + file.rows, 0);
  const faults = report.expected?.faults.reduce((sum, fault) => sum + fault.rows, 0) ?? 0;
  return { expected: report.expected, summary: { files: report.files.length, rows, faults } };
}

function compare(expected: Expected | undefined, steps: readonly StepRecord[]): DemoReport['matches'] {
  const balances = new Map(steps.map((step) => [step.step, step.balance]));
  const aside = (step: string): number =>
    (balances.get(step)?.quarantined ?? 0) + (balances.get(step)?.deduplicated ?? 0);
  const bronze = Object.entries(expected?.bronze ?? {}).map(([name, one]) => ({
    table: `bronze.${name}`,
    expected: one.rejected,
    found: aside(`bronze.${name}`),
  }));
  const silver = Object.entries(expected?.silver ?? {}).map(([table, one]) => {
    const key = table.startsWith('silver.') ? table : `silver.${table}`;
    return { table: key, expected: one.quarantined + one.deduplicated, found: aside(key) };
  });
  return [...bronze, ...silver];
}

async function lastMonths(rooms: Rooms, project: Project, signal: AbortSignal): Promise<readonly MonthFigure[]> {
  const lake = await rooms.openLake(project);
  const engine = await rooms.openEngine(project);
  try {
    const sql = 'select * from (from gold.kpi_ca_par_mois order by mois desc limit 12) order by mois';
    const months: MonthFigure[] = [];
    for await (const { rows } of queryLake({ project, lake, ledger: undefined, engine }, { sql, signal })) {
      for (const row of rows) {
        const growth = row['taux_croissance'];
        months.push({
          mois: String(row['mois']),
          ca_total: Number(row['ca_total']),
          nb_transactions: Number(row['nb_transactions']),
          taux_croissance: growth === null || growth === undefined ? null : Number(growth),
        });
      }
    }
    return months;
  } finally {
    await engine.close();
  }
}
