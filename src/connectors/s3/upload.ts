import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarLeftover, FarStorage, PutOutcome, PutRequest } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type BucketFolder, condition, decoded, keyOf, NOT_MET, tagOf } from './bucket-folder.ts';
import type { LocalBytes } from './local-bytes.ts';
import { partSize, tagOfParts } from './parts.ts';
import { headObject } from './read-object.ts';
import { refusalInside, S3Problem } from './refusals.ts';
import { allOf, parseAnswer, textOf } from './xml.ts';

/** So many parts of one file are on their way at once: enough to keep the line busy, little enough to hold. */
const PARTS_AT_ONCE = 3;

interface Part {
  readonly number: number;
  readonly tag: string;
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
  const upload = resumed?.id ?? (await begin(folder, key, signal));
  const there = resumed === undefined ? new Map<number, string>() : await partsOf(folder, key, upload, signal);
  const sender = new PartSender(folder, put, { key, upload, there });
  try {
    const parts = await sender.all(bytes);
    const outcome = await complete(folder, put, { key, upload, parts });
    if (!outcome.done) await abort(folder, key, upload, signal);
    return outcome.done ? { ...outcome, resumed_bytes: sender.resumed_bytes } : outcome;
  } catch (error) {
    // Parts of damaged bytes must not be taken up again; after anything else they wait for the next attempt.
    if (error instanceof DataflowError && error.code === 'E_FAR_SOURCE_DAMAGED')
      await abort(folder, key, upload, signal);
    throw error;
  }
}

interface Destination {
  readonly key: string;
  readonly upload: string;
  /** Tags of parts that are there already, by number. */
  readonly there: ReadonlyMap<number, string>;
}

/** Reads ahead of what is being sent by a few parts, no more. */
class PartSender {
  readonly #folder: BucketFolder;
  readonly #put: PutRequest;
  readonly #to: Destination;
  resumed_bytes = 0;

  constructor(folder: BucketFolder, put: PutRequest, to: Destination) {
    this.#folder = folder;
    this.#put = put;
    this.#to = to;
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
        (part) => void parts.push(part),
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
    const { key, upload, there } = this.#to;
    const known = there.get(number);
    if (known !== undefined && known === createHash('md5').update(body).digest('hex')) {
      this.resumed_bytes += body.length;
      this.#put.sent?.(body.length);
      return { number, tag: known };
    }
    const query = { partNumber: String(number), uploadId: upload };
    faultPoint('far-before-part');
    const { signal } = this.#put;
    const answer = await this.#folder.exchange.ask({ ask: 'part', method: 'PUT', key, query, body, signal });
    this.#put.sent?.(body.length);
    return { number, tag: tagOf(answer.headers['etag']) };
  }
}

async function begin(folder: BucketFolder, key: string, signal: AbortSignal): Promise<string> {
  const request = { ask: 'upload', method: 'POST', key, query: { uploads: '' }, signal } as const;
  const id = await folder.exchange.retried(request, async () =>
    textOf(parseAnswer((await folder.exchange.once(request)).text), 'UploadId'),
  );
  faultPoint('far-after-upload');
  return id;
}

interface Completing {
  readonly key: string;
  readonly upload: string;
  readonly parts: readonly Part[];
}

