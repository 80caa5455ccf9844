import { stat } from 'node:fs/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type {
  FarFile,
  FarLeftover,
  FarProbe,
  FarStorage,
  FarStorageComponent,
  FarStorageRequest,
  PutOutcome,
  PutRequest,
} from '../../core/ports/far-storage.ts';
import { ruleOf, sameChecksum, USUAL_RULE } from './checksum.ts';
import type { HdfsConnectionOptions } from './connection.ts';
import { Content, contentOfFile } from './content.ts';
import { markOf } from './mark.ts';
import { urlsOf } from './name-nodes.ts';
import { removeFolder, renameFile } from './names.ts';
import { type Patience, patiently, seldom } from './patience.ts';
import { isMasked, sha256Of } from './proof.ts';
import { Publication } from './publish.ts';
import { readWhole } from './read.ts';
import { farFault } from './refusals.ts';
import { isTemporary, Uploads } from './upload.ts';
import { below, pagesOf } from './walk.ts';
import { type FileStatus, WebHdfs } from './webhdfs.ts';

/** Files below a folder of HDFS: `connection:` of type hdfs. */
export const component: FarStorageComponent = {
  type: 'hdfs',
  open: (request) => new HdfsStorage(request),
};

/** Attempts where nodes break off or are overloaded, and nothing comes of it. */
const ATTEMPTS = 6;
/** Folders that are listed, and files that are removed, at the same time. */
const AT_ONCE = 8;
const PART_BYTES_MAX = 255;

class HdfsStorage implements FarStorage {
  readonly name: string;
  readonly #base: string;
  readonly #hdfs: WebHdfs;
  readonly #patience: Patience;
  readonly #uploads: Uploads;
  readonly #folders: FolderMaker;

  constructor({ connection, path, root, note, spared }: FarStorageRequest) {
    const options = connection.options as HdfsConnectionOptions;
    const parts = [options.path ?? '', path].flatMap((one) => one.split('/')).filter((part) => part !== '');
    this.#base = `/${parts.join('/')}`;
    this.#hdfs = new WebHdfs(options, root);
    this.name = `${urlsOf(options)[0] ?? ''}${this.#base}`;
    this.#patience = {
      ready_ms: options.ready_timeout_s * 1000,
      attempts: ATTEMPTS,
      note: seldom(note),
      spared: spared ?? (() => undefined),
    };
    const settings = { hdfs: this.#hdfs, patience: this.#patience };
    this.#uploads = new Uploads({ ...settings, query: createQuery(options) });
    this.#folders = new FolderMaker(options.permission);
  }

  get requests(): ReadonlyMap<string, number> {
    return this.#hdfs.requests;
  }

