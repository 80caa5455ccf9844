import { createHash } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarFile, FarStorage, PutContent } from '../../core/ports/far-storage.ts';
import type { FolderOptions, LakeStorage, StoredDigest, StoredFile, WantedFile } from '../../core/ports/storage.ts';
import { LocalStorage } from '../storage-local.ts';
import type { FileCache } from './file-cache.ts';
import { LogCache } from './log-cache.ts';

/** What only this machine needs: candidates on their way, and the engine's scratch space. */
const HERE = /^_dataflow\/(staging|tmp)(\/|$)/;
const READS_MAX = 5;
/** Files that are written once under their name. */
const WRITTEN_ONCE = /(^|\/)_delta_log\/\d{20}\.(json|checkpoint\.parquet)$|^_dataflow\/releases\/\d{20}\.json$/;

export interface FarLakeOptions {
  readonly far: FarStorage;
  /** As the configuration has it: the beginning of URIs that logs of other writers may hold. */
  readonly url: string;
  /** Absolute path of the lake's local side. */
  readonly folder: string;
  readonly cache: FileCache;
  /** An engine on other machines writes candidates where the lake is: what only this machine needs, has its like there. */
  readonly staged_there: boolean;
}

/** What is known of a file that another machine staged. */
type StagedThere = { readonly sha256: string; readonly size_bytes: number };

/**
 * A lake in HDFS or in an object store. Candidates are staged here and put there when they are published; what engines open is brought here first
 * ({@link FileCache}), under the same paths below the local side. Logs are read there each time, by their listing; entries that were read before are not
 * asked for again. A commit is the exclusive creation of a log entry by the far side, which decides between two machines.
 */
export class FarLakeStorage implements LakeStorage {
  readonly cheap_ranges = false;
  readonly #far: FarStorage;
  readonly #url: string;
  readonly #local: LocalStorage;
  readonly #cache: FileCache;
  readonly #staged_there: boolean;
  readonly #logs: LogCache;
  /** As they were listed last. */
  readonly #listed = new Map<string, FarFile>();
  readonly #sealed = new Map<string, { readonly sha256: string; readonly size_bytes: number }>();
  /** Files that were staged where the lake is, by the name that they have now. */
  readonly #there = new Set<string>();
  readonly #signal = new AbortController().signal;

  constructor({ far, url, folder, cache, staged_there }: FarLakeOptions) {
    this.#far = far;
    this.#staged_there = staged_there;
    this.#url = url.replace(/\/+$/, '');
    this.#local = new LocalStorage(folder);
    this.#cache = cache;
    this.#logs = new LogCache(this.#local.uri('_dataflow/cache'));
  }

  uri(path: string): string {
    return this.#local.uri(path);
  }

