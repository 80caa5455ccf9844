import { createHash } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarFile, PutOutcome, PutRequest } from '../../core/ports/far-storage.ts';
import { faultPoint } from '../../kit/fault.ts';
import { type BucketFolder, condition, keyOf, NOT_MET, tagOf } from './bucket-folder.ts';
import type { S3Answer, S3Request } from './exchange.ts';
import { LocalBytes } from './local-bytes.ts';
import { WHOLE_BYTES_MAX } from './parts.ts';
import { headObject } from './read-object.ts';
import { S3Problem } from './refusals.ts';
import { putInParts } from './upload.ts';

/** Puts a file: in one request, or in parts when it is large. */
export async function putObject(folder: BucketFolder, request: PutRequest): Promise<PutOutcome> {
  const bytes = new LocalBytes(request.content, request.sha256, folder.buffers);
  try {
    if (bytes.size_bytes > WHOLE_BYTES_MAX) return await putInParts(folder, request, bytes);
    return await putWhole(folder, request, await bytes.next(bytes.size_bytes));
  } finally {
    await bytes.close();
  }
}

async function putWhole(folder: BucketFolder, put: PutRequest, body: Buffer): Promise<PutOutcome> {
  const { path, over, signal } = put;
  const request: S3Request = {
    ask: 'put',
    method: 'PUT',
    key: keyOf(folder, path),
    headers: condition(over),
    body,
    body_sha256: put.sha256 ?? createHash('sha256').update(body).digest('hex'),
    signal,
  };
  let unknown = false;
  let answer: S3Answer;
  try {
    answer = await folder.exchange.retried(
      request,
      async () => {
        faultPoint('far-before-put');
        try {
          return await folder.exchange.once(request);
        } catch (error) {
          // What was refused did not happen; of anything else nobody knows.
          if (!(error instanceof S3Problem) || error.unsure) unknown = true;
          throw error;
        }
      },
      NOT_MET,
    );
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
    const taken = await headObject(folder, path, signal);
    // Our own bytes, put by an attempt whose answer was lost.
    const ours = unknown && taken?.mark === createHash('md5').update(body).digest('hex');
    if (taken === undefined || !ours) return { done: false, taken };
    put.sent?.(body.length);
    return { done: true, file: taken, resumed_bytes: 0 };
  }
  put.sent?.(body.length);
  return { done: true, file: written(path, body.length, answer), resumed_bytes: 0 };
}

/** The file that an answer to a write tells of. @throws DataflowError E_FAR_REFUSED when it has no tag */
export function written(path: string, size_bytes: number, answer: Pick<S3Answer, 'headers'>): FarFile {
  const mark = tagOf(answer.headers['etag']);
  if (mark === '') throw new DataflowError('E_FAR_REFUSED', `the service gives ${path} no tag`);
  return { path, size_bytes, modified_ms: Date.parse(answer.headers['date'] ?? '') || Date.now(), mark };
}
