import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Figure } from './bench/figure.ts';
import { fullRun } from './bench/full-run.ts';
import { generation } from './bench/generation.ts';
import { httpPages } from './bench/http.ts';
import { history, increment } from './bench/increment.ts';
import { kafkaIngest } from './bench/kafka.ts';
import { largeInput } from './bench/large-input.ts';
import { manyFiles } from './bench/many-files.ts';
import { mongodbLoad } from './bench/mongodb-load.ts';
import { noopRun } from './bench/noop.ts';
import { recognition } from './bench/ocr.ts';
import { postgresIngest } from './bench/postgres.ts';
import { postgresLoad } from './bench/postgres-load.ts';
import { resume } from './bench/resume.ts';
import { serveSpeed } from './bench/serve.ts';
import { sparkResults } from './bench/spark.ts';
import { sparkSteps } from './bench/spark-steps.ts';
import { startUp } from './bench/startup.ts';
import { trivialSteps } from './bench/steps.ts';
import { mirrorSync } from './bench/sync.ts';
import { syncHdfs } from './bench/sync-hdfs.ts';
import { verifySpeed } from './bench/verify.ts';

/**
 * `npm run bench [-- name…] [--rows N] [--runs N] [--write]`: ours beside the raw engine or the bare runtime, alternating in one run, as a
 * ratio of medians. `--write` keeps the results in docs/benchmarks.md.
 */
const words = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(words[at + 1]);
};
const names = words.filter(
  (word, index) => !word.startsWith('--') && !(words[index - 1] ?? '').match(/^--(rows|runs)$/),
);
const settings = { rows: option('rows', 10_000_000), runs: option('runs', 5), folder: resolve('.cache/bench') };

const SUITES: Readonly<Record<string, (s: typeof settings) => Promise<readonly Figure[]>>> = {
  startup: startUp,
  noop: noopRun,
  generate: generation,
  full: fullRun,
  increment,
  history,
  steps: trivialSteps,
  files: manyFiles,
  resume,
  large: largeInput,
  verify: verifySpeed,
  kafka: kafkaIngest,
  http: httpPages,
  postgres: postgresIngest,
  'sync-hdfs': syncHdfs,
  'mongodb-load': mongodbLoad,
  'postgres-load': postgresLoad,
  ocr: recognition,
  serve: serveSpeed,
  sync: mirrorSync,
  spark: sparkResults,
  'spark-steps': sparkSteps,
};

const unknown = [
  ...names.filter((name) => SUITES[name] === undefined),
  ...words.filter((word) => word.startsWith('--') && !/^--(rows|runs|write)$/.test(word)),
];
if (unknown.length > 0) {
  console.error(
    `${unknown.join(', ')}: not known\nusage: bench [${Object.keys(SUITES).join(' | ')}] [--rows N] [--runs N] [--write]`,
  );
  process.exit(2);
}

const figures: Figure[] = [];
for (const [name, suite] of Object.entries(SUITES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  rmSync(join(settings.folder, name), { recursive: true, force: true });
  mkdirSync(join(settings.folder, name), { recursive: true });
  for (const figure of await suite({ ...settings, folder: join(settings.folder, name) })) {
    figures.push(figure);
    console.log(line(figure));
  }
}
if (words.includes('--write')) write(figures);

function line(figure: Figure): string {
  const limit = figure.limit === undefined ? '' : ` (limit ${figure.limit})${figure.ok === false ? '  MISSED' : ''}`;
  return `${figure.name.padEnd(44)} ours ${figure.ours.padEnd(12)} beside ${figure.beside.padEnd(12)} ratio ${figure.ratio}${limit}`;
}

/** Replaces the rows of the suites that ran; the others keep their last figures. */
function write(fresh: readonly Figure[]): void {
  const file = 'docs/benchmarks.md';
  const old = read(file);
  const rows = new Map(
    [...old.matchAll(/^\| (?<name>[^|]+) \|.*$/gm)].map((match) => [match.groups?.['name']?.trim() ?? '', match[0]]),
  );
  rows.delete('what');
  rows.delete('---');
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  for (const f of fresh)
    rows.set(f.name, `| ${f.name} | ${f.ours} | ${f.beside} | ${f.ratio} | ${f.limit ?? ''} | ${f.note} |`);
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const head = `# Benchmarks

Made by \`npm run bench -- --write\` (last at ${commit}; ${machine}). Each figure sets ours beside the raw engine or the bare runtime,
alternating in the same run on the same machine; the ratio of the medians is what counts, the times are noisy.

| what | ours | beside | ratio | limit | how |
| --- | --- | --- | --- | --- | --- |
`;
  writeFileSync(file, `${head}${[...rows.values()].join('\n')}\n`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
