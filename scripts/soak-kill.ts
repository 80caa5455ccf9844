import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { faultPointsInSource, OUT_OF_REACH } from '../test/soak/fault-points.ts';
import { playable } from '../test/soak/kill-scenarios.ts';
import {
  pointTrials,
  randomTrial,
  runTrial,
  type Stage,
  setStage,
  type Trial,
  type TrialResult,
} from '../test/soak/kill-soak.ts';
import { openLakeReader } from '../test/soak/lake-reader.ts';
import { seeded } from '../test/soak/random.ts';
import { numberOption, openJournal, SOAK_FOLDER, writeResult } from '../test/soak/results.ts';
import { writeSoakLine } from './reliability/soak-section.ts';

/**
 * `npm run soak:kill [-- --kills N] [--seed N] [--jobs N] [--minutes N] [--only <scenario>] [--write]`: kills the program at every pass of
 * every fault point of every verb that writes, then at random instants until there were at least N kills (1,000). Each kill is followed by
 * a look at what is left, a second try and a comparison with an undisturbed run, read by delta-rs. With the same seed it goes on where it
 * was stopped. `--write` keeps the figures in docs/reliability.md.
 */
const words = process.argv.slice(2);
const wanted = numberOption(words, 'kills', 1000);
const seed = numberOption(words, 'seed', 1);
const jobs = numberOption(words, 'jobs', 2);
const until_ms = Date.now() + numberOption(words, 'minutes', 24 * 60) * 60_000;
const only = words.includes('--only') ? words[words.indexOf('--only') + 1] : undefined;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const started_ms = Date.now();

const root = mkdtempSync(join(tmpdir(), 'dataflow-soak-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
const reader = openLakeReader();
const scenarios = playable().filter(({ name }) => only === undefined || name === only);
console.log(`seed ${seed}, ${wanted} kills at least, of: ${scenarios.map(({ name }) => name).join(', ')}`);
const stages: Stage[] = [];
for (const scenario of scenarios) stages.push(await setStage(scenario, root, reader));
const passed = new Set(stages.flatMap(({ passes }) => [...passes.keys()]));
const missed = faultPointsInSource().filter((name) => !passed.has(name) && OUT_OF_REACH[name] === undefined);
if (missed.length > 0 && only === undefined) console.log(`no scenario passes: ${missed.join(', ')}`);

const journal = openJournal<TrialResult & { readonly commit: string }>(
  `kill-${seed}${only === undefined ? '' : `-${only.replaceAll(' ', '-')}`}`,
);
const done = new Set(journal.entries.map(({ id }) => id));
if (done.size > 0) console.log(`going on after ${done.size} trials`);
const failed_folder = resolve(SOAK_FOLDER, 'violations');
mkdirSync(failed_folder, { recursive: true });

const queue = trials();
let told_ms = 0;
await Promise.all(Array.from({ length: jobs }, (_, job) => worker(job)));
reader.close();
finish();

/** Every pass of every point, then random instants until there were kills enough. */
function* trials(): Generator<Trial> {
  const random = seeded(seed);
  const { named, rest } = pointTrials(stages, random);
  for (const trial of [...named, ...rest]) if (!done.has(trial.id)) yield trial;
  for (let index = 0; killsIn(journal.entries) < wanted; index++) {
    const trial = randomTrial(stages, index, random);
    if (!done.has(trial.id)) yield trial;
  }
}

async function worker(job: number): Promise<void> {
  for (const trial of queue) {
    if (Date.now() > until_ms) return;
    const stage = stages.find(({ scenario }) => scenario.name === trial.scenario);
    if (stage === undefined) continue;
    const folder = join(failed_folder, `${seed}-${job}-${trial.id.replaceAll(/[^\w-]/g, '_')}`);
    const result = await runTrial(stage, trial, folder, reader);
    journal.add({ ...result, commit });
    for (const violation of result.violations) console.log(`VIOLATION ${trial.id}: ${violation}\n  kept in ${folder}`);
    if (Date.now() - told_ms < 15_000) continue;
    told_ms = Date.now();
    console.log(
      `${killsIn(journal.entries)} kills in ${journal.entries.length} trials, ${violationsIn(journal.entries)} violations`,
    );
  }
}

function killsIn(results: readonly TrialResult[]): number {
  return results.reduce((sum, { kills }) => sum + kills, 0);
}

function violationsIn(results: readonly TrialResult[]): number {
  return results.reduce((sum, { violations }) => sum + violations.length, 0);
}

function finish(): void {
  const results = journal.entries;
  const at_points = results.filter(({ point }) => point !== undefined);
  const commits = [...new Set(results.map((trial) => trial.commit))].join(' and ');
  const result = {
    seed,
    commits,
    kills: killsIn(results),
    trials: results.length,
    begun_at_fault_points: at_points.length,
    fault_points: new Set(at_points.map(({ point }) => point)).size,
    missed_fault_points: missed,
    violations: violationsIn(results),
    by_scenario: Object.fromEntries(
      scenarios.map(({ name }) => [name, killsIn(results.filter(({ scenario }) => scenario === name))]),
    ),
    wall_ms: Date.now() - started_ms,
  };
  const file = writeResult('kill', result);
  console.log(
    `${result.kills} kills in ${result.trials} trials (${result.begun_at_fault_points} begun at one of ${result.fault_points} fault points), ${result.violations} violations, in ${Math.round(result.wall_ms / 1000)} s: ${file}`,
  );
  if (words.includes('--write')) {
    const verbs = Object.entries(result.by_scenario).map(([name, kills]) => `${name} ${kills}`);
    writeSoakLine(
      'soak:kill',
      `| \`soak:kill\` | ${result.kills} kills in ${result.trials} trials; ${result.begun_at_fault_points} of these begin at one of ${result.fault_points} fault points, what follows in a trial is at random instants (${verbs.join(', ')}) | ${result.violations} violations | ${commits}, seed ${seed} |`,
    );
  }
  if (result.violations > 0 || result.kills < wanted) process.exitCode = 1;
}
