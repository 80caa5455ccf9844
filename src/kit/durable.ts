import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from './make-folders.ts';

/** What a kill leaves of a file that was being written. */
const TEMPORARY = /^\.[0-9a-f]{16}\.tmp$/;

/** Whether a file of this name was never finished. */
export function isTorn(name: string): boolean {
  return TEMPORARY.test(name);
}

/** Writes a whole file so that it is there with all its bytes or not at all, also after a power cut: temp file, fsync, rename, fsync of the folder. */
export async function writeDurably(target: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await writeDurablyAs(dirname(target), content, () => target, mode);
}

/** The same, where the name is known only once all is written; undefined: the file is not wanted. */
export async function writeDurablyAs(
  folder: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  targetOf: () => string | undefined | Promise<string | undefined>,
  mode = 0o600,
): Promise<void> {
  const temp = join(folder, `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const handle = await open(temp, 'wx', mode);
    try {
      if (typeof content === 'string' || content instanceof Uint8Array) await handle.writeFile(content);
      else for await (const bytes of content) await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const target = await targetOf();
    if (target === undefined) return await rm(temp);
    await rename(temp, target);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncFolder(folder);
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
