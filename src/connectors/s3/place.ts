import type { IncomingMessage } from 'node:http';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace, ListRequest, PlaceComponent, PlacedBytes, PlacedFile } from '../../core/ports/file-place.ts';
import { S3Bucket, S3Refusal } from './client.ts';
import type { S3ConnectionOptions } from './connection.ts';

/** Objects of a bucket as files: `connection:` of type s3. */
export const component: PlaceComponent = {
  type: 's3',
  open: ({ options }) => s3Place(new S3Bucket(options as S3ConnectionOptions)),
};

function s3Place(bucket: S3Bucket): FilePlace {
  return {
    list: async (request) => listing(bucket, request),
    read: (file, from, signal) => read(bucket, file, from, signal),
    // Each answer carries the tag of the object that its bytes are of.
    unchanged: async () => true,
  };
}

/** Keys in pages of a thousand. A key that ends in `/` stands for a folder and holds nothing. */
async function* listing(bucket: S3Bucket, { prefix, signal }: ListRequest): AsyncGenerator<PlacedFile> {
  const client = await bucket.client();
  const stream = client.listObjectsV2(bucket.bucket, prefix, true);
  try {
    for await (const object of stream as AsyncIterable<{
      name?: string;
      size: number;
      etag: string;
      lastModified: Date;
    }>) {
      signal?.throwIfAborted();
      if (object.name === undefined || object.name.endsWith('/')) continue;
      yield {
        path: object.name,
        size_bytes: object.size,
        mtime_ns: `${object.lastModified.getTime()}000000`,
        mark: object.etag.replace(/^"|"$/g, ''),
      };
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw bucket.fault(error);
  } finally {
    stream.destroy();
  }
}

/** The body of an answer; it ends with the signal. */
async function* bytesOf(answer: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const abort = (): void => void answer.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } finally {
    signal?.removeEventListener('abort', abort);
    answer.destroy();
  }
}

async function read(
  bucket: S3Bucket,
  file: PlacedFile,
  from: number,
  signal: AbortSignal | undefined,
): Promise<PlacedBytes> {
  const range = from === 0 ? {} : { range: `bytes=${from}-` };
  try {
    const answer = await bucket.get(file.path, { 'if-match': `"${file.mark}"`, ...range });
    const { etag = '', 'x-amz-server-side-encryption': encrypted } = answer.headers;
    if (etag !== '' && etag.replace(/^"|"$/g, '') !== file.mark) {
      answer.destroy();
      throw new S3Refusal('it has another tag');
    }
    if (from > 0 && answer.statusCode !== 206) {
      answer.destroy();
      throw new DataflowError('E_SOURCE_UNREACHABLE', `${bucket.name} does not give ${file.path} from byte ${from} on`);
    }
    // The tag of an object that was put at once is its MD5, unless it is encrypted with a key of the service's.
    const plain = /^[0-9a-f]{32}$/.test(file.mark) && encrypted !== 'aws:kms';
    return { chunks: bytesOf(answer, signal), ...(plain ? { md5: file.mark } : {}) };
  } catch (error) {
    if (!(error instanceof S3Refusal)) throw error;
    throw new DataflowError('E_SOURCE_CHANGED', `${file.path} is gone from ${bucket.name}, or another one by now`);
  }
}
