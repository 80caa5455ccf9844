import { loadSoak } from '../test/soak/load-soak.ts';
import { LOAD_TARGETS } from '../test/soak/load-targets.ts';
import { numberOption, writeResult } from '../test/soak/results.ts';
import { keepSoakLine } from './reliability/soak-section.ts';

/**
 * `npm run soak:load [-- postgresql|mongodb|sqlite …] [--kills N] [--seed N] [--write]`: `dataflow load` into servers of its own, killed at random at least N times each
 * (300); after each trial the destination must hold one whole release, as a client of its own reads it. `--write` keeps the figures in docs/reliability.md.
 */
const words = process.argv.slice(2);
const seed = numberOption(words, 'seed', 1);
const kills = numberOption(words, 'kills', 300);
const names = Object.keys(LOAD_TARGETS) as (keyof typeof LOAD_TARGETS)[];
const named = names.filter((name) => words.includes(name));
for (const name of named.length === 0 ? names : named) {
  const target = await LOAD_TARGETS[name]();
  try {
    const result = await loadSoak({ target, kills, seed, say: console.log });
    console.log(`kept in ${writeResult(`load-${name}-${seed}`, { seed, ...result })}`);
    const { kills_at_points, points, loads, violations } = result;
    const done = `${result.kills} kills of \`dataflow load\` into a real ${target.name}, ${kills_at_points} of them at ${points.length} fault points, the others at random instants; ${loads} loads`;
    keepSoakLine(words, { name: `soak:load ${name}`, done, wrong: violations.length, seed });
    if (violations.length > 0) process.exitCode = 1;
  } finally {
    await target.close();
  }
}
