import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
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
const readPart = promisify(read);

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

/** More names than this in a folder, and removing it is left to a promise. */
const SMALL_FOLDER = 8;

/** Removes a folder with a few files, and folders of that kind in it, at once; false when there is more than that, or no folder. */
export function removeSmall(folder: string, depth = 0): boolean {
  const entries = lstatSync(folder).isDirectory() ? readdirSync(folder, { withFileTypes: true }) : undefined;
  if (entries === undefined || entries.length > SMALL_FOLDER) return false;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) unlinkSync(path);
    else if (depth > 0 || !removeSmall(path, depth + 1)) return false;
  }
  rmdirSync(folder);
  return true;
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
  const fd = openSync(target, 'r+');
  try {
    const [synced, digest] = await Promise.allSettled([syncOnce(fd), digestOf(fd)]);
    if (synced.status === 'rejected') {
      await rename(target, `${target}.bad`).catch(() => undefined);
      throw fsyncError(synced.reason, `cannot make ${name} durable`, STAGED_KEPT);
    }
    if (digest.status === 'rejected') throw ioError(digest.reason, `cannot read ${name}`);
    faultPoint('after-data-fsync');
    return digest.value;
  } finally {
    closeSync(fd);
  }
}

async function syncOnce(fd: number): Promise<void> {
  faultPoint('data-fsync');
  await syncToDisk(fd);
}

/** SHA-256 in chunks of up to 1 MB. Hashing runs at well over 1 GB/s here, so moving it to another thread would gain nothing. */
async function digestOf(fd: number): Promise<{ readonly sha256: string; readonly size_bytes: number }> {
  const hash = createHash('sha256');
  // A chunk of 1 MB, and a promise, would be most of what a file of 1 KB costs.
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, fstatSync(fd).size + 1));
  const small = chunk.length < CHUNK_BYTES;
  let size_bytes = 0;
  for (;;) {
    const bytesRead = small ? readSync(fd, chunk) : (await readPart(fd, chunk, 0, chunk.length, null)).bytesRead;
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    size_bytes += bytesRead;
  }
  faultPoint('after-hash');
  return { sha256: hash.digest('hex'), size_bytes };
}