/** Makes one object of the parts. An answer of 200 may carry an error; an answer that is lost is looked up. */
async function complete(
  folder: BucketFolder,
  put: PutRequest,
  { key, upload, parts }: Completing,
): Promise<PutOutcome> {
  const { path, over, signal } = put;
  const list = parts.map(({ number, tag }) => `<Part><PartNumber>${number}</PartNumber><ETag>"${tag}"</ETag></Part>`);
  const body = Buffer.from(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`,
  );
  const request = {
    ...({ ask: 'complete', method: 'POST', key, query: { uploadId: upload }, body, signal } as const),
    headers: { 'content-type': 'application/xml', ...condition(over) },
  };
  try {
    faultPoint('far-before-complete');
    await folder.exchange.retried(request, async () => {
      const { text } = await folder.exchange.once(request);
      const refused = refusalInside(text);
      if (refused !== undefined) throw refused;
      // Cut off on the way it does not parse, and is asked for again.
      parseAnswer(text);
    }, [...NOT_MET, 'NoSuchUpload']);
    faultPoint('far-after-complete');
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
  }
  // Looked at in any case: the tag of the whole, and whether it is our parts that lie there.
  const file = await headObject(folder, path, signal);
  const ours = tagOfParts(parts.map(({ tag }) => Buffer.from(tag, 'hex')));
  if (file?.mark === ours) return { done: true, file, resumed_bytes: 0 };
  if (file === undefined && over !== 'nothing' && over !== 'anything') return { done: false, taken: undefined };
  if (file === undefined)
    throw new DataflowError(
      'E_FAR_UNREACHABLE',
      `${folder.exchange.name}/${key} is not there after all its parts were put`,
    );
  return { done: false, taken: file };
}

async function abort(folder: BucketFolder, key: string, upload: string, signal: AbortSignal): Promise<void> {
  const request = { ask: 'abort', method: 'DELETE', key, query: { uploadId: upload }, signal } as const;
  try {
    await folder.exchange.ask(request, ['NoSuchUpload', 'NoSuchKey']);
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
  }
}

async function partsOf(
  folder: BucketFolder,
  key: string,
  upload: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  for (let marker = ''; ; ) {
    const query = { uploadId: upload, ...(marker === '' ? {} : { 'part-number-marker': marker }) };
    const request = { ask: 'parts', method: 'GET', key, query, signal } as const;
    const page = await folder.exchange.retried(request, async () =>
      parseAnswer((await folder.exchange.once(request)).text),
    );
    for (const part of allOf(page, 'Part')) found.set(Number(textOf(part, 'PartNumber')), tagOf(textOf(part, 'ETag')));
    marker = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextPartNumberMarker') : '';
    if (marker === '') return found;
  }
}

interface Upload {
  readonly id: string;
  readonly key: string;
  readonly started_ms: number;
}

/** Uploads of just this file that nobody finished, the newest first. */
async function uploadsOf(folder: BucketFolder, path: string, signal: AbortSignal): Promise<readonly Upload[]> {
  const key = keyOf(folder, path);
  const found = await uploadsBelow(folder, path, signal);
  return found.filter((one) => one.key === key).sort((a, b) => b.started_ms - a.started_ms);
}

async function uploadsBelow(folder: BucketFolder, prefix: string, signal: AbortSignal): Promise<readonly Upload[]> {
  const found: Upload[] = [];
  let after: Readonly<Record<string, string>> = {};
  for (;;) {
    const query = { uploads: '', 'encoding-type': 'url', prefix: `${folder.prefix}${prefix}`, ...after };
    const request = { ask: 'uploads', method: 'GET', query, signal } as const;
    const page = await folder.exchange.retried(request, async () =>
      parseAnswer((await folder.exchange.once(request)).text),
    );
    for (const upload of allOf(page, 'Upload'))
      found.push({
        id: textOf(upload, 'UploadId'),
        key: decoded(textOf(upload, 'Key')),
        started_ms: Date.parse(textOf(upload, 'Initiated')),
      });
    if (textOf(page, 'IsTruncated') !== 'true') return found;
    after = {
      'key-marker': decoded(textOf(page, 'NextKeyMarker')),
      'upload-id-marker': textOf(page, 'NextUploadIdMarker'),
    };
  }
}

/** Uploads below the folder that were begun before a moment. */
export async function leftUploads(
  folder: BucketFolder,
  how: Parameters<FarStorage['leftovers']>[0],
): Promise<readonly FarLeftover[]> {
  const { begun_before_ms, remove, paths = [], signal } = how;
  const found = new Map<string, Upload>();
  for (const below of ['', ...paths])
    for (const upload of await uploadsBelow(folder, below, signal)) found.set(upload.id, upload);
  const left = [...found.values()].filter((upload) => upload.started_ms < begun_before_ms);
  if (remove) for (const { key, id } of left) await abort(folder, key, id, signal);
  return left.map(({ key, started_ms }) => ({
    path: key.slice(folder.prefix.length),
    started_ms,
    kind: 'upload in parts',
  }));
}
