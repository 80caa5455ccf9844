import {
  constants,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { LakeStorage, StoredFile } from '../core/ports/storage.ts';
import { codeOf, ioError } from './io-error.ts';
import { createFileExclusively, fsyncFolder, makeFolderDurably, replaceFile, sealFile } from './local-files.ts';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Opening a link fails, so that only links need a second look; a system without this flag looks first. */
const NO_LINK = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);
/** Whatever may be absent without that being an error. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** The lake in a folder of this machine. */
export class LocalStorage implements LakeStorage {
  readonly #root: string;
  /** Folders known to lie inside the lake, links followed. */
  readonly #inside = new Set<string>();

  constructor(root: string) {
    this.#root = resolve(root);
  }

  uri(path: string): string {
    return this.#at(path);
  }

  pathOf(uri: string): string | undefined {
    let target = uri;
    if (/^[a-z][a-z0-9+.-]+:/i.test(uri)) {
      // A log may hold `file:/x` as well as `file:///x`.
      if (!/^file:\//i.test(uri)) return undefined;
      try {
        target = fileURLToPath(uri.replace(/^file:\/+/i, 'file:///'));
      } catch {
        return undefined;
      }
    }
    const path = relative(this.#root, resolve(target));
    return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path) ? undefined : path.split(sep).join('/');
  }

  async list(folder: string): Promise<readonly string[]> {
    try {
      await this.#refuseFolderOut(this.#at(folder));
      return await readdir(this.#at(folder));
    } catch (error) {
      if (ABSENT.has(codeOf(error) ?? '')) return [];
      throw ioError(error, `cannot list ${folder}`);
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      const target = this.#at(path);
      await (constants.O_NOFOLLOW === undefined ? this.#refuseFileOut(path) : this.#refuseFolderOut(dirname(target)));
      return await readFile(target, { flag: NO_LINK }).catch(async (error: unknown) => {
        if (codeOf(error) !== 'ELOOP') throw error;
        await this.#refuseTargetOut(target);
        return readFile(target);
      });
    } catch (error) {
      if (ABSENT.has(codeOf(error) ?? '')) return undefined;
      throw ioError(error, `cannot read ${path}`);
    }
  }

  async readRange(path: string, from: number, to: number): Promise<Uint8Array> {
    try {
      await this.#refuseFileOut(path);
      const handle = await open(this.#at(path), 'r');
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw ioError(error, `cannot read ${path}`);
    }
  }

  async info(path: string): Promise<StoredFile | undefined> {
    try {
      const found = await stat(this.#at(path));
      return { size_bytes: found.size, modified_ms: Math.floor(found.mtimeMs) };
    } catch (error) {
      if (ABSENT.has(codeOf(error) ?? '')) return undefined;
      throw ioError(error, `cannot look at ${path}`);
    }
  }

  createExclusive(path: string, content: Uint8Array): Promise<boolean> {
    return this.#writing(path, () => createFileExclusively(this.#at(path), content));
  }

  replace(path: string, content: Uint8Array): Promise<void> {
    return this.#writing(path, () => replaceFile(this.#at(path), content));
  }

  jot(path: string, content: Uint8Array): Promise<void> {
    return this.#writing(path, () => writeFile(this.#at(path), content, { mode: PRIVATE_FILE }));
  }

  makeFolder(path: string, options: { readonly private?: boolean } = {}): Promise<void> {
    return this.#writing(path, async () => {
      if (options.private !== true) {
        await makeFolderDurably(this.#at(path));
        return this.#refuseFolderOut(this.#at(path));
      }
      // The lake's own root is for all readers; only what is made below it here is private.
      await mkdir(this.#root, { recursive: true });
      await mkdir(this.#at(path), { recursive: true, mode: PRIVATE_FOLDER });
      await this.#refuseFolderOut(this.#at(path));
    });
  }

  async seal(path: string): Promise<{ readonly sha256: string; readonly size_bytes: number }> {
    try {
      await this.#refuseFileOut(path);
      return await sealFile(this.#at(path), path);
    } catch (error) {
      throw ioError(error, `cannot make ${path} durable`);
    }
  }

  move(from: string, to: string): Promise<void> {
    return this.#writing(to, () => rename(this.#at(from), this.#at(to)));
  }

  async settle(folders: readonly string[]): Promise<void> {
    for (const folder of new Set(folders)) await fsyncFolder(this.#at(folder), 'nothing was published');
  }

  async remove(path: string): Promise<void> {
    if (this.#at(path) === this.#root) throw leadsOut(path);
    try {
      await this.#refuseFolderOut(dirname(this.#at(path)));
      await rm(this.#at(path), { recursive: true, force: true });
    } catch (error) {
      if (ABSENT.has(codeOf(error) ?? '')) return;
      throw ioError(error, `cannot remove ${path}`);
    }
  }

  /** One listing per folder tells which names are links; only those are looked at one by one. */
  async refuseLinksOut(paths: readonly string[]): Promise<void> {
    const folders = new Map<string, Set<string>>();
    for (const path of paths) {
      const target = this.#at(path);
      const names = folders.get(dirname(target)) ?? new Set();
      folders.set(dirname(target), names.add(target));
    }
    for (const [folder, files] of folders) {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      if (entries.length > 0) await this.#refuseFolderOut(folder);
      for (const entry of entries) {
        const target = join(folder, entry.name);
        if (entry.isSymbolicLink() && files.has(target)) await this.#refuseTargetOut(target);
      }
    }
  }

  async #writing<T>(path: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw ioError(error, `cannot write ${path}`);
    }
  }

  #at(path: string): string {
    const target = resolve(this.#root, path);
    if (path.includes('\0') || (target !== this.#root && !target.startsWith(this.#root + sep))) throw leadsOut(path);
    return target;
  }

  async #refuseFileOut(path: string): Promise<void> {
    const target = this.#at(path);
    await this.#refuseFolderOut(dirname(target));
    if ((await lstat(target)).isSymbolicLink()) await this.#refuseTargetOut(target);
  }

  /** A folder is looked at once; its answer is kept. */
  async #refuseFolderOut(folder: string): Promise<void> {
    if (this.#inside.has(folder)) return;
    await this.#refuseTargetOut(folder);
    this.#inside.add(folder);
  }

  /** A symbolic link inside the lake that leads out of it is refused (the lake's own root may be a link). */
  async #refuseTargetOut(target: string): Promise<void> {
    const [real, root] = await Promise.all([realpath(target), realpath(this.#root)]).catch(async (error: unknown) => {
      const dangling = (await lstat(target).catch(() => undefined))?.isSymbolicLink() === true;
      throw dangling ? leadsOut(relative(this.#root, target)) : error;
    });
    if (real !== root && !real.startsWith(root + sep)) throw leadsOut(relative(this.#root, target));
  }
}

function leadsOut(path: string): DataflowError {
  return new DataflowError('E_LAKE_CORRUPT', `a path leads out of the lake: ${JSON.stringify(path).slice(0, 200)}`, {
    hint: 'Only files inside the lake’s own folder are used; remove the link or restore the table’s log.',
  });
}
