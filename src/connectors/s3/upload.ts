import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { PutOutcome, PutRequest } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type BucketFolder, condition, keyOf, NOT_MET, tagOf } from './bucket-folder.ts';
import type { S3Request } from './exchange.ts';
import type { LocalBytes } from './local-bytes.ts';
import { partSize, tagOfParts } from './parts.ts';
import { headObject } from './read-object.ts';
import { documentOf, S3Problem } from './refusals.ts';
import { UNSIGNED } from './signature.ts';
import { abort, begin, CHECKSUM, MUST_SIGN, partsOf, type Upload, uploadsOf } from './uploads.ts';
import { textOf } from './xml.ts';

/** So many parts of one file are on their way at once: enough to keep the line busy, little enough to hold. */
const PARTS_AT_ONCE = 3;

interface Part {
  readonly number: number;
  readonly tag: string;
  /** CRC-32 of its bytes in Base64, in an upload that is checked by it. */
  readonly crc32?: string;
}

/** Puts a large file in parts: those that an earlier attempt brought there are kept, by their MD5. Nothing is seen before the last one is there. */
export async function putInParts(folder: BucketFolder, put: PutRequest, bytes: LocalBytes): Promise<PutOutcome> {
  const { path, over, signal } = put;
  const key = keyOf(folder, path);
  if (over === 'nothing') {
    // Before gigabytes go out for nothing; what decides is the condition at the end.
    const taken = await headObject(folder, path, signal);
    if (taken !== undefined) return { done: false, taken };
  }
  const [resumed] = await uploadsOf(folder, path, signal);
  const begun = resumed === undefined ? undefined : await partsOf(folder, key, resumed.id, signal);
  const upload = begun?.upload ?? (await begin(folder, key, signal));
  const there = begun?.parts ?? new Map<number, string>();
  const sender = new PartSender(folder, put, { key, upload, there });
  try {
    const parts = await sender.all(bytes);
    const outcome = await complete(folder, put, { key, upload, parts });
    if (!outcome.done) await abort(folder, key, upload.id, signal);
    return outcome.done ? { ...outcome, resumed_bytes: sender.resumed_bytes } : outcome;
  } catch (error) {
    // Parts of damaged bytes must not be taken up again; after anything else they wait for the next attempt.
    if (error instanceof DataflowError && error.code === 'E_FAR_SOURCE_DAMAGED')
      await abort(folder, key, upload.id, signal);
    throw error;
  }
}

interface Destination {
  readonly key: string;
  readonly upload: Upload;
  /** Tags of parts that are there already, by number. */
  readonly there: ReadonlyMap<number, string>;
}

/** Reads ahead of what is being sent by a few parts, no more. */
class PartSender {
  readonly #folder: BucketFolder;
  readonly #put: PutRequest;
  readonly #to: Destination;
  #unsigned: boolean;
  resumed_bytes = 0;

  constructor(folder: BucketFolder, put: PutRequest, to: Destination) {
    this.#folder = folder;
    this.#put = put;
    this.#to = to;
    this.#unsigned = to.upload.checked;
  }

