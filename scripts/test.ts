// Runs vitest with the arguments given: `npm test`, `npm run test:services`. On CI, whose machines are shared, files with a failed test
// are run once more, alone and from the start (their servers too); what passes only then is named before the totals. Property tests begin
// at the same seed again, so a fault that a case shows stays a failure. The last line is `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterSecond, filesToRepeat, type RunTally, summaryLine } from './vitest-tally.ts';

const options = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'dataflow-tally-'));
try {
  const first = vitest('first', options);
  const again = process.env['CI'] === undefined ? [] : filesToRepeat(first);
  if (again.length > 0) {
    console.log(`\nonce more, alone: ${again.join(', ')}`);
    say(afterSecond(first, again, vitest('second', [...configOf(options), '--maxWorkers=1', ...again])));
  } else say(first);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The options that say which tests there are; file names and filters of the first run do not count for the second. */
function configOf(all: readonly string[]): readonly string[] {
  return all.flatMap((word, at) => (word === '--config' || word === '--root' ? [word, all[at + 1] ?? ''] : []));
}

function vitest(name: string, words: readonly string[]): RunTally {
  const file = join(folder, `${name}.json`);
  const command = [resolve('node_modules', 'vitest', 'vitest.mjs'), 'run', ...words];
  const { status, signal } = spawnSync(process.execPath, command, {
    stdio: 'inherit',
    env: { ...process.env, DATAFLOW_TALLY_FILE: file },
  });
  if (!existsSync(file)) {
    console.error(`vitest ended with ${signal ?? `status ${status}`} before it had counted`);
    process.exit(status === 0 || status === null ? 1 : status);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as RunTally;
}

function say(tally: RunTally): void {
  for (const { name, reason } of tally.files.flatMap(({ skipped }) => skipped))
    console.log(`skipped: ${name} (${reason})`);
  for (const name of tally.retried) console.log(`passed at the second attempt only: ${name}`);
  console.log(summaryLine(tally));
  process.exitCode = tally.stray_errors > 0 || tally.files.some(({ failed }) => failed.length > 0) ? 1 : 0;
}
