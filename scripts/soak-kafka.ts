import { execFileSync } from 'node:child_process';
import { kafkaSoak } from '../test/soak/kafka-soak.ts';
import { numberOption, writeResult } from '../test/soak/results.ts';
import { writeSoakLine } from './reliability/soak-section.ts';
import { makeLeash } from './services/processes.ts';
import { startServer } from './services/room.ts';
import { SERVERS } from './services/servers.ts';

/**
 * `npm run soak:kafka [-- --kills N] [--seed N] [--write]`: topic → lake against a real broker of its own, killed at random at least N times (100) while
 * group members come and go; each offset must be in the lake once, as delta-rs reads it. `--write` keeps the figures in docs/reliability.md.
 */
const words = process.argv.slice(2);
const seed = numberOption(words, 'seed', 1);
const given = process.env['DATAFLOW_TEST_KAFKA'];
const server = given === undefined ? await startServer(SERVERS.kafka, makeLeash()) : undefined;
const began = Date.now();
try {
  const broker = given ?? server?.settings['DATAFLOW_TEST_KAFKA'] ?? '';
  const result = await kafkaSoak({ broker, kills: numberOption(words, 'kills', 100), seed, say: console.log });
  const { twice, missing, unwanted, verified, ...counts } = result;
  const wrong = twice.length + missing.length + unwanted.length + (verified ? 0 : 1);
  const minutes = Math.round((Date.now() - began) / 60_000);
  console.log(
    JSON.stringify({
      seed,
      ...counts,
      twice: twice.length,
      missing: missing.length,
      unwanted: unwanted.length,
      verified,
    }),
  );
  console.log(`kept in ${writeResult(`kafka-${seed}`, { seed, minutes, ...result })}`);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const done = `${counts.kills} kills and ${counts.rebalances} rebalances over ${counts.messages} messages, ${counts.rejected} of them poison, and ${counts.aborted} aborted ones, on a real broker`;
  if (words.includes('--write'))
    writeSoakLine('soak:kafka', `| \`soak:kafka\` | ${done} | ${wrong} violations | ${commit}, seed ${seed} |`);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  await server?.stop();
}
