import { randomUUID } from 'node:crypto';
import { mkdirSync, type Stats, statSync, utimesSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarStorage } from '../../core/ports/far-storage.ts';
import type { WantedFile } from '../../core/ports/storage.ts';
import { AdaptivePool } from '../../kit/adaptive-pool.ts';
import { type Written, writeChunks } from '../../kit/write-chunks.ts';
import { codeOf, ioError } from '../io-error.ts';

/** A file that was used so recently may be in use by another process: it stays, whatever the limit says. */
const IN_USE_MS = 3_600_000;
/** Files brought at once, and bytes of them. */
const BRINGS = { at_once_max: 16, weight_max: 512 * 1024 * 1024 };

export interface CacheOptions {
  readonly far: Pick<FarStorage, 'name' | 'read'>;
  /** Absolute path of the local folder that has the lake's shape. */
  readonly folder: string;
  /** Beyond it the files that were used least recently go. */
  readonly limit_bytes: number;
}

/**
 * Data files of a lake elsewhere, as far as they are here: under the lake's own paths, since no data file ever changes under its name. A file is here with
 * the size and hash that its table's log records, or not at all.
 */
export class FileCache {
  readonly #options: CacheOptions;
  readonly #coming = new Map<string, Promise<void>>();
  readonly #used = new Set<string>();
  readonly #pool = new AdaptivePool(BRINGS);
  #grown = false;

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** Told by the far side that it asks to be spared. */
  spared(): void {
    this.#pool.complained();
  }

  /** @throws DataflowError E_LAKE_IO for one that is gone, E_LAKE_CORRUPT for one that is not what was committed, E_FAR_* */
  async bring(files: readonly WantedFile[], signal: AbortSignal): Promise<void> {
    const missing = files.filter((file) => !this.#isHere(file));
    await this.#pool.run(
      missing,
      (file) => this.#once(file, signal),
      (file) => file.size_bytes,
    );
  }

  /** A file was put into the cache by a move. */
  added(path: string): void {
    this.#grown = true;
    this.#used.add(path);
  }

  #once(file: WantedFile, signal: AbortSignal): Promise<void> {
    const under_way = this.#coming.get(file.path);
    if (under_way !== undefined) return under_way;
    const coming = this.#fetch(file, signal).finally(() => this.#coming.delete(file.path));
    this.#coming.set(file.path, coming);
    return coming;
  }

  /** A size that differs is a file whose end was lost with the power: it is brought again. */
  #isHere({ path, size_bytes }: WantedFile): boolean {
    const target = this.#at(path);
    const found = statSync(target, { throwIfNoEntry: false });
    if (found?.size !== size_bytes) return false;
    if (!this.#used.has(path)) {
      this.#used.add(path);
      touch(target);
    }
    return true;
  }

  async #fetch(file: WantedFile, signal: AbortSignal): Promise<void> {
    const { far } = this.#options;
    const found = await far.read({ path: file.path, signal });
    if (found === undefined)
      throw new DataflowError('E_LAKE_IO', `a file of the lake is gone: ${far.name}/${file.path}`, {
        hint: '`dataflow verify` names every such file and how to bring it back.',
      });
    const target = this.#at(file.path);
    const draft = `${target}.${randomUUID()}.tmp`;
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    try {
      // What is lost with the power is brought again.
      const seen = await writeChunks(draft, found.chunks, { flags: 'wx', mode: 0o600, durable: false });
      if (seen.size_bytes !== file.size_bytes || (file.sha256 !== undefined && seen.sha256 !== file.sha256))
        throw damaged(`${far.name}/${file.path}`, file, seen);
      await rename(draft, target);
    } catch (error) {
      await rm(draft, { force: true });
      throw ioError(error, `cannot keep ${file.path} here`);
    }
    this.added(file.path);
  }

  /**
   * Files beyond the limit go, the longest unused first; those of this process and those used within the hour stay. Asked at the end, and only where
   * something came in.
   */
  async trim(now_ms = Date.now()): Promise<void> {
    if (!this.#grown) return;
    this.#grown = false;
    const kept = await this.#all();
    let total = kept.reduce((sum, { stats }) => sum + stats.size, 0);
    for (const { path, stats } of kept.sort((a, b) => a.stats.mtimeMs - b.stats.mtimeMs)) {
      if (total <= this.#options.limit_bytes) return;
      if (stats.mtimeMs > now_ms - IN_USE_MS || this.#used.has(path)) continue;
      await rm(this.#at(path), { force: true });
      total -= stats.size;
    }
  }

  async #all(): Promise<{ readonly path: string; readonly stats: Stats }[]> {
    const found: { path: string; stats: Stats }[] = [];
    const names = await readdir(this.#options.folder, { recursive: true }).catch(() => []);
    for (const name of names) {
      const path = name.split('\\').join('/');
      if (path.startsWith('_dataflow/') || !/\.(parquet|tmp)$/.test(path)) continue;
      const stats = await stat(this.#at(path)).catch(() => undefined);
      if (stats?.isFile() === true) found.push({ path, stats });
    }
    return found;
  }

  #at(path: string): string {
    return join(this.#options.folder, path);
  }
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

function damaged(name: string, file: WantedFile, seen: Written): DataflowError {
  const what =
    seen.size_bytes === file.size_bytes
      ? `its hash is ${seen.sha256}, recorded is ${file.sha256}`
      : `it has ${seen.size_bytes} bytes, recorded are ${file.size_bytes}`;
  return new DataflowError('E_LAKE_CORRUPT', `${name} is not what was committed: ${what}`, {
    kept: 'nothing was read from it',
    hint: '`dataflow verify` names every damaged file and how to bring it back.',
  });
}