  async all(bytes: LocalBytes): Promise<readonly Part[]> {
    const size = partSize(bytes.size_bytes);
    const parts: Part[] = [];
    const going = new Set<Promise<void>>();
    let failed: { readonly error: unknown } | undefined;
    for (let from = 0, number = 1; from < bytes.size_bytes && failed === undefined; from += size, number++) {
      const body = await bytes.next(Math.min(size, bytes.size_bytes - from)).catch((error: unknown) => {
        failed = { error };
      });
      if (body === undefined) break;
      const one = this.#send(number, body).then(
        (part) => {
          parts.push(part);
          this.#folder.buffers.give(body);
        },
        (error: unknown) => {
          failed ??= { error };
        },
      );
      const tracked = one.finally(() => going.delete(tracked));
      going.add(tracked);
      if (going.size >= PARTS_AT_ONCE) await Promise.race(going);
    }
    await Promise.all(going);
    if (failed !== undefined) throw failed.error;
    return parts.sort((a, b) => a.number - b.number);
  }

  async #send(number: number, body: Buffer): Promise<Part> {
    const known = this.#to.there.get(number);
    const sum = this.#to.upload.checked ? { crc32: crc32Of(body) } : {};
    if (known !== undefined && known === createHash('md5').update(body).digest('hex')) {
      this.resumed_bytes += body.length;
      this.#put.sent?.(body.length);
      return { number, tag: known, ...sum };
    }
    faultPoint('far-before-part');
    const tag = await this.#sent(number, body, sum.crc32);
    this.#put.sent?.(body.length);
    return { number, tag, ...sum };
  }

  /** The tag of the part. A service may want its bodies signed although it checks them. */
  async #sent(number: number, body: Buffer, crc32: string | undefined): Promise<string> {
    const { key, upload } = this.#to;
    const request: S3Request = {
      ...{ ask: 'part', method: 'PUT', key, body, signal: this.#put.signal },
      query: { partNumber: String(number), uploadId: upload.id },
      ...(crc32 === undefined ? {} : { headers: { [`x-amz-checksum-${CHECKSUM.toLowerCase()}`]: crc32 } }),
    };
    const { exchange } = this.#folder;
    if (this.#unsigned)
      try {
        return tagOf((await exchange.ask({ ...request, body_sha256: UNSIGNED }, MUST_SIGN)).headers['etag']);
      } catch (error) {
        if (!(error instanceof S3Problem)) throw error;
        this.#unsigned = false;
      }
    return tagOf((await exchange.ask(request)).headers['etag']);
  }
}

function crc32Of(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

interface Completing {
  readonly key: string;
  readonly upload: Upload;
  readonly parts: readonly Part[];
}

/** Makes one object of the parts. An answer that is lost is looked up. */
async function complete(folder: BucketFolder, put: PutRequest, completing: Completing): Promise<PutOutcome> {
  const { key, upload, parts } = completing;
  const { path, over, signal } = put;
  const request = {
    ...({ ask: 'complete', method: 'POST', key, query: { uploadId: upload.id }, signal } as const),
    body: Buffer.from(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.map(partXml).join('')}</CompleteMultipartUpload>`,
    ),
    headers: { 'content-type': 'application/xml', ...condition(over) },
  };
  let code = '';
  let said = '';
  try {
    faultPoint('far-before-complete');
    said = await folder.exchange.retried(request, async () => {
      const answer = documentOf((await folder.exchange.once(request)).text, 'CompleteMultipartUploadResult');
      return tagOf(textOf(answer, 'ETag'));
    }, [...NOT_MET, 'NoSuchUpload', 'InvalidPart']);
    faultPoint('far-after-complete');
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
    code = error.code;
  }
  // Looked at in any case: whether it is our parts that lie there, by what was said or, where that was lost, by their tags.
  const file = await headObject(folder, path, signal);
  const ours = said === '' ? tagOfParts(parts.map(({ tag }) => Buffer.from(tag, 'hex'))) : said;
  if (file?.mark === ours) return { done: true, file, resumed_bytes: 0 };
  // Somebody else wrote to the same upload: it is given up, and the next sync begins another one.
  if (code === 'InvalidPart') await abort(folder, key, upload.id, signal);
  if (file === undefined && over !== 'nothing' && over !== 'anything') return { done: false, taken: undefined };
  if (file === undefined)
    throw new DataflowError(
      'E_FAR_UNREACHABLE',
      `${folder.exchange.name}/${key} is not there after all its parts were put`,
    );
  return { done: false, taken: file };
}

function partXml({ number, tag, crc32: sum }: Part): string {
  const checksum = sum === undefined ? '' : `<ChecksumCRC32>${sum}</ChecksumCRC32>`;
  return `<Part><PartNumber>${number}</PartNumber><ETag>"${tag}"</ETag>${checksum}</Part>`;
}
