import { createHash, randomBytes } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type ChecksumRule, ruleOf, sameChecksum, USUAL_RULE } from './checksum.ts';
import type { Content, Sums } from './content.ts';
import { type Patience, patiently } from './patience.ts';
import { NodeFailure } from './refusals.ts';
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
/** Appends to one file that may fail before it is begun anew under another name. */
const APPENDS_MAX = 2;
/** What blocks hold where the connection does not say; that of the last answer from then on. */
const BLOCK_BYTES = 128 * 1024 * 1024;

/** Whether a name is that of a file that is being written. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Brings files to a cluster under temporary names. A large file whose SHA-256 is known has the same temporary name each time: what arrived of it is
 * appended to (APPEND), in the same call and in a later one. Other files begin anew under another name, so that a writer that died holds nobody up.
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
      return await patiently((attempt) => one.attempt(attempt), this.#settings.patience, request.signal);
    } catch (error) {
      await one.discard(error);
      throw error;
    } finally {
      this.#rule = one.rule;
    }
  }
}

class OneUpload {
  rule: ChecksumRule;
  readonly #settings: UploadSettings;
  readonly #request: UploadRequest;
  readonly #resumable: boolean;
  #path: string;
  #fresh = true;
  #failed_appends = 0;
  /** Bytes that `sent` was told of, and those that were there before this call. */
  #told = 0;
  #resumed = 0;

  constructor(settings: UploadSettings, request: UploadRequest, rule: ChecksumRule) {
    this.#settings = settings;
    this.#request = request;
    this.rule = rule;
    const { sha256, content, target, folder } = request;
    this.#resumable = sha256 !== undefined && content.size_bytes >= RESUME_BYTES;
    const name = this.#resumable && sha256 !== undefined ? resumableName(target, sha256) : anyName();
    this.#path = `${folder}/${name}`;
  }

  async attempt(attempt: number): Promise<Uploaded> {
    const { content, signal } = this.#request;
    const from = this.#resumable && this.#failed_appends < APPENDS_MAX ? await this.#arrived() : 0;
    if (attempt === 1) this.#resumed = from;
    this.#tell(from - Math.min(this.#resumed, from) - this.#told);
    this.#resumed = Math.min(this.#resumed, from);
    const body = content.from(from, this.rule);
    await this.#send(from, body.pieces);
    const sums = body.sums();
    this.#refuseDamage(sums);
    faultPoint('after-far-upload');
    const status = await this.#settings.hdfs.status(this.#path, signal);
    await this.#prove(status, sums);
    return { path: this.#path, status: status as FileStatus, resumed_bytes: this.#resumed };
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

  async #send(from: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { hdfs, query } = this.#settings;
    const { content, signal } = this.#request;
    const chunks = this.#watched(pieces);
    // Where all bytes are there already nothing is appended: that closes a file whose writer may still hold it.
    if (from > 0) {
      try {
        await hdfs.append(this.#path, { size_bytes: content.size_bytes - from, chunks }, signal);
      } catch (error) {
        this.#failed_appends += 1;
        throw error;
      }
      return;
    }
    // A writer that died may still hold the last name.
    if (!this.#fresh && (!this.#resumable || this.#failed_appends >= APPENDS_MAX)) await this.#rename();
    this.#fresh = false;
    const overwrite = String(this.#resumable);
    await hdfs.create(this.#path, { size_bytes: content.size_bytes, chunks }, { ...query, overwrite }, signal);
  }

  async #rename(): Promise<void> {
    const old = this.#path;
    this.#path = `${this.#request.folder}/${anyName()}`;
    await this.#settings.hdfs.remove(old, this.#request.signal).catch(() => undefined);
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

  /** Length and checksum as the cluster has them. What is not right is taken away and sent again. */
  async #prove(status: FileStatus | undefined, sums: Sums): Promise<void> {
    const { content, signal } = this.#request;
    const { hdfs } = this.#settings;
    const wrong = async (what: string): Promise<never> => {
      await hdfs.remove(this.#path, signal);
      throw new NodeFailure('data', hdfs.name, new Error(`${this.#path} ${what} after it was written`));
    };
    if (status === undefined) throw new NodeFailure('data', hdfs.name, new Error(`${this.#path} is gone`));
    if (status.length !== content.size_bytes) {
      // The node that wrote it may not have closed it yet; one that was cut short is continued.
      if (this.#resumable && status.length < content.size_bytes)
        throw new NodeFailure('data', hdfs.name, new Error(`${this.#path} has ${status.length} bytes so far`));
      await wrong(`has ${status.length} bytes, not ${content.size_bytes},`);
    }
    if (content.size_bytes === 0) return;
    const theirs = await hdfs.checksum(this.#path, signal);
    if (theirs === undefined) throw new NodeFailure('data', hdfs.name, new Error(`${this.#path} is gone`));
    const rule = ruleOf(theirs);
    // No rule of ours gives that: the length is all that can be compared.
    if (rule === undefined) return;
    const ours = isSameRule(rule, sums) ? sums.checksum : await content.checksum(rule);
    if (rule.block_bytes > 0 || rule.kind === 'composite') this.rule = rule;
    if (!sameChecksum(ours, theirs)) await wrong('has another checksum');
  }
}

/** A file of one block says nothing of how large blocks are. */
function isSameRule(theirs: ChecksumRule, { rule, checksum }: Sums): boolean {
  if (theirs.kind !== rule.kind || theirs.crc !== rule.crc || theirs.chunk_bytes !== rule.chunk_bytes) return false;
  return (
    theirs.block_bytes === rule.block_bytes || (theirs.block_bytes === 0 && checksum.algorithm.startsWith('MD5-of-0'))
  );
}

/** The same for the same bytes under the same path, so that the next call finds what arrived. */
export function resumableName(path: string, sha256: string): string {
  return `.dataflow-${createHash('sha256').update(`${path}\n${sha256}`).digest('hex').slice(0, 24)}.part`;
}

function anyName(): string {
  return `.dataflow-${randomBytes(12).toString('hex')}.part`;
}
