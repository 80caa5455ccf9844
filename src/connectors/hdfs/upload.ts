import { createHash, randomBytes } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type ChecksumRule, USUAL_RULE } from './checksum.ts';
import type { Content, Sums } from './content.ts';
import { type Patience, patiently } from './patience.ts';
import { proofOf } from './proof.ts';
import { isFull, isHeld, NodeFailure, passing, RemoteException } from './refusals.ts';
import type { FileStatus, WebHdfs } from './webhdfs.ts';

/** A file under its temporary name: all bytes are there, by the cluster's own checksum. */
export interface Uploaded {
  readonly path: string;
  readonly status: FileStatus;
  /** Of an earlier call. */
  readonly resumed_bytes: number;
}

export interface UploadRequest {
  /** Folder that the file will lie in. */
  readonly folder: string;
  /** Names the file to come, for the temporary name. */
  readonly target: string;
  readonly content: Content;
  readonly sha256: string | undefined;
  readonly signal: AbortSignal;
  readonly sent: (bytes: number) => void;
}

export interface UploadSettings {
  readonly hdfs: WebHdfs;
  readonly patience: Patience;
  /** Block size, replication and permission, as CREATE takes them. */
  readonly query: Readonly<Record<string, string>>;
}

const TEMPORARY = /^\.dataflow-[0-9a-f]{24}\.part$/;
/** From here on what arrived is worth keeping when a connection breaks. */
const RESUME_BYTES = 8 * 1024 * 1024;
/** What appends that got nowhere may weigh before a file is begun anew: one that is held by another writer 1, one that broke off 2. */
const FAILED_MAX = 4;
/** What blocks hold where the connection does not say; that of the last answer from then on. */
const BLOCK_BYTES = 128 * 1024 * 1024;

/** Whether a name is that of a file that is being written. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Brings files to a cluster under temporary names. A large file whose SHA-256 is known has the same temporary name each time: what arrived of it is
 * appended to (APPEND), in the same call and in a later one, or replaced where that cannot be. Other files begin anew under another name.
 */
export class Uploads {
  readonly #settings: UploadSettings;
  /** By which rule this cluster makes its checksums, as far as is known. */
  #rule: ChecksumRule;

  constructor(settings: UploadSettings) {
    this.#settings = settings;
    this.#rule = { ...USUAL_RULE, block_bytes: Number(settings.query['blocksize'] ?? BLOCK_BYTES) };
  }

  /** @throws RemoteException, NodeFailure, DataflowError E_FAR_SOURCE_DAMAGED, E_OUTBOUND */
  async bring(request: UploadRequest): Promise<Uploaded> {
    const one = new OneUpload(this.#settings, request, this.#rule);
    try {
      return await this.#persist(one, request.signal);
    } catch (error) {
      await one.discard(error);
      throw error;
    } finally {
      this.#rule = one.rule;
    }
  }

  /** Nodes that break off again and again are borne as long as the file gets on. */
  async #persist(one: OneUpload, signal: AbortSignal): Promise<Uploaded> {
    for (;;) {
      const before = one.furthest;
      try {
        return await patiently(() => one.attempt(), this.#settings.patience, signal);
      } catch (error) {
        if (one.furthest === before || passing(error) !== 'node') throw error;
      }
    }
  }
}

class OneUpload {
  rule: ChecksumRule;
  /** Bytes that had arrived when the attempt began that got furthest. */
  furthest = 0;
  readonly #settings: UploadSettings;
  readonly #request: UploadRequest;
  readonly #resumable: boolean;
  #path: string;
  #fresh = true;
  /** What appends that got nowhere weigh. */
  #failed = 0;
  /** Bytes that `sent` was told of, and those that were there before this call. */
  #told = 0;
  #resumed: number | undefined;

  constructor(settings: UploadSettings, request: UploadRequest, rule: ChecksumRule) {
    this.#settings = settings;
    this.#request = request;
    this.rule = rule;
    const { sha256, content, target, folder } = request;
    this.#resumable = sha256 !== undefined && content.size_bytes >= RESUME_BYTES;
    const name = this.#resumable && sha256 !== undefined ? resumableName(target, sha256) : anyName();
    this.#path = `${folder}/${name}`;
  }

