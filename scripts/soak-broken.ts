import { execFileSync } from 'node:child_process';
import { CASE_MISTAKES } from '../test/soak/broken-cases.ts';
import { numberOption, openJournal } from '../test/soak/results.ts';
import { buildWith } from '../test/support/broken-build.ts';
import { runCase } from '../test/support/case-runs.ts';
import { BROKEN_CASES_MAX, type BrokenResult, writeBroken } from './reliability/broken-section.ts';

/**
 * `npm run soak:broken [-- --case N] [--minutes N] [--round N] [--write]`: builds the program with one mistake at a time and runs the tests of the
 * cases that have to notice it; each must turn red. With the same round it goes on where it was stopped. `--write` keeps the outcome in
 * docs/reliability.md.
 */
const words = process.argv.slice(2);
const only = numberOption(words, 'case', 0);
const until_ms = Date.now() + numberOption(words, 'minutes', 24 * 60) * 60_000;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const journal = openJournal<BrokenResult>(`broken-${numberOption(words, 'round', 1)}`);
const done = new Set(journal.entries.map(({ mistake, number }) => `${number} ${mistake}`));

for (const { name, cases, edits } of CASE_MISTAKES) {
  const open = cases.filter((one) => !done.has(`${one} ${name}`) && (only === 0 || only === one));
  if (open.length === 0 || Date.now() > until_ms) continue;
  const build = buildWith(edits, { tests: true });
  try {
    for (const number of open) {
      const began_ms = Date.now();
      // The soak of case 1 ends with the first violation; it is long only where there is none.
      const { red, green } = runCase(build.folder, number, undefined, { DATAFLOW_SOAK_SECONDS: '200' });
      journal.add({ number, mistake: name, red: [...red], green, commit });
      const seconds = Math.round((Date.now() - began_ms) / 1000);
      console.log(`case ${number}: ${name}: ${red.length} red, ${green} green, ${seconds} s`);
      for (const title of red) console.log(`    ${title.slice(0, 120)}`);
    }
  } finally {
    build.remove();
  }
}

const results = journal.entries;
const noticed = new Set(results.filter(({ red }) => red.length > 0).map(({ number }) => number));
const missed = Array.from({ length: BROKEN_CASES_MAX }, (_, i) => i + 1).filter((one) => !noticed.has(one));
const green = results.filter(({ red }) => red.length === 0);
for (const { number, mistake } of green) console.log(`NOT NOTICED by case ${number}: ${mistake}`);
console.log(
  `${results.length} mistakes held against cases; cases that notice one: ${noticed.size} of ${BROKEN_CASES_MAX}`,
);
if (words.includes('--write')) writeBroken(results);
if (only === 0 && (missed.length > 0 || green.length > 0)) process.exitCode = 1;
