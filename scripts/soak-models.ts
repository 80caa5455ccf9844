import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { numberOption, SOAK_FOLDER } from '../test/soak/results.ts';
import type { RunTally } from './vitest-tally.ts';

/**
 * `npm run soak:models [-- file …] [--seeds N] [--seed N] [--runs N]`: the tests of random histories, each from N seeds (20), the first of which is
 * `--seed` (any), with N histories a seed (10), looked at after every act. Prints each seed and what failed, keeps the log of a seed that failed, and ends
 * with status 1 then. Files are named by a part of their path.
 */
const HISTORIES = ['quarantine-model', 'undo-model', 'random-pipelines', 'refresh-equal', 'late-rows'];

const words = process.argv.slice(2);
const seeds = numberOption(words, 'seeds', 20);
const first = numberOption(words, 'seed', Date.now() % 2 ** 31);
const runs = numberOption(words, 'runs', 10);
const named = words.filter((word, at) => !word.startsWith('--') && !words[at - 1]?.startsWith('--'));
const files = (named.length === 0 ? HISTORIES : named).map((name) => (name.includes('/') ? name : `test/${name}`));

const failed: number[] = [];
for (let seed = first; seed < first + seeds; seed++) {
  const began_ms = Date.now();
  const wrong = wrongFrom(seed);
  const seconds = Math.round((Date.now() - began_ms) / 1000);
  console.log(`seed ${seed}: ${wrong.length === 0 ? 'nothing found' : 'FAILED'}, ${seconds} s`);
  for (const line of wrong) console.log(`    ${line}`);
  if (wrong.length > 0) failed.push(seed);
}
console.log(`${seeds} seeds with ${runs} histories each of ${files.join(', ')}: ${failed.length} failed`);
if (failed.length > 0) process.exitCode = 1;

/** What failed, and where its log is. */
function wrongFrom(seed: number): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-models-'));
  const tally = join(folder, 'tally.json');
  try {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [resolve('node_modules/vitest/vitest.mjs'), 'run', ...files],
      {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        env: {
          ...process.env,
          ...{ DATAFLOW_PROPERTY_SEED: `${seed}`, DATAFLOW_PROPERTY_RUNS: `${runs}`, DATAFLOW_TALLY_FILE: tally },
          NO_COLOR: '1',
        },
      },
    );
    const told = existsSync(tally) ? (JSON.parse(readFileSync(tally, 'utf8')) as RunTally) : undefined;
    const tests = told?.files.flatMap((file) => file.failed) ?? ['vitest ended before it had counted'];
    const none = told?.files.length === 0 ? [`no test file is named so: ${files.join(', ')}`] : [];
    const stray = (told?.stray_errors ?? 0) > 0 ? [`${told?.stray_errors} errors outside of tests`] : [];
    const wrong = [...tests, ...none, ...stray];
    return wrong.length === 0 ? [] : [...wrong, `log: ${keep(seed, stdout + stderr)}`];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function keep(seed: number, log: string): string {
  const file = join(SOAK_FOLDER, `models-${seed}.log`);
  mkdirSync(SOAK_FOLDER, { recursive: true });
  writeFileSync(file, log);
  return file;
}