  async attempt(): Promise<Uploaded> {
    const { hdfs } = this.#settings;
    const { content, signal } = this.#request;
    const from = this.#resumable ? await this.#arrived() : 0;
    if (from > this.furthest) [this.furthest, this.#failed] = [from, 0];
    const sums = (from > 0 ? await this.#append(from) : undefined) ?? (await this.#create());
    this.#refuseDamage(sums);
    faultPoint('after-far-upload');
    const { status, wrong, rule } = await proofOf(hdfs, this.#path, { content, sums }, signal);
    this.rule = rule ?? this.rule;
    if (wrong === undefined) return { path: this.#path, status, resumed_bytes: this.#resumed ?? 0 };
    // The node that wrote it may not have closed it yet: one that is too short is continued.
    if (!this.#resumable || status.length >= content.size_bytes) await hdfs.remove(this.#path, signal);
    throw new NodeFailure('data', hdfs.name, new Error(`${this.#path} ${wrong} after it was written`));
  }

  /** Takes away what is of no use any more; what can be resumed stays. */
  async discard(error: unknown): Promise<void> {
    const damaged = error instanceof DataflowError && error.code === 'E_FAR_SOURCE_DAMAGED';
    if (this.#fresh || (this.#resumable && !damaged)) return;
    await this.#settings.hdfs.remove(this.#path, AbortSignal.timeout(5000)).catch(() => undefined);
  }

  /** How much of it is there from before. */
  async #arrived(): Promise<number> {
    const { hdfs } = this.#settings;
    const { content, signal } = this.#request;
    const status = await hdfs.status(this.#path, signal);
    return status === undefined || status.length > content.size_bytes ? 0 : status.length;
  }

  /** Adds what is missing. Undefined: what is there cannot be added to, so is of no use. */
  async #append(from: number): Promise<Sums | undefined> {
    const { size_bytes } = this.#request.content;
    const { chunks, sums } = this.#bytesFrom(from);
    try {
      // Where all bytes are there already nothing is appended: that closes a file whose writer may still hold it.
      await this.#settings.hdfs.append(this.#path, { size_bytes: size_bytes - from, chunks }, this.#request.signal);
      return sums();
    } catch (error) {
      this.#request.signal.throwIfAborted();
      if (!this.#isLost(error)) throw error;
      return undefined;
    }
  }

  /** A node that cannot be reached had the last block; a file that is encoded or somebody else's takes no bytes; a writer that died holds it for a minute. */
  #isLost(error: unknown): boolean {
    if (error instanceof NodeFailure && !error.reached) return true;
    if (!(error instanceof NodeFailure) && !(error instanceof RemoteException)) return false;
    if (passing(error) === undefined) return !isFull(error);
    this.#failed += isHeld(error) ? 1 : 2;
    return this.#failed >= FAILED_MAX;
  }

  async #create(): Promise<Sums> {
    const { hdfs, query } = this.#settings;
    const { content, signal, folder } = this.#request;
    const { chunks, sums } = this.#bytesFrom(0);
    this.#failed = 0;
    // What has a name for good is replaced, whoever holds it. Any other name is taken once: its writer may still be at it.
    if (!this.#fresh && !this.#resumable) {
      await hdfs.remove(this.#path, signal).catch(() => undefined);
      this.#path = `${folder}/${anyName()}`;
    }
    this.#fresh = false;
    const overwrite = String(this.#resumable);
    try {
      await hdfs.create(this.#path, { size_bytes: content.size_bytes, chunks }, { ...query, overwrite }, signal);
    } catch (error) {
      // Somebody removed it, or the folder, while it was written.
      if (error instanceof RemoteException && error.exception === 'FileNotFoundException')
        throw new NodeFailure('data', hdfs.name, error);
      throw error;
    }
    return sums();
  }

  /** The bytes from an offset on; whoever counts them is told what is to be sent again. */
  #bytesFrom(from: number): { readonly chunks: AsyncIterable<Uint8Array>; sums(): Sums } {
    this.#resumed = Math.min(this.#resumed ?? from, from);
    this.#tell(from - this.#resumed - this.#told);
    const { pieces, sums } = this.#request.content.from(from, this.rule);
    return { chunks: this.#watched(pieces), sums };
  }

  async *#watched(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.#request.signal.throwIfAborted();
      yield piece;
      faultPoint('during-far-upload');
      this.#tell(piece.length);
    }
  }

  #tell(bytes: number): void {
    this.#told += bytes;
    if (bytes !== 0) this.#request.sent(bytes);
  }

  #refuseDamage({ sha256 }: Sums): void {
    const wanted = this.#request.sha256;
    if (wanted !== undefined && wanted !== sha256)
      throw new DataflowError(
        'E_FAR_SOURCE_DAMAGED',
        `${this.#request.target}: its SHA-256 is ${sha256}, not ${wanted}`,
      );
  }
}

/** The same for the same bytes under the same path, so that the next call finds what arrived. */
export function resumableName(path: string, sha256: string): string {
  return `.dataflow-${createHash('sha256').update(`${path}\n${sha256}`).digest('hex').slice(0, 24)}.part`;
}

function anyName(): string {
  return `.dataflow-${randomBytes(12).toString('hex')}.part`;
}
