import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { FolderOptions, LakeStorage, StoredFile } from '../core/ports/storage.ts';
import { makeFolders } from '../kit/make-folders.ts';
import { ChangedFolders } from './changed-folders.ts';
import { codeOf, ioError } from './io-error.ts';
import { createFileExclusively, removeSmall, replaceFile, sealFile } from './local-files.ts';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Opening a link fails, so that only links need a second look; a system without this flag looks first. */
const NO_LINK = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);
/** Whatever may be absent without that being an error. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** The lake in a folder of this machine. */
export class LocalStorage implements LakeStorage {
  readonly cheap_ranges = true;
  readonly #root: string;
  /** Folders known to lie inside the lake, links followed. */
  readonly #inside = new Set<string>();
  readonly #changed = new ChangedFolders();

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
      const target = this.#at(folder);
      // Most tables that are asked for are there, or are new: an error to say the latter would take long.
      if (!this.#inside.has(target) && lstatSync(target, { throwIfNoEntry: false }) === undefined) return [];
      this.#refuseFolderOut(target);
      return readdirSync(target);
    } catch (error) {
      if (ABSENT.has(codeOf(error) ?? '')) return [];
      throw ioError(error, `cannot list ${folder}`);
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      const target = this.#at(path);
      if (constants.O_NOFOLLOW === undefined) this.#refuseFileOut(path);
      else this.#refuseFolderOut(dirname(target));
      return this.#contentOf(target);
    } catch (error) {
      if (ABSENT.has(codeOf(error) ?? '')) return undefined;
      throw ioError(error, `cannot read ${path}`);
    }
  }

  #contentOf(target: string): Uint8Array {
    try {
      return contentOf(target, NO_LINK);
    } catch (error) {
      if (codeOf(error) !== 'ELOOP') throw error;
      this.#refuseTargetOut(target);
      return contentOf(target, constants.O_RDONLY);
    }
  }

  async readRange(path: string, from: number, to: number, into?: Uint8Array): Promise<Uint8Array> {
    try {
      this.#refuseFileOut(path);
      const handle = await open(this.#at(path), 'r');
      try {
        const { buffer, bytesRead } = await handle.read(into ?? Buffer.alloc(to - from), 0, to - from, from);
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
      const found = statSync(this.#at(path));
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
    return this.#writing(path, async () => writeFileSync(this.#at(path), content, { mode: PRIVATE_FILE }));
  }

  makeFolder(path: string, options: FolderOptions = {}): Promise<void> {
    return this.#writing(path, async () => {
      const target = this.#at(path);
      // The lake's own root is for all readers; only what is made below it here is private.
      if (options.private === true && !this.#inside.has(this.#root)) makeFolders(this.#root);
      this.#refuseNearestOut(target);
      const made = makeFolders(target, options.private === true ? PRIVATE_FOLDER : undefined);
      // What was made here just now is no link.
      for (const folder of made) this.#inside.add(folder);
      if (options.private === true) return;
      for (const folder of made) this.#changed.note(dirname(folder));
      if (options.settled !== false) await this.#changed.settle([], target);
    });
  }

  async seal(path: string): Promise<{ readonly sha256: string; readonly size_bytes: number }> {
    try {
      this.#refuseFileOut(path);
      return await sealFile(this.#at(path), path);
    } catch (error) {
      throw ioError(error, `cannot make ${path} durable`);
    }
  }

  move(from: string, to: string): Promise<void> {
    return this.#writing(to, async () => renameSync(this.#at(from), this.#at(to)));
  }

  async settle(folders: readonly string[]): Promise<void> {
    const targets = folders.map((folder) => this.#at(folder));
    await this.#changed.settle(targets, ...targets);
  }

  async remove(path: string): Promise<void> {
    if (this.#at(path) === this.#root) throw leadsOut(path);
    try {
      this.#refuseFolderOut(dirname(this.#at(path)));
      if (removeSmall(this.#at(path))) return;
      // Unlike the rest this can take long: folders of files, each a change of the file system's journal.
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
      const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
      if (entries.length > 0) this.#refuseFolderOut(folder);
      for (const entry of entries) {
        if (entry.isSymbolicLink() && files.has(join(folder, entry.name)))
          this.#refuseTargetOut(join(folder, entry.name));
      }
    }
  }

  refuseLinkOut(path: string): void {
    try {
      this.#refuseFileOut(path);
    } catch (error) {
      if (!ABSENT.has(codeOf(error) ?? '')) throw error;
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

  #refuseFileOut(path: string): void {
    const target = this.#at(path);
    this.#refuseFolderOut(dirname(target));
    if (lstatSync(target).isSymbolicLink()) this.#refuseTargetOut(target);
  }

  /** A folder is looked at once, from the root down; its answer is kept. */
  #refuseFolderOut(folder: string): void {
    if (this.#inside.has(folder)) return;
    if (folder !== this.#root) {
      this.#refuseFolderOut(dirname(folder));
      if (lstatSync(folder).isSymbolicLink()) this.#refuseTargetOut(folder);
    } else statSync(folder);
    // The root is remembered only once it exists.
    this.#inside.add(folder);
  }

  /** Before anything is made below it, what is there of a folder is looked at: a link among it would carry the new folders out of the lake. */
  #refuseNearestOut(folder: string): void {
    for (let one = folder; !this.#inside.has(one); one = dirname(one)) {
      const there = lstatSync(one, { throwIfNoEntry: false }) !== undefined;
      if (there) this.#refuseFolderOut(one);
      if (there || one === this.#root) return;
    }
  }

  /** A symbolic link inside the lake that leads out of it is refused (the lake's own root may be a link). */
  #refuseTargetOut(target: string): void {
    const [real, root] = this.#realOf(target);
    if (real !== root && !real.startsWith(root + sep)) throw leadsOut(relative(this.#root, target));
  }

  #realOf(target: string): readonly [string, string] {
    try {
      return [realpathSync(target), realpathSync(this.#root)];
    } catch (error) {
      const dangling = lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true;
      throw dangling ? leadsOut(relative(this.#root, target)) : error;
    }
  }
}

function contentOf(target: string, flags: number): Uint8Array {
  const fd = openSync(target, flags);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function leadsOut(path: string): DataflowError {
  return new DataflowError('E_LAKE_CORRUPT', `a path leads out of the lake: ${JSON.stringify(path).slice(0, 200)}`, {
    hint: 'Only files inside the lake’s own folder are used; remove the link or restore the table’s log.',
  });
}
