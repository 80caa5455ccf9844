import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from './make-folders.ts';

/** Writes a whole file so that it is there with all its bytes or not at all, also after a power cut: temp file, fsync, rename, fsync of the folder. */
export async function writeDurably(target: string, content: string | Uint8Array): Promise<void> {
  const temp = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const handle = await open(temp, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, target);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

/** Makes the names in a folder durable, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** A folder that nobody else may look into. */
export async function makePrivateFolder(folder: string): Promise<void> {
  // Each new name lies in the folder above it.
  for (const made of makeFolders(folder, 0o700)) await syncFolder(dirname(made));
}
