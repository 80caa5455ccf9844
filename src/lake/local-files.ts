import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { faultPoint } from '../kit/fault.ts';
import { codeOf, fsyncError, ioError } from './io-error.ts';

/**
 * Acts on absolute local paths that the local storage is made of. Every fsync is tried once: see {@link sealFile}. What the kernel
 * answers from memory (names, small files) is done at once, since a promise costs ten times the call; what waits for the disk
 * (fsync) or takes long (hashing) is not.
 */

const syncToDisk = promisify(fsync);

const CHUNK_BYTES = 1 << 20;
const STAGED_KEPT = 'nothing was published; the staged file is marked .bad';

/** Names of the temp files that {@link createFileExclusively} and {@link replaceFile} may leave behind when killed. */
export const TEMP_NAME = /^\.[0-9a-f]{16}\.tmp$/;

function tempBeside(target: string): string {
  return join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const fd = openSync(path, 'wx', 0o644);
  try {
    writeFileSync(fd, content);
    await syncToDisk(fd).catch((error: unknown) => {
      throw fsyncError(error, 'cannot write a log file', 'nothing was published');
    });
  } finally {
    closeSync(fd);
  }
}

/**
 * Temp file, fsync, link() (fails when the name exists), unlink, fsync of the folder.
 * @returns false when another writer has the name.
 */
export async function createFileExclusively(target: string, content: Uint8Array): Promise<boolean> {
  const temp = tempBeside(target);
  try {
    await writeDurably(temp, content);
    faultPoint('after-temp-log');
    linkTo(temp, target);
    faultPoint('after-log-create');
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    forget(temp);
  }
  await fsyncFolder(dirname(target), 'the new version is visible, but the disk may lose it');
  return true;
}

function linkTo(temp: string, target: string): void {
  try {
    linkSync(temp, target);
  } catch (error) {
    // A network file system may have made the link and lost the answer.
    if (!sameFile(temp, target)) throw error;
  }
}

function sameFile(a: string, b: string): boolean {
  const one = statSync(a, { throwIfNoEntry: false });
  const other = statSync(b, { throwIfNoEntry: false });
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/** What is left of a temp file is collected later. */
function forget(temp: string): void {
  try {
    unlinkSync(temp);
  } catch {
    // it was not made, or cannot be removed now
  }
}

export async function replaceFile(target: string, content: Uint8Array): Promise<void> {
  const temp = tempBeside(target);
  try {
    await writeDurably(temp, content);
    renameSync(temp, target);
  } catch (error) {
    forget(temp);
    throw error;
  }
  await fsyncFolder(dirname(target), 'every published version stays as it is');
}

/** Makes a folder and those above it, each durably entered in its parent. */
export async function makeFolderDurably(folder: string): Promise<void> {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made))
    await fsyncFolder(dirname(made), 'nothing was published');
}

export async function fsyncFolder(folder: string, kept: string): Promise<void> {
  let fd: number | undefined;
  try {
    fd = openSync(folder, 'r');
    await syncToDisk(fd);
  } catch (error) {
    // Some systems do not let a folder be opened or synced; there the rename itself is the best that can be had.
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? ''))
      throw fsyncError(error, `cannot make the folder ${folder} durable`, kept);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Hash and fsync of one file, side by side. After a failed fsync the kernel may have dropped the pages, and a second fsync would
 * claim success (PostgreSQL's "fsyncgate"): so once, and the file is marked.
 */
export async function sealFile(
  target: string,
  name: string,
): Promise<{ readonly sha256: string; readonly size_bytes: number }> {
  const handle = await open(target, 'r+');
  try {
    const [digest, synced] = await Promise.allSettled([digestOf(handle), syncOnce(handle)]);
    if (synced.status === 'rejected') {
      await rename(target, `${target}.bad`).catch(() => undefined);
      throw fsyncError(synced.reason, `cannot make ${name} durable`, STAGED_KEPT);
    }
    if (digest.status === 'rejected') throw ioError(digest.reason, `cannot read ${name}`);
    faultPoint('after-data-fsync');
    return digest.value;
  } finally {
    await handle.close();
  }
}

async function syncOnce(handle: FileHandle): Promise<void> {
  faultPoint('data-fsync');
  await handle.sync();
}

/** SHA-256 in chunks of 1 MB. Hashing runs at well over 1 GB/s here, so moving it to another thread would gain nothing. */
async function digestOf(handle: FileHandle): Promise<{ readonly sha256: string; readonly size_bytes: number }> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let size_bytes = 0;
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, size_bytes);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    size_bytes += bytesRead;
  }
  faultPoint('after-hash');
  return { sha256: hash.digest('hex'), size_bytes };
}
