import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FileChecksum } from './checksum.ts';
import type { HdfsConnectionOptions } from './connection.ts';
import { type Body, DataNodes } from './data-nodes.ts';
import { Follower } from './follow.ts';
import { HostRules } from './hosts.ts';
import { NameNodes, type Question, urlsOf } from './name-nodes.ts';
import { RemoteException } from './refusals.ts';

/** What a NameNode says of a file or folder. */
export interface FileStatus {
  /** Empty when the path itself is a file. */
  readonly pathSuffix: string;
  readonly type: 'FILE' | 'DIRECTORY' | 'SYMLINK';
  readonly length: number;
  /** Milliseconds. */
  readonly modificationTime: number;
  /** Stays with a file when it is renamed, and is never given again. */
  readonly fileId?: number;
  /** It is encrypted, or in stripes, on the disks. */
  readonly encBit?: boolean;
  readonly ecBit?: boolean;
  readonly permission?: string;
  readonly owner?: string;
  readonly group?: string;
}

/** A page of a folder. */
export interface FolderPage {
  readonly entries: readonly FileStatus[];
  /** How many follow. */
  readonly left: number;
}

/** What renaming came to: `taken` when something has the name already, `gone` when there is nothing to rename. */
export type Renamed = 'done' | 'taken' | 'gone' | 'no_folder';

/**
 * WebHDFS, one method per operation and one attempt each. Redirects are followed by hand: the NameNode is asked where a file's bytes are or go to, and only
 * the DataNode that it names sees them. Errors are RemoteException, NodeFailure, or DataflowError E_OUTBOUND.
 */
export class WebHdfs {
  /** What was asked so far, by kind. */
  readonly requests = new Map<string, number>();
  readonly #names: NameNodes;
  readonly #data: DataNodes;
  readonly #follower: Follower;

  /** @param root project folder: relative paths of certificates start here */
  constructor(options: HdfsConnectionOptions, root = '/') {
    const rules = new HostRules(urlsOf(options), options.datanode_hosts);
    const authority = authorityOf(options.ca_file, root);
    this.#names = new NameNodes(options, rules, authority);
    this.#data = new DataNodes(options, rules, authority);
    this.#follower = new Follower(this.#names, (kind) => this.#count(kind));
  }

  /** Address of the NameNode that answered last. */
  get name(): string {
    return this.#names.url;
  }

  /** Undefined: there is nothing of that name. */
  async status(path: string, signal?: AbortSignal): Promise<FileStatus | undefined> {
    return await orMissing(async () => {
      const answer = await this.#json('info', { method: 'GET', path, op: 'GETFILESTATUS', signal });
      return (answer as { FileStatus: FileStatus }).FileStatus;
    });
  }

  /** A page of a folder, after a name. Undefined: there is no such folder. */
  async page(path: string, after: string, signal?: AbortSignal): Promise<FolderPage | undefined> {
    return await orMissing(async () => {
      const query = { startAfter: after };
      const answer = (await this.#json('list', { method: 'GET', path, op: 'LISTSTATUS_BATCH', query, signal })) as {
        DirectoryListing: {
          partialListing: { FileStatuses: { FileStatus: readonly FileStatus[] } };
          remainingEntries: number;
        };
      };
      const { partialListing, remainingEntries: left } = answer.DirectoryListing;
      const entries = partialListing.FileStatuses.FileStatus;
      // A listing is whole or fails: that of a gateway which does not turn pages would be neither.
      if (left > 0 && (entries.at(-1)?.pathSuffix ?? after) === after)
        throw new RemoteException('PagingException', `${path}: ${left} more are said to follow and do not come`);
      return { entries, left };
    });
  }

