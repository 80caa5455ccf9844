import { statfs } from 'node:fs/promises';

/** Space that is left for us on the file system of a folder; undefined where it cannot be told. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
