import { parentPort, workerData } from 'node:worker_threads';
import { type DigestNews, type DigestWork, digestFile } from './digest-file.ts';

/** A thread that hashes files for `digest-pool.ts`: one batch after the other, each file answered as soon as it is done. */
const { batches, taken } = workerData as DigestWork;
const say = (news: DigestNews): void => parentPort?.postMessage(news);
for (;;) {
  const batch = batches[Atomics.add(taken, 0, 1)];
  if (batch === undefined) break;
  for (const { path } of batch) say({ digest: digestFile(path, (bytes) => say({ bytes })) });
}
say({ done: true });
