import { bucketPlace } from '../test/services/bucket-place.ts';
import { hdfsPlace } from '../test/services/hdfs-place.ts';
import { openLakeReader } from '../test/soak/lake-reader.ts';
import { lakeSoak } from '../test/soak/lake-soak.ts';
import { numberOption, writeResult } from '../test/soak/results.ts';
import { keepSoakLine } from './reliability/soak-section.ts';
import { makeLeash } from './services/processes.ts';
import { startServer } from './services/room.ts';
import { SERVERS } from './services/servers.ts';

/**
 * `npm run soak:lake [-- --in minio|hdfs] [--kills N] [--seed N] [--write]`: two machines that share a lake in a server of the soak's own; runs, undos and
 * compactions of both are killed at random, at least N of them (300). `--write` keeps the figures in docs/reliability.md. Needs DATAFLOW_PYTHON with deltalake.
 */
const words = process.argv.slice(2);
const seed = numberOption(words, 'seed', 1);
const where = words[words.indexOf('--in') + 1] === 'hdfs' ? 'hdfs' : 'minio';
const reader = openLakeReader();
const server = await startServer(SERVERS[where], makeLeash());
const place =
  where === 'hdfs'
    ? await hdfsPlace(server.settings['DATAFLOW_TEST_HDFS'] ?? '')
    : await bucketPlace(server.settings['DATAFLOW_TEST_MINIO'] ?? '');
try {
  const kills = numberOption(words, 'kills', 300);
  const result = await lakeSoak({ place, kills, seed, reader, say: console.log });
  console.log(`kept in ${writeResult(`lake-${where}-${seed}`, { where, seed, ...result })}`);
  const counts = Object.entries(result.kills).map(([name, count]) => `${name} ${count}`);
  const done = `${counts.join(', ')} kills in ${result.trials} trials of two machines with one lake on a real ${where === 'hdfs' ? 'HDFS' : 'MinIO'}, ${result.beside} of them while both were at work; ${result.sent_away} commands were sent away by the other's lock; delta-rs read every table after each trial`;
  const wrong = result.violations.length;
  keepSoakLine(words, { name: `soak:lake ${where}`, done, wrong, seed });
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  reader.close();
  await server.stop();
}
