import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { damageInputs, type Outcome } from '../test/soak/corrupt-inputs.ts';
import { damageLake, LAKE_TARGETS, layLake } from '../test/soak/corrupt-lake.ts';
import { openLakeReader, pythonReader } from '../test/soak/lake-reader.ts';
import { seeded } from '../test/soak/random.ts';
import { numberOption, openJournal, SOAK_FOLDER, writeResult } from '../test/soak/results.ts';
import { writeSoakLine } from './reliability/soak-section.ts';

/**
 * `npm run soak:corrupt [-- --files N] [--lakes N] [--seed N] [--minutes N] [--write]`: damages at least N input files (9,000) of every
 * kind, many to a run, and N files of lakes (1,200), one to a lake. Each must be refused, found by `verify`, or read exactly as the damaged
 * file says to an independent reader. With the same seed it goes on where it was stopped; `--write` keeps the figures in
 * docs/reliability.md.
 */
const words = process.argv.slice(2);
const files_wanted = numberOption(words, 'files', 9000);
const lakes_wanted = numberOption(words, 'lakes', 1200);
const seed = numberOption(words, 'seed', 1);
const until_ms = Date.now() + numberOption(words, 'minutes', 24 * 60) * 60_000;
const PER_KIND = 60;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const started_ms = Date.now();

/** One run over many damaged files, or one damaged lake. */
interface Round {
  readonly round: string;
  readonly outcomes: readonly Pick<Outcome, 'kind' | 'damage' | 'outcome' | 'detail'>[];
  readonly faults: readonly string[];
  readonly peak_memory_bytes: number;
  /** The build that went through it: a soak may go on after something was mended. */
  readonly commit: string;
}

const root = mkdtempSync(join(tmpdir(), 'dataflow-damage-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
const kept_folder = resolve(SOAK_FOLDER, 'violations');
mkdirSync(kept_folder, { recursive: true });
const journal = openJournal<Round>(`corrupt-${seed}`);
const done = new Set(journal.entries.map(({ round }) => round));
console.log(
  `seed ${seed}, ${files_wanted} input files and ${lakes_wanted} lakes at least${done.size > 0 ? `, going on after ${done.size} rounds` : ''}`,
);

await inputs();
await lakes();
finish();

async function inputs(): Promise<void> {
  const python = pythonReader('damage_reader.py');
  for (let index = 0; countOf('inputs') < files_wanted && Date.now() < until_ms; index++) {
    const round = `inputs-${index}`;
    if (done.has(round)) continue;
    const { outcomes, faults, peak_memory_bytes } = await damageInputs(
      join(root, 'project'),
      PER_KIND,
      seeded(seed * 100_003 + index),
      python,
    );
    for (const { outcome, kept } of outcomes)
      if (outcome === 'SILENT' && kept !== undefined)
        copyFileSync(kept, join(kept_folder, `${seed}-${index}-${basename(kept)}`));
    record({
      round,
      outcomes: outcomes.map(({ kind, damage, outcome, detail }) => ({ kind, damage, outcome, detail })),
      faults,
      peak_memory_bytes,
      commit,
    });
  }
  python.close();
}

async function lakes(): Promise<void> {
  const reader = openLakeReader();
  const sound = await layLake(join(root, 'sound'), reader);
  if (sound === undefined) console.log('skipped damage of lakes: this build has no `verify`');
  for (let index = 0; sound !== undefined && countOf('lake') < lakes_wanted && Date.now() < until_ms; index++) {
    const round = `lake-${index}`;
    if (done.has(round)) continue;
    const target = LAKE_TARGETS[index % LAKE_TARGETS.length];
    if (target === undefined) return;
    const folder = join(kept_folder, `${seed}-${round}`);
    const found = await damageLake(sound, target, folder, seeded(seed * 200_003 + index), reader);
    if (found.outcome !== 'SILENT') rmSync(folder, { recursive: true, force: true });
    record({ round, outcomes: [found], faults: [], peak_memory_bytes: 0, commit });
  }
  reader.close();
}

function record(round: Round): void {
  journal.add(round);
  const silent = round.outcomes.filter(({ outcome }) => outcome === 'SILENT');
  for (const { kind, damage, detail } of silent) console.log(`SILENT ${round.round}, ${kind}, ${damage}: ${detail}`);
  for (const fault of round.faults) console.log(`FAULT ${round.round}: ${fault}`);
  if (round.round.startsWith('inputs') || journal.entries.length % 50 === 0)
    console.log(
      `${countOf('inputs')} input files, ${countOf('lake')} lakes, ${silentIn(journal.entries)} silent changes`,
    );
}

function countOf(part: string): number {
  return journal.entries
    .filter(({ round }) => round.startsWith(part))
    .reduce((sum, { outcomes }) => sum + outcomes.length, 0);
}

function silentIn(rounds: readonly Round[]): number {
  return rounds.flatMap(({ outcomes }) => outcomes).filter(({ outcome }) => outcome === 'SILENT').length;
}

function finish(): void {
  const outcomes = journal.entries.flatMap((round) => round.outcomes);
  const table: Record<string, Record<string, number>> = {};
  for (const { kind, outcome } of outcomes) {
    const row = table[kind] ?? {};
    table[kind] = { ...row, [outcome]: (row[outcome] ?? 0) + 1 };
  }
  const faults = journal.entries.flatMap((round) => round.faults);
  const peak_memory_bytes = Math.max(0, ...journal.entries.map((round) => round.peak_memory_bytes));
  const commits = [...new Set(journal.entries.map((round) => round.commit))].join(' and ');
  const result = {
    seed,
    commits,
    damaged: outcomes.length,
    silent: silentIn(journal.entries),
    faults,
    peak_memory_bytes,
    by_kind: table,
    wall_ms: Date.now() - started_ms,
  };
  const file = writeResult('corrupt', result);
  console.table(table);
  const peak_mb = Math.round(peak_memory_bytes / 2 ** 20);
  console.log(
    `${result.damaged} damaged files, ${result.silent} silent changes, ${faults.length} faults, at most ${peak_mb} MiB, in ${Math.round(result.wall_ms / 1000)} s: ${file}`,
  );
  if (words.includes('--write')) {
    const counts = Object.entries(table).map(
      ([kind, row]) => `${kind} ${Object.values(row).reduce((a, b) => a + b, 0)}`,
    );
    writeSoakLine(
      'soak:corrupt',
      `| \`soak:corrupt\` | ${result.damaged} damaged files (${counts.join(', ')}) | ${result.silent} silent changes, ${faults.length} faults, at most ${peak_mb} MiB of memory | ${commits}, seed ${seed} |`,
    );
  }
  if (result.silent > 0 || faults.length > 0 || outcomes.length < files_wanted) process.exitCode = 1;
}
