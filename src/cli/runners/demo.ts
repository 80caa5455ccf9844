import { relative, resolve } from 'node:path';
import { type DemoReport, runDemo } from '../../app/data/run-demo.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { Invocation } from '../command-spec.ts';
import type { Printer } from '../printer.ts';
import { printRun, tellTo } from '../shared/run-printing.ts';

export async function demo(invocation: Invocation): Promise<number> {
  const { rooms, printer, args, options, cwd, env, signal } = invocation;
  if (options['all'] === true) {
    if (options['rows'] !== undefined) throw new DataflowError('E_USAGE', '--rows and --all do not go together');
    return await (await import('./demo-all.ts')).runDemoAll(invocation);
  }
  const folder = resolve(cwd, args[0] ?? 'retail-demo');
  const rows = options['rows'] === undefined ? undefined : Number(options['rows']);
  if (rows !== undefined && (!Number.isInteger(rows) || rows < 1)) {
    throw new DataflowError('E_USAGE', `--rows wants a whole number above 0, not "${String(options['rows'])}"`);
  }
  const report = await runDemo(rooms, {
    folder,
    env,
    command: invocation.command_line,
    signal,
    tell: tellTo(printer),
    ...(rows === undefined ? {} : { rows }),
  });
  if (printer.format !== 'table') {
    printer.report({ document: report, sections: [] });
    return report.run.exit_code;
  }
  printDemo(printer, report);
  const place = relative(cwd, folder) || '.';
  // Under npx the program is not on the PATH.
  const me = env['npm_command'] === 'exec' ? 'npx dataflow' : 'dataflow';
  for (const line of nextSteps(report.run.status === 'nothing_to_do', place, me)) printer.text(line);
  return report.run.exit_code;
}

function printDemo(printer: Printer, report: DemoReport): void {
  if (report.generated !== undefined) {
    const { files, rows, faults } = report.generated;
    printer.text(`made ${rows.toLocaleString('en')} rows in ${files} files, ${faults} of them faulty on purpose`);
    printer.text('');
  }
  printRun(printer, report.run);
  printMatches(printer, report.matches);
  if (report.months.length === 0) return;
  printer.text('');
  printer.report({
    sections: [
      {
        title: 'Revenue by month (gold.kpi_ca_par_mois)',
        columns: [
          { name: 'mois', title: 'month' },
          { name: 'ca_total', title: 'revenue', format: money },
          { name: 'nb_transactions', title: 'sales' },
          { name: 'taux_croissance', title: 'growth', align: 'right', format: percent },
        ],
        rows: report.months.map((month) => ({ ...month })),
      },
    ],
  });
  printer.text('');
  printer.chart(
    report.months.map((month) => ({ label: month.mois, value: month.ca_total, text: money(month.ca_total) })),
  );
}

function printMatches(printer: Printer, matches: DemoReport['matches']): void {
  if (matches === undefined || matches.length === 0) return;
  const wrong = matches.filter((one) => one.expected !== one.found);
  const total = matches.reduce((sum, one) => sum + one.expected, 0);
  if (wrong.length === 0) printer.text(`  ${total} rows were meant to be refused or deduplicated, and just these were`);
  for (const one of wrong)
    printer.warn(`${one.table}: ${one.expected} rows were meant to be put aside, ${one.found} were`);
}

function nextSteps(idle: boolean, place: string, me: string): readonly string[] {
  const steps: (readonly [string, string])[] = [
    ['status', 'the tables and their balances'],
    ['quarantine silver.achats', 'refused rows, and why'],
    ['query "from gold.kpi_top_clients limit 5"', 'SQL over the lake'],
    ['serve', 'dashboard and REST API'],
  ];
  if (idle) steps.unshift(['plan --all', 'why nothing runs']);
  else steps.push(['run', 'finds nothing to do']);
  const width = Math.max(...steps.map(([words]) => words.length));
  return ['', 'Next:', `  cd ${place}`, ...steps.map(([words, why]) => `  ${me} ${words.padEnd(width)}  ${why}`)];
}

function money(value: unknown): string {
  return Number(value).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

function percent(value: unknown): string {
  return value === null || value === undefined ? '' : `${Number(value).toFixed(1)} %`;
}
