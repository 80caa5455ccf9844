import type { FarLeftover, FarStorage } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type BucketFolder, decoded, keyOf, tagOf } from './bucket-folder.ts';
import type { S3Request } from './exchange.ts';
import { documentOf, S3Problem } from './refusals.ts';
import { allOf, textOf } from './xml.ts';

/** By which services hold parts against their bytes; a few instructions for each of them, and native here. */
export const CHECKSUM = 'CRC32';
/** How services say no to what they do not know, or do not want. */
export const MUST_SIGN = [
  'AccessDenied',
  'InvalidRequest',
  'InvalidArgument',
  'NotImplemented',
  'SignatureDoesNotMatch',
];

/** An upload that is under way. */
export interface Upload {
  readonly id: string;
  /**
   * The service holds each part against its CRC-32, and once more when they are put together: the SHA-256 of parts need not be computed on either side. Where it
   * does not, that is part of each signature.
   */
  readonly checked: boolean;
}

/** A service that names the checksum in its answer checks by it. */
export async function begin(folder: BucketFolder, key: string, signal: AbortSignal): Promise<Upload> {
  const plain = { ask: 'upload', method: 'POST', key, query: { uploads: '' }, signal } as const;
  const begun = async (request: S3Request, allowed: readonly string[]): Promise<Upload> =>
    await folder.exchange.retried(
      request,
      async () => {
        const { headers, text } = await folder.exchange.once(request);
        const id = textOf(documentOf(text, 'InitiateMultipartUploadResult'), 'UploadId');
        return { id, checked: headers['x-amz-checksum-algorithm'] === CHECKSUM };
      },
      allowed,
    );
  const upload = await begun({ ...plain, headers: { 'x-amz-checksum-algorithm': CHECKSUM } }, MUST_SIGN).catch(
    (error: unknown) => {
      if (!(error instanceof S3Problem)) throw error;
      return begun(plain, []);
    },
  );
  faultPoint('far-after-upload');
  return upload;
}

/** Gives an upload up. */
export async function abort(folder: BucketFolder, key: string, upload: string, signal: AbortSignal): Promise<void> {
  const request = { ask: 'abort', method: 'DELETE', key, query: { uploadId: upload }, signal } as const;
  try {
    await folder.exchange.ask(request, ['NoSuchUpload', 'NoSuchKey']);
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
  }
}

/** The tags of the parts that are there of an upload, by number, and how they are checked. */
export async function partsOf(
  folder: BucketFolder,
  key: string,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly upload: Upload; readonly parts: ReadonlyMap<number, string> }> {
  const parts = new Map<number, string>();
  let checked = false;
  for (let marker = ''; ; ) {
    const query = { uploadId: id, ...(marker === '' ? {} : { 'part-number-marker': marker }) };
    const request = { ask: 'parts', method: 'GET', key, query, signal } as const;
    const { page, next } = await folder.exchange.page(request, 'ListPartsResult', {
      ...{ mark: 'NextPartNumberMarker', last: marker },
    });
    checked = textOf(page, 'ChecksumAlgorithm') === CHECKSUM;
    for (const part of allOf(page, 'Part')) parts.set(Number(textOf(part, 'PartNumber')), tagOf(textOf(part, 'ETag')));
    marker = next;
    if (marker === '') return { upload: { id, checked }, parts };
  }
}

/** An upload that nobody finished. */
interface LeftUpload {
  readonly id: string;
  readonly key: string;
  readonly started_ms: number;
}

/** Uploads of just this file that nobody finished, the newest first. */
export async function uploadsOf(
  folder: BucketFolder,
  path: string,
  signal: AbortSignal,
): Promise<readonly LeftUpload[]> {
  const key = keyOf(folder, path);
  const found = await uploadsBelow(folder, path, signal);
  return found.filter((one) => one.key === key).sort((a, b) => b.started_ms - a.started_ms);
}

async function uploadsBelow(folder: BucketFolder, prefix: string, signal: AbortSignal): Promise<readonly LeftUpload[]> {
  const found: LeftUpload[] = [];
  let after: Readonly<Record<string, string>> = {};
  for (;;) {
    const query = { uploads: '', 'encoding-type': 'url', prefix: `${folder.prefix}${prefix}`, ...after };
    const request = { ask: 'uploads', method: 'GET', query, signal } as const;
    const marks = { mark: 'NextKeyMarker', last: '' };
    const { page, next } = await folder.exchange.page(request, 'ListMultipartUploadsResult', marks);
    for (const upload of allOf(page, 'Upload'))
      found.push({
        id: textOf(upload, 'UploadId'),
        key: decoded(textOf(upload, 'Key')),
        started_ms: Date.parse(textOf(upload, 'Initiated')),
      });
    if (next === '') return found;
    after = { 'key-marker': decoded(next), 'upload-id-marker': textOf(page, 'NextUploadIdMarker') };
  }
}

/** Uploads below the folder that were begun before a moment. */
export async function leftUploads(
  folder: BucketFolder,
  how: Parameters<FarStorage['leftovers']>[0],
): Promise<readonly FarLeftover[]> {
  const { begun_before_ms, remove, paths = [], signal } = how;
  const found = new Map<string, LeftUpload>();
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
