import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Call, pathsIn } from './strace.ts';

/** Calls that the model follows. */
export const TRACED =
  'openat,write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,rmdir';

/**
 * What a disk may hold after a power loss: a write is sure only once its file was synced, a name only once its folder was. Follows the
 * calls of one process below a folder that was there before.
 */
export class DiskModel {
  readonly #root: string;
  /** Files with writes that were not synced. */
  readonly #dirty = new Set<string>();
  /** Files and folders that exist, those made since the beginning. */
  readonly #made = new Set<string>();
  /** Those of them whose name was made durable in its folder. */
  readonly #entered = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Follows one call; answers the name of a log entry that it published. */
  follow({ name, args, ok }: Call): string | undefined {
    if (!ok) return undefined;
    const [first = '', second = ''] = pathsIn(args).filter((path) => path.startsWith(`${this.#root}/`));
    if (first === '') {
      if (/^f(data)?sync$/.test(name)) this.#synced(pathsIn(args)[0] ?? '');
      return undefined;
    }
    if (name === 'openat' && args.includes('O_CREAT') && !this.#made.has(first)) this.#made.add(first);
    if (name === 'mkdir') this.#made.add(first);
    if (/^(write|pwrite64|writev|ftruncate)$/.test(name)) this.#dirty.add(first);
    if (/^f(data)?sync$/.test(name)) this.#synced(first);
    if (/^(unlink|rmdir)/.test(name)) this.#gone(first);
    if (/^(rename|link)/.test(name)) {
      this.#made.add(second);
      if (this.#dirty.has(first)) this.#dirty.add(second);
      if (name.startsWith('rename')) this.#gone(first);
      if (name.startsWith('link') && second.includes('/_delta_log/')) return second;
    }
    return undefined;
  }

  /** What is not sure about a file: its content, its name, or that of a folder above it. */
  unsure(path: string): readonly string[] {
    const found = this.#dirty.has(path) ? [`${path}: content`] : [];
    for (let one = path; one.length > this.#root.length; one = dirname(one))
      if (this.#made.has(one) && !this.#entered.has(one)) found.push(`${one}: name`);
    return found;
  }

  /**
   * Lays what a disk may hold now into another folder, with the bytes that the files have in the end (data files and log entries never
   * change). `kind` = sure: only what is sure; early: every name that exists, with zeros where the content was not synced.
   */
  lay(kind: 'sure' | 'early', target: string, wanted: (path: string) => boolean): void {
    for (const path of this.#made) {
      if (!wanted(path) || (kind === 'sure' && this.unsure(path).length > 0)) continue;
      const copy = join(target, path.slice(this.#root.length + 1));
      mkdirSync(dirname(copy), { recursive: true });
      if (this.#dirty.has(path)) writeFileSync(copy, Buffer.alloc(statSync(path).size));
      else cpSync(path, copy);
    }
  }

  #synced(path: string): void {
    this.#dirty.delete(path);
    for (const one of this.#made) if (dirname(one) === path) this.#entered.add(one);
  }

  #gone(path: string): void {
    this.#made.delete(path);
    this.#entered.delete(path);
    this.#dirty.delete(path);
  }
}

/** Data files that a log entry adds, by whole path. */
export function addedBy(entry: string): readonly string[] {
  const table = dirname(dirname(entry));
  return readFileSync(entry, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { add?: { path: string } })
    .flatMap(({ add }) => (add === undefined ? [] : [join(table, decodeURIComponent(add.path))]));
}
