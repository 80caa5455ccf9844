import { execFileSync } from 'node:child_process';
import { bucketPlace } from '../test/services/bucket-place.ts';
import { MirrorProject } from '../test/services/mirror-project.ts';
import { mirrorSoak } from '../test/soak/mirror-soak.ts';
import { numberOption, writeResult } from '../test/soak/results.ts';
import { writeSoakLine } from './reliability/soak-section.ts';
import { makeLeash } from './services/processes.ts';
import { startServer } from './services/room.ts';
import { SERVERS } from './services/servers.ts';

/**
 * `npm run soak:sync [-- --kills N] [--seed N] [--write]`: `dataflow sync` to a MinIO of its own, killed at random at least N times (300); after each trial both
 * sides must be equal by their checksums. `--write` keeps the figures in docs/reliability.md.
 */
const words = process.argv.slice(2);
const seed = numberOption(words, 'seed', 1);
const server = await startServer(SERVERS.minio, makeLeash());
const project = new MirrorProject(await bucketPlace(server.settings['DATAFLOW_TEST_MINIO'] ?? ''), { keep_days: 0 });
try {
  const result = await mirrorSoak({ project, kills: numberOption(words, 'kills', 300), seed, say: console.log });
  console.log(`kept in ${writeResult(`sync-${seed}`, { seed, ...result })}`);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const done = `${result.kills} kills of \`dataflow sync\` to a real MinIO, ${result.syncs} syncs`;
  const wrong = result.violations.length;
  if (words.includes('--write'))
    writeSoakLine('soak:sync', `| \`soak:sync\` | ${done} | ${wrong} violations | ${commit}, seed ${seed} |`);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  project.remove();
  await server.stop();
}
