import { relative, resolve } from 'node:path';
import { type GeneratedReport, generateData } from '../../app/data/generate-data.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { GeneratorOptions } from '../../core/ports/generator.ts';
import type { Invocation } from '../command-spec.ts';
import type { Section } from '../printer.ts';
import { startProgress } from '../progress.ts';
import { loadProjectFor } from '../shared/open.ts';

export async function generate(invocation: Invocation): Promise<number> {
  const { rooms, options, args, printer, signal, env, cwd } = invocation;
  const wanted = generatorOptions(options);
  const { project } = await loadProjectFor(invocation);
  const progress = await startProgress(printer, 'generate', env);
  try {
    const report = await generateData(rooms, project, {
      ...wanted,
      ...(args.length === 0 ? {} : { sources: args }),
      ...(typeof options['out'] === 'string' ? { out: resolve(cwd, options['out']) } : {}),
      force: options['force'] === true,
      signal,
      onProgress: ({ doing, source, share }) =>
        progress.update(share ?? 1, doing === 'counting' ? 'counting what a run must find' : source),
    });
    progress.stop();
    print(invocation, report);
    return 0;
  } finally {
    progress.stop();
  }
}

function print({ printer, cwd }: Invocation, report: GeneratedReport): void {
  const sections: Section[] = [
    {
      columns: ['source', 'file', 'rows', { name: 'size_bytes', title: 'bytes' }],
      rows: report.files.map((file) => ({ ...file, file: relative(cwd, file.path) || file.path })),
    },
  ];
  if (report.expected !== undefined) sections.push(expectedSection(report.expected.silver));
  printer.report({ document: report, sections });
  const rows = report.files.reduce((sum, file) => sum + file.rows, 0);
  printer.text('');
  printer.text(
    `${rows} rows in ${(report.wall_ms / 1000).toFixed(2)} s; ${relative(cwd, report.expected_file)} has the details`,
  );
  for (const source of report.not_found_by_source) {
    printer.warn(`the path of source ${source} does not find its file: it has no such extension`);
  }
}

function expectedSection(silver: NonNullable<GeneratedReport['expected']>['silver']): Section {
  return {
    title: 'what a run must find',
    columns: [
      'table',
      { name: 'rows_in', title: 'in' },
      { name: 'rows_out', title: 'out' },
      'quarantined',
      'deduplicated',
      'filtered',
    ],
    rows: Object.entries(silver).map(([name, { by_rule: _, ...balance }]) => ({ table: `silver.${name}`, ...balance })),
  };
}

/** @throws DataflowError E_USAGE for a flag that cannot be read. */
export function generatorOptions(options: Readonly<Record<string, unknown>>): GeneratorOptions {
  const rows = rowsWanted(options['rows']);
  return {
    ...(rows === undefined ? {} : { rows }),
    seed: seedWanted(String(options['seed'] ?? '1')),
    bad_share: shareWanted(String(options['bad'] ?? '0%')),
    format: FORMATS.find((one) => one === options['fileFormat']) ?? 'csv',
    gzip: options['gzip'] === true,
  };
}

const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
const ROWS_MAX = 10_000_000_000;

function rowsWanted(given: unknown): GeneratorOptions['rows'] {
  const words = (Array.isArray(given) ? given : given === undefined ? [] : [given]).flatMap((word) =>
    String(word).split(','),
  );
  const [first] = words;
  if (first === undefined) return undefined;
  if (words.length === 1 && !first.includes('=')) return count(first, first);
  return Object.fromEntries(
    words.map((word) => {
      const [, name, number] = /^([^=]+)=([^=]+)$/.exec(word) ?? [];
      if (name === undefined || number === undefined)
        throw new DataflowError('E_USAGE', `--rows ${word}: expected a number, or source=number`);
      return [name, count(number, word)];
    }),
  );
}

function count(text: string, word: string): number {
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!(value >= 1 && value <= ROWS_MAX))
    throw new DataflowError('E_USAGE', `--rows ${word}: expected a whole number from 1 to ${ROWS_MAX}`);
  return value;
}

function seedWanted(text: string): number {
  const seed = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seed))
    throw new DataflowError('E_USAGE', `--seed ${text}: expected a whole number of at most 15 digits`);
  return seed;
}

function shareWanted(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?|\.\d+)(\s*%)?$/.exec(text.trim()) ?? [];
  const share = number === undefined ? Number.NaN : Number(number) / (percent === undefined ? 1 : 100);
  if (!(share >= 0 && share <= 0.5))
    throw new DataflowError('E_USAGE', `--bad ${text}: expected a share such as 2% or 0.02, at most 50%`);
  return share;
}
