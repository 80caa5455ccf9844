import { bucketPlace } from '../test/services/bucket-place.ts';
import { hdfsPlace } from '../test/services/hdfs-place.ts';
import { MirrorProject } from '../test/services/mirror-project.ts';
import { openLakeReader } from '../test/soak/lake-reader.ts';
import { mirrorSoak } from '../test/soak/mirror-soak.ts';
import { numberOption, writeResult } from '../test/soak/results.ts';
import { keepSoakLine } from './reliability/soak-section.ts';
import { makeLeash } from './services/processes.ts';
import { startServer } from './services/room.ts';
import { SERVERS } from './services/servers.ts';

/**
 * `npm run soak:sync [-- --to minio|hdfs] [--kills N] [--seed N] [--write]`: `dataflow sync` and `restore` with a server of their own, killed at random at least N times (300);
 * delta-rs reads what a kill left there, and both sides afterwards. `--write` keeps the figures in docs/reliability.md. Needs DATAFLOW_PYTHON with deltalake.
 */
const words = process.argv.slice(2);
const seed = numberOption(words, 'seed', 1);
const to = words[words.indexOf('--to') + 1] === 'hdfs' ? 'hdfs' : 'minio';
const reader = openLakeReader();
const server = await startServer(SERVERS[to], makeLeash());
const place =
  to === 'hdfs'
    ? await hdfsPlace(server.settings['DATAFLOW_TEST_HDFS'] ?? '')
    : await bucketPlace(server.settings['DATAFLOW_TEST_MINIO'] ?? '');
const project = new MirrorProject(place, { keep_days: 0, large: true });
try {
  const kills = numberOption(words, 'kills', 300);
  const result = await mirrorSoak({ project, kills, seed, reader, say: console.log });
  console.log(`kept in ${writeResult(`sync-${to}-${seed}`, { to, seed, ...result })}`);
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const done = `${counts(result.kills)} kills in ${result.trials} trials on a real ${to === 'hdfs' ? 'HDFS' : 'MinIO'} (lake: ${counts(result.changes)}); delta-rs read what ${result.looks} of them left there, and both sides in the end`;
  const wrong = result.violations.length;
  keepSoakLine(words, { name: `soak:sync ${to}`, done, wrong, seed });
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  project.remove();
  reader.close();
  await server.stop();
}
