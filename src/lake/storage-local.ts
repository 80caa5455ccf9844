import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage } from '../core/ports/storage.ts';
import { faultPoint } from '../kit/fault.ts';

/** The lake in a folder of this machine. */
export class LocalStorage implements LakeStorage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
  }

  uri(path: string): string {
    return this.#at(path);
  }

  pathOf(uri: string): string | undefined {
    const path = relative(this.#root, resolve(uri));
    return path.startsWith('..') || isAbsolute(path) ? undefined : path.split(sep).join('/');
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(this.#at(folder));
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
      throw failure(error, `cannot list ${folder}`);
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      await this.#refuseEscape(path);
      return await readFile(this.#at(path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw failure(error, `cannot read ${path}`);
    }
  }

  async size(path: string): Promise<number | undefined> {
    try {
      return (await stat(this.#at(path))).size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw failure(error, `cannot look at ${path}`);
    }
  }

  /** Temp file, fsync, link() (fails when the name exists), unlink, fsync of the folder. */
  async createExclusive(path: string, content: Uint8Array): Promise<boolean> {
    const target = this.#at(path);
    const temp = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
    try {
      await writeDurably(temp, content);
      faultPoint('after-temp-log');
      try {
        await link(temp, target);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      }
      faultPoint('after-log-create');
      return true;
    } catch (error) {
      throw failure(error, `cannot write ${path}`);
    } finally {
      await unlink(temp).catch(() => undefined);
      await fsyncFolder(dirname(target)).catch(() => undefined);
    }
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    const target = this.#at(path);
    const temp = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
    try {
      await writeDurably(temp, content);
      await rename(temp, target);
      await fsyncFolder(dirname(target));
    } catch (error) {
      await unlink(temp).catch(() => undefined);
      throw failure(error, `cannot write ${path}`);
    }
  }

  async makeFolder(path: string, options: { readonly private?: boolean } = {}): Promise<void> {
    try {
      await mkdir(this.#at(path), { recursive: true, ...(options.private === true ? { mode: 0o700 } : {}) });
    } catch (error) {
      throw failure(error, `cannot make the folder ${path}`);
    }
  }

  async seal(path: string): Promise<string> {
    const target = this.#at(path);
    const [sha256] = await Promise.all([sha256Of(target), this.#fsyncData(target)]).catch((error: unknown) => {
      throw failure(error, `cannot make ${path} durable`);
    });
    return sha256;
  }

  /** After a failed fsync the kernel may have dropped the pages: a second fsync would claim success. So: once, and never again. */
  async #fsyncData(target: string): Promise<void> {
    const handle = await open(target, 'r+');
    try {
      faultPoint('data-fsync');
      await handle.sync();
    } catch (error) {
      await rename(target, `${target}.bad`).catch(() => undefined);
      throw new DataflowError('E_LAKE_FSYNC', `the disk did not confirm ${relative(this.#root, target)} (${codeOf(error) ?? 'error'})`, {
        kept: 'nothing was published; the staged file is marked .bad',
        cause: error,
      });
    } finally {
      await handle.close();
    }
  }

  async move(from: string, to: string): Promise<void> {
    try {
      await mkdir(dirname(this.#at(to)), { recursive: true });
      await rename(this.#at(from), this.#at(to));
    } catch (error) {
      throw failure(error, `cannot move a staged file to ${to}`);
    }
  }

  async settle(folders: readonly string[]): Promise<void> {
    for (const folder of new Set(folders)) await fsyncFolder(this.#at(folder));
  }

  async remove(path: string): Promise<void> {
    try {
      await rm(this.#at(path), { recursive: true, force: true });
    } catch (error) {
      throw failure(error, `cannot remove ${path}`);
    }
  }

  #at(path: string): string {
    const target = resolve(this.#root, path);
    if (target !== this.#root && !target.startsWith(this.#root + sep)) throw escape(path);
    return target;
  }

  /** A symbolic link inside the lake that leads out of it is refused (the lake's own root may be a link). */
  async #refuseEscape(path: string): Promise<void> {
    const target = this.#at(path);
    if (!(await lstat(target)).isSymbolicLink()) return;
    const [real, root] = await Promise.all([realpath(target), realpath(this.#root)]);
    if (!real.startsWith(root + sep)) throw escape(path);
  }
}

function escape(path: string): DataflowError {
  return new DataflowError('E_LAKE_CORRUPT', `a path leads out of the lake: ${JSON.stringify(path)}`, { hint: 'Somebody changed the table’s log; restore it.' });
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await writeFile(handle, content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function fsyncFolder(folder: string): Promise<void> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    // Some systems do not let a folder be opened or synced; there the rename itself is the best that can be had.
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw failure(error, `cannot make the folder ${folder} durable`);
  } finally {
    await handle?.close();
  }
}

/** SHA-256 of a file, streamed in chunks of 1 MB. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function failure(error: unknown, what: string): DataflowError {
  if (error instanceof DataflowError) return error;
  const code = codeOf(error);
  const why: Readonly<Record<string, string>> = {
    ENOSPC: 'no space left on the disk',
    EDQUOT: 'the disk quota is used up',
    EROFS: 'the file system is read-only',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EIO: 'the disk reported an error',
  };
  return new DataflowError('E_LAKE_IO', `${what}: ${(code === undefined ? undefined : why[code]) ?? code ?? 'unknown error'}`, {
    kept: 'every published version stays as it is',
    cause: error,
  });
}