  pathOf(uri: string): string | undefined {
    if (!uri.startsWith(`${this.#url}/`)) return this.#local.pathOf(uri);
    const path = decodeURIComponent(uri.slice(this.#url.length + 1));
    return path.split('/').some((part) => part === '..' || part === '.') ? undefined : path;
  }

  async list(folder: string): Promise<readonly string[]> {
    const names = new Set<string>(HERE.test(folder) ? await this.#local.list(folder) : []);
    if (HERE.test(folder) && !this.#staged_there) return [...names];
    const prefix = `${folder}/`;
    for await (const page of this.#far.list({ prefix, signal: this.#signal }))
      for (const file of page) {
        const name = file.path.slice(prefix.length).split('/')[0];
        if (name !== undefined && name !== '') names.add(name);
        if (WRITTEN_ONCE.test(file.path)) this.#listed.set(file.path, file);
      }
    return [...names];
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    if (HERE.test(path)) return this.#local.read(path);
    const mark = this.#listed.get(path)?.mark;
    const known = mark === undefined ? undefined : this.#logs.get(path, mark);
    if (known !== undefined) return known;
    const found = await this.#whole(path);
    if (found === undefined) return undefined;
    if (WRITTEN_ONCE.test(path)) this.#logs.keep(path, found.mark, found.content);
    return found.content;
  }

  /** What is written over again and again (a lock, a hint) may be so while it is read. */
  async #whole(path: string): Promise<{ readonly content: Uint8Array; readonly mark: string } | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await this.#far.read({ path, signal: this.#signal });
        return found === undefined ? undefined : { content: await joined(found.chunks), mark: found.file.mark };
      } catch (error) {
        const changed = error instanceof DataflowError && error.code === 'E_FAR_CHANGED';
        if (!changed || attempt === READS_MAX) throw error;
      }
    }
  }

  async readRange(path: string, from: number, to: number): Promise<Uint8Array> {
    if (HERE.test(path)) return this.#local.readRange(path, from, to);
    const found = await this.#far.read({ path, range: { from, to }, signal: this.#signal });
    if (found === undefined) throw new DataflowError('E_LAKE_IO', `cannot read ${this.#far.name}/${path}: it is gone`);
    return joined(found.chunks);
  }

  async info(path: string): Promise<StoredFile | undefined> {
    if (HERE.test(path)) return this.#local.info(path);
    // A checkpoint that was listed a moment ago is what it was; the head of a log is asked for each time.
    const listed = path.endsWith('.checkpoint.parquet') ? this.#listed.get(path) : undefined;
    return listed ?? this.#far.info(path, this.#signal);
  }

  async createExclusive(path: string, content: Uint8Array): Promise<boolean> {
    if (HERE.test(path)) return this.#local.createExclusive(path, content);
    const outcome = await this.#put(path, { bytes: content }, 'nothing');
    if (outcome === undefined) return false;
    if (WRITTEN_ONCE.test(path)) this.#logs.keep(path, outcome.mark, content);
    return true;
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    if (HERE.test(path)) return this.#local.replace(path, content);
    await this.#put(path, { bytes: content }, 'anything');
  }

  async jot(path: string, content: Uint8Array): Promise<void> {
    if (HERE.test(path)) return this.#local.jot(path, content);
    await this.#put(path, { bytes: content }, 'anything');
  }

  /** Folders of the far side come with their files. */
  async makeFolder(path: string, options?: FolderOptions): Promise<void> {
    if (HERE.test(path)) await this.#local.makeFolder(path, { ...options, private: true });
  }

  async seal(path: string, told?: StagedThere): Promise<StagedThere> {
    if (told !== undefined) {
      this.#there.add(path);
      return told;
    }
    const sealed = await this.#local.seal(path);
    this.#sealed.set(path, sealed);
    return sealed;
  }

  /** A staged file is put there, checked against the hash that it was sealed with, and stays here as the first copy; the way back takes it away again. */
  async move(from: string, to: string): Promise<void> {
    if (this.#there.delete(from)) {
      if (!(await this.#far.rename({ from, to, signal: this.#signal })))
        throw new DataflowError('E_LAKE_CONFLICT', `${this.#far.name}/${from} is gone, or ${to} is there already`);
      this.#there.add(to);
      return;
    }
    if (HERE.test(to)) {
      if (HERE.test(from)) return this.#local.move(from, to);
      renameSync(this.#local.uri(from), this.#local.uri(to));
      return this.#far.remove([from], this.#signal);
    }
    const sealed = this.#sealed.get(from);
    if (sealed === undefined) throw new DataflowError('E_INTERNAL', `${from} was not sealed before it was published`);
    const file = { file: this.#local.uri(from), size_bytes: sealed.size_bytes };
    if ((await this.#put(to, file, 'nothing', sealed.sha256)) === undefined)
      throw new DataflowError('E_LAKE_CONFLICT', `${this.#far.name}/${to} is there already`);
    const target = this.#local.uri(to);
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    renameSync(file.file, target);
    this.#cache.added(to);
  }

  /** What the far side has confirmed is durable. */
  async settle(): Promise<void> {}

  async remove(path: string): Promise<void> {
    await this.#local.remove(path);
    if (HERE.test(path)) {
      if (this.#staged_there) await this.#far.removeFolder(path, this.#signal);
      return;
    }
    const paths = [path];
    for await (const page of this.#far.list({ prefix: `${path}/`, signal: this.#signal }))
      paths.push(...page.map((file) => file.path));
    await this.#far.remove(paths, this.#signal);
  }

  /** There are no links on the far side, and the local side is our own. */
  async refuseLinksOut(): Promise<void> {}

  refuseLinkOut(): void {}

  async bring(files: readonly WantedFile[], signal: AbortSignal): Promise<void> {
    await this.#cache.bring(
      files.filter(({ path }) => !HERE.test(path)),
      signal,
    );
  }

  async digest(path: string, signal: AbortSignal, tell: (bytes: number) => void): Promise<StoredDigest> {
    try {
      const found = await this.#far.read({ path, signal });
      if (found === undefined) return { error: 'it is gone' };
      const hash = createHash('sha256');
      for await (const chunk of found.chunks) {
        hash.update(chunk);
        tell(chunk.length);
      }
      return { sha256: hash.digest('hex') };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DataflowError)) throw error;
      return { error: error.message };
    }
  }

  async #put(
    path: string,
    content: PutContent,
    over: 'nothing' | 'anything',
    sha256?: string,
  ): Promise<FarFile | undefined> {
    const proof = sha256 === undefined ? {} : { sha256 };
    const outcome = await this.#far.put({ path, content, over, ...proof, signal: this.#signal });
    return outcome.done ? outcome.file : undefined;
  }
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  // Chunks are the caller's own.
  for await (const chunk of chunks) parts.push(chunk);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