  /** Bytes of a file. Undefined: it is not there. */
  async open(
    path: string,
    range: { readonly offset: number; readonly length?: number },
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { offset, length } = range;
    const query = { offset: String(offset), ...(length === undefined ? {} : { length: String(length) }) };
    return await orMissing(() =>
      this.#follower.follow<AsyncIterable<Uint8Array>>({
        kind: 'get',
        question: { method: 'GET', path, op: 'OPEN', query, signal },
        where: async (question) => {
          const answer = await this.#names.open(question);
          return 'chunks' in answer ? { done: answer.chunks } : answer;
        },
        there: async (location) => this.#follower.watched(await this.#data.open(location, signal), location),
      }),
    );
  }

  /** Makes a file of all the bytes; folders above it are made. Ends when the cluster has them, which is no proof that it has them all. */
  async create(path: string, body: Body, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'PUT', path, op: 'CREATE', query, signal }, body);
  }

  /** Adds bytes to the end of a file. */
  async append(path: string, body: Body, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'POST', path, op: 'APPEND', signal }, body);
  }

  /** Gives a file another name in one step; whether something of that name may be replaced is the cluster's to decide. */
  async rename(from: string, to: string, overwrite: boolean, signal?: AbortSignal): Promise<Renamed> {
    const query = { destination: to, renameoptions: overwrite ? 'OVERWRITE' : 'NONE' };
    try {
      const answer = await this.#ask('rename', { method: 'PUT', path: from, op: 'RENAME', query, signal });
      // HttpFS knows no options and says `false` without a reason.
      return answer.length > 0 && (parsed(answer) as { boolean?: boolean }).boolean === false ? 'taken' : 'done';
    } catch (error) {
      if (!(error instanceof RemoteException)) throw error;
      if (error.exception === 'FileAlreadyExistsException') return 'taken';
      if (error.exception !== 'FileNotFoundException' && error.exception !== 'ParentNotDirectoryException') throw error;
      // Paths are in these messages too.
      return /^rename destination/i.test(error.message) ? 'no_folder' : 'gone';
    }
  }

  /** Makes a folder and those above it. */
  async makeFolder(path: string, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    await this.#ask('mkdirs', { method: 'PUT', path, op: 'MKDIRS', query, signal });
  }

  /** Removes a file, or a folder with all that is in it; nothing happens when it is not there. */
  async remove(path: string, signal?: AbortSignal, recursive = false): Promise<void> {
    const query = { recursive: String(recursive) };
    await orMissing(() => this.#ask('delete', { method: 'DELETE', path, op: 'DELETE', query, signal }));
  }

  /** Undefined: there is no such file. */
  async checksum(path: string, signal?: AbortSignal): Promise<FileChecksum | undefined> {
    return await orMissing(() =>
      this.#follower.follow<FileChecksum>({
        kind: 'checksum',
        question: { method: 'GET', path, op: 'GETFILECHECKSUM', query: { noredirect: 'true' }, signal },
        where: async (question) => {
          const { body, location } = await this.#names.ask(question);
          if (location !== undefined) return { location };
          const said = parsed(body) as { FileChecksum?: FileChecksum; Location?: string };
          if (said.FileChecksum !== undefined) return { done: said.FileChecksum };
          return { location: said.Location ?? noLocation(question) };
        },
        there: async (location) => {
          const answer = await this.#data.send('GET', location, undefined, signal);
          return (parsed(answer) as { FileChecksum: FileChecksum }).FileChecksum;
        },
      }),
    );
  }

  /** Undefined: there is nothing of that name. @param rights `rwx`, `-w-` @throws RemoteException AccessControlException */
  async mayAccess(path: string, rights: string, signal?: AbortSignal): Promise<true | undefined> {
    return await orMissing<true>(async () => {
      await this.#ask('info', { method: 'GET', path, op: 'CHECKACCESS', query: { fsaction: rights }, signal });
      return true;
    });
  }

  close(): Promise<void> {
    return this.#names.close();
  }

  /** Asks where bytes go, without sending one to the NameNode: as JSON where it knows `noredirect`, else by a redirect; then sends them there. */
  async #send(question: Question & { readonly method: 'PUT' | 'POST' }, body: Body): Promise<void> {
    await this.#follower.follow<Buffer>({
      kind: 'put',
      question: { ...question, query: { ...question.query, noredirect: 'true' } },
      where: async (asked) => {
        const { location, status, body: text } = await this.#names.ask(asked);
        if (location !== undefined) return { location };
        const said = status === 200 && text.length > 0 ? (parsed(text) as { Location?: string }).Location : undefined;
        return { location: said ?? noLocation(asked) };
      },
      there: (location) => this.#data.send(question.method, location, body, question.signal),
    });
  }

  async #ask(kind: string, question: Question): Promise<Buffer> {
    this.#count(kind);
    return (await this.#names.ask(question)).body;
  }

  async #json(kind: string, question: Question): Promise<unknown> {
    return parsed(await this.#ask(kind, question));
  }

  #count(kind: string): void {
    this.requests.set(kind, (this.requests.get(kind) ?? 0) + 1);
  }
}

/** A cluster that does not say where: asked again it may. */
function noLocation({ op }: Question): never {
  throw new RemoteException('', `the answer to ${op} names no DataNode`);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new RemoteException('', 'its answer is no JSON, or not a whole one');
  }
}

async function orMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RemoteException && error.exception === 'FileNotFoundException') return undefined;
    throw error;
  }
}

function authorityOf(file: string | undefined, root: string): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(resolve(root, file), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DataflowError('E_CONFIG_INVALID', `ca_file: ${file} cannot be read: ${why}`, { cause: error });
  }
}
