import { parentPort } from 'node:worker_threads';
import { type DigestJob, type DigestNews, digestFile } from './digest-file.ts';

/** A thread that hashes files for `digest-pool.ts`: one batch at a time, each file answered as soon as it is done. */
const port = parentPort;
port?.on('message', (batch: readonly DigestJob[]) => {
  const say = (news: DigestNews): void => port.postMessage(news);
  for (const { path } of batch) say({ digest: digestFile(path, (bytes) => say({ bytes })) });
  say({ idle: true });
});
