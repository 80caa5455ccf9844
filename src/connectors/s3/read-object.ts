import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FarBytes, FarFile, FarRange } from '../../core/ports/far-storage.ts';
import { type BucketFolder, fileFrom, keyOf } from './bucket-folder.ts';
import { plainHeaders, type S3Request } from './exchange.ts';
import { S3Problem } from './refusals.ts';

interface Read {
  readonly path: string;
  readonly range?: FarRange;
  readonly signal: AbortSignal;
}

const GONE = ['NoSuchKey', 'NotFound'];

/** An object, or a range of it. What breaks on the way is asked for again from there, under the tag of the first answer. */
export async function readObject(folder: BucketFolder, { path, range, signal }: Read): Promise<FarBytes | undefined> {
  const from = range?.from ?? 0;
  const first = await opened(folder, path, { from, ...(range?.to === undefined ? {} : { to: range.to }) }, signal);
  if (first === undefined) return undefined;
  if (first === 'empty') {
    const file = await headObject(folder, path, signal);
    return file === undefined ? undefined : { file, chunks: nothing() };
  }
  const { file } = first;
  const end = Math.min(range?.to ?? file.size_bytes, file.size_bytes);
  return { file, chunks: followed(folder, file, { from, to: end }, first.body, signal) };
}

export async function headObject(
  folder: BucketFolder,
  path: string,
  signal: AbortSignal,
): Promise<FarFile | undefined> {
  const request: S3Request = { ask: 'head', method: 'HEAD', key: keyOf(folder, path), signal };
  try {
    return fileFrom(path, await folder.exchange.ask(request, GONE));
  } catch (error) {
    if (error instanceof S3Problem) return undefined;
    throw error;
  }
}

interface Opened {
  readonly file: FarFile;
  readonly body: AsyncIterable<Uint8Array>;
}

async function opened(
  folder: BucketFolder,
  path: string,
  { from, to }: FarRange,
  signal: AbortSignal,
  mark?: string,
): Promise<Opened | 'empty' | undefined> {
  const whole = from === 0 && to === undefined;
  const request: S3Request = {
    ask: 'get',
    method: 'GET',
    key: keyOf(folder, path),
    headers: {
      ...(whole ? {} : { range: `bytes=${from}-${to === undefined ? '' : to - 1}` }),
      ...(mark === undefined ? {} : { 'if-match': `"${mark}"` }),
    },
    signal,
  };
  const allowed = [...GONE, 'InvalidRange', 'PreconditionFailed'];
  try {
    return await folder.exchange.retried(
      request,
      async () => {
        const answer = await folder.exchange.open(request);
        if (!whole && answer.statusCode !== 206) {
          await answer.body.dump();
          throw new S3Problem('NoRanges', 'it does not give a part of an object', { again: false });
        }
        return { file: fileFrom(path, { headers: plainHeaders(answer.headers) }), body: answer.body };
      },
      allowed,
    );
  } catch (error) {
    if (!(error instanceof S3Problem)) throw error;
    if (error.code === 'PreconditionFailed' || (mark !== undefined && GONE.includes(error.code)))
      throw new DataflowError(
        'E_FAR_CHANGED',
        `${folder.exchange.name}/${keyOf(folder, path)} changed while it was read`,
      );
    return error.code === 'InvalidRange' ? 'empty' : undefined;
  }
}

const BREAKS_MAX = 20;

/** Bytes `from` to `to`, over as many answers as it takes. */
async function* followed(
  folder: BucketFolder,
  file: FarFile,
  { from, to }: { readonly from: number; readonly to: number },
  first: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let at = from;
  let body = first;
  let cause: unknown;
  for (let breaks = 0; ; breaks++) {
    try {
      for await (const chunk of body) {
        at += chunk.length;
        yield chunk;
      }
    } catch (error) {
      signal.throwIfAborted();
      cause = error;
    }
    if (at >= to) return;
    if (breaks === BREAKS_MAX) {
      const words = `${folder.exchange.name}: ${file.path} breaks off again and again`;
      throw new DataflowError('E_FAR_UNREACHABLE', words, { cause });
    }
    const more = await opened(folder, file.path, { from: at, to }, signal, file.mark);
    if (more === undefined || more === 'empty')
      throw new DataflowError('E_FAR_CHANGED', `${folder.exchange.name}: ${file.path} changed while it was read`);
    body = more.body;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
