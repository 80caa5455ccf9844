import type { WebHdfs } from './webhdfs.ts';

/** One attempt to give a file a name that nothing has; `false` when it is not there, is a folder, or something has the name. */
export async function renameFile(hdfs: WebHdfs, from: string, to: string, signal: AbortSignal): Promise<boolean> {
  // RENAME takes folders, too.
  if ((await hdfs.status(from, signal))?.type === 'DIRECTORY') return false;
  let outcome = await hdfs.rename(from, to, false, signal);
  if (outcome === 'no_folder') {
    await hdfs.makeFolder(to.slice(0, to.lastIndexOf('/')), {}, signal);
    outcome = await hdfs.rename(from, to, false, signal);
  }
  if (outcome === 'done') return true;
  const [left, there] = [await hdfs.status(from, signal), await hdfs.status(to, signal)];
  return left === undefined && there?.type === 'FILE';
}

/** One attempt to remove a folder with all that is in it. */
export async function removeFolder(hdfs: WebHdfs, path: string, signal: AbortSignal): Promise<void> {
  // DELETE takes files, too.
  if ((await hdfs.status(path, signal))?.type === 'DIRECTORY') await hdfs.remove(path, signal, true);
}