  async *list({ prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal }) {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1).replace(/\/$/, '');
    for await (const page of this.#walk(folder, signal)) {
      const files = page.filter(({ path, name }) => path.startsWith(prefix) && !isTemporary(name));
      if (files.length > 0) yield files.map(({ path, status }) => farFile(path, status));
    }
  }

  async info(path: string, signal: AbortSignal): Promise<FarFile | undefined> {
    const full = this.#full(path);
    const status = await this.#asked(path, signal, () => this.#hdfs.status(full, signal));
    return status?.type === 'FILE' ? farFile(path, status) : undefined;
  }

  async read({ path, range, signal }: Parameters<FarStorage['read']>[0]) {
    const file = await this.info(path, signal);
    if (file === undefined) return undefined;
    const full = this.#full(path);
    const again = {
      info: () => this.info(path, signal),
      open: (offset: number, length: number) =>
        this.#asked(path, signal, () => this.#hdfs.open(full, { offset, length }, signal)),
      told: (error: unknown) => farFault(this.name, path, error),
    };
    return { file, chunks: readWhole(file, range, again, this.#patience, signal) };
  }

  async put({ path, content, sha256, over, signal, sent }: PutRequest): Promise<PutOutcome> {
    const full = this.#full(path);
    const folder = full.slice(0, full.lastIndexOf('/'));
    const publication = new Publication(this.#hdfs, this.#patience, full, over, signal);
    try {
      const taken = await publication.takenAlready();
      if (taken !== undefined) return { done: false, taken: taken.status && farFile(path, taken.status) };
      await this.#folders.make(folder, (one, query) =>
        patiently(() => this.#hdfs.makeFolder(one, query, signal), this.#patience, signal),
      );
      const uploaded = await this.#uploads.bring({
        folder: folder === '' ? '' : folder,
        target: full,
        content: new Content(content, 'file' in content ? content.file : path),
        sha256,
        signal,
        sent: sent ?? (() => undefined),
      });
      const outcome = await publication.publish(uploaded);
      if (outcome.done)
        return { done: true, file: farFile(path, outcome.status), resumed_bytes: uploaded.resumed_bytes };
      return { done: false, taken: outcome.status && farFile(path, outcome.status) };
    } catch (error) {
      signal.throwIfAborted();
      throw farFault(this.name, path, error);
    }
  }

  async matches(local_file: string, far: FarFile, signal: AbortSignal): Promise<boolean | undefined> {
    if ((await stat(local_file)).size !== far.size_bytes) return false;
    if (far.size_bytes === 0) return true;
    const full = this.#full(far.path);
    const theirs = await this.#asked(far.path, signal, () => this.#hdfs.checksum(full, signal));
    if (theirs === undefined) return false;
    const rule = ruleOf(theirs);
    const ours = await (await contentOfFile(local_file)).sums(rule ?? USUAL_RULE);
    if (rule !== undefined && sameChecksum(theirs, ours.checksum)) return true;
    const status = await this.#asked(far.path, signal, () => this.#hdfs.status(full, signal));
    if (status === undefined || (rule !== undefined && !isMasked(status))) return false;
    return (await this.#asked(far.path, signal, () => sha256Of(this.#hdfs, full, signal))) === ours.sha256;
  }

  async rename({ from, to, signal }: Parameters<FarStorage['rename']>[0]): Promise<boolean> {
    const [old_name, new_name] = [this.#full(from), this.#full(to)];
    return this.#asked(to, signal, () => renameFile(this.#hdfs, old_name, new_name, signal));
  }

  async remove(paths: readonly string[], signal: AbortSignal): Promise<void> {
    const left = paths.map((path) => [path, this.#full(path)] as const);
    const work = async (): Promise<void> => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const [path, full] = one;
        await this.#asked(path, signal, () => this.#hdfs.remove(full, signal));
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work));
  }

  async removeFolder(path: string, signal: AbortSignal): Promise<void> {
    const full = this.#full(path);
    await this.#asked(path, signal, () => removeFolder(this.#hdfs, full, signal));
  }

  async leftovers({ begun_before_ms, remove, signal }: Parameters<FarStorage['leftovers']>[0]) {
    const found: FarLeftover[] = [];
    for await (const page of this.#walk('', signal))
      for (const { path, name, status } of page)
        if (isTemporary(name) && status.modificationTime < begun_before_ms)
          found.push({ path, started_ms: status.modificationTime, kind: 'temporary file' });
    if (remove)
      await this.remove(
        found.map(({ path }) => path),
        signal,
      );
    return found;
  }

  /** Whether we may write below the base, or make it. Asked once: who asks wants to know how it is now. */
  async probe(signal: AbortSignal): Promise<FarProbe> {
    try {
      for (let folder = this.#base; ; folder = folder.slice(0, folder.lastIndexOf('/')) || '/') {
        const there = (await this.#hdfs.mayAccess(folder, 'rwx', signal)) === true;
        if (!there && folder !== '/') continue;
        return { words: folder === this.#base ? 'reachable' : `reachable, made in ${folder} when something is put` };
      }
    } catch (error) {
      signal.throwIfAborted();
      throw farFault(this.name, '', error);
    }
  }

  close(): Promise<void> {
    return this.#hdfs.close();
  }

  /** Files of a folder below the base and of all folders in it, some folders at a time. */
  async *#walk(from: string, signal: AbortSignal): AsyncGenerator<readonly FoundFile[]> {
    for (let folders: readonly string[] = [from]; folders.length > 0; ) {
      const next: string[] = [];
      for (let at = 0; at < folders.length; at += AT_ONCE)
        for (const entries of await Promise.all(
          folders.slice(at, at + AT_ONCE).map((one) => this.#entries(one, signal)),
        )) {
          next.push(...entries.filter(({ status }) => status.type === 'DIRECTORY').map(({ path }) => path));
          yield entries.filter(({ status }) => status.type === 'FILE');
        }
      folders = next;
    }
  }

  async #entries(folder: string, signal: AbortSignal): Promise<readonly FoundFile[]> {
    const found: FoundFile[] = [];
    const full = folder === '' ? this.#base : `${this.#base.replace(/\/$/, '')}/${folder}`;
    const page = (path: string, after: string) =>
      this.#asked(folder, signal, () => this.#hdfs.page(path, after, signal));
    for await (const entries of pagesOf(full, page))
      for (const status of entries) {
        const name = status.pathSuffix;
        // A file that is asked for as a folder lists itself, without a name.
        if (name !== '') found.push({ path: folder === '' ? name : below(folder, name), name, status });
      }
    return found;
  }

  async #asked<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await patiently(work, this.#patience, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw farFault(this.name, path, error);
    }
  }

  /** @throws DataflowError E_FAR_REFUSED for what HDFS can have no file of */
  #full(path: string): string {
    const parts = path.split('/');
    const bad = parts.find((part) => part === '' || part === '.' || part === '..' || /[\0\n\r]/.test(part));
    if (bad !== undefined)
      throw new DataflowError('E_FAR_REFUSED', `${JSON.stringify(path)} is no path below ${this.name}`);
    if (path.includes(':') || parts.some((part) => Buffer.byteLength(part) > PART_BYTES_MAX))
      throw new DataflowError(
        'E_FAR_REFUSED',
        `${path}: HDFS knows no names with a colon or of more than ${PART_BYTES_MAX} bytes`,
        {
          hint: 'Rename the layer, the table or the partition that gives this name.',
        },
      );
    return `${this.#base === '/' ? '' : this.#base}/${path}`;
  }
}

interface FoundFile {
  /** Below the base. */
  readonly path: string;
  readonly name: string;
  readonly status: FileStatus;
}

/** Makes folders where files get rights of their own: each once, those above it first. Without, CREATE makes them. */
class FolderMaker {
  readonly #permission: string | undefined;
  readonly #made = new Map<string, Promise<void>>();

  constructor(permission: string | undefined) {
    // Who may read a file has to pass through its folder.
    this.#permission = permission?.replace(/./g, (digit) => String(Number(digit) | (Number(digit) & 4 ? 1 : 0)));
  }

  async make(
    folder: string,
    make: (folder: string, query: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<void> {
    if (this.#permission === undefined || folder === '') return;
    const known = this.#made.get(folder) ?? make(folder, { permission: this.#permission });
    this.#made.set(folder, known);
    await known.catch((error: unknown) => {
      this.#made.delete(folder);
      throw error;
    });
  }
}

function createQuery(options: HdfsConnectionOptions): Readonly<Record<string, string>> {
  const { block_size_bytes, replication, permission } = options;
  return {
    ...(block_size_bytes === undefined ? {} : { blocksize: String(block_size_bytes) }),
    ...(replication === undefined ? {} : { replication: String(replication) }),
    ...(permission === undefined ? {} : { permission }),
  };
}

function farFile(path: string, status: FileStatus): FarFile {
  const { length: size_bytes, modificationTime: modified_ms } = status;
  return { path, size_bytes, modified_ms, mark: markOf(status) };
}
