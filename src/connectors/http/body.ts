import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, createBrotliDecompress, createGunzip, createInflate, gunzip, inflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { RawEntry, RawStore } from '../../core/ports/pulled-source.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { AttemptFailed, badBody } from './errors.ts';

/** A larger body lies in a file, where it may. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;

/** A whole body on disk; whoever takes it removes it. */
export interface BodyFile {
  readonly path: string;
  readonly size_bytes: number;
}

/** A body in memory, or the beginning of one that lies in a file. */
export interface Body {
  readonly body: Buffer;
  readonly file?: BodyFile;
}

/**
 * The body of an answer, decompressed. How much of it may come before that is the agent's to watch.
 * @param folder for a body that is too large to be held; without one it is held
 * @throws AttemptFailed when it is too large or damaged
 */
export async function readBody(
  body: Dispatcher.ResponseData['body'],
  headers: Readonly<Record<string, string>>,
  max: number,
  folder: string | undefined,
): Promise<Body> {
  const length = Number(headers['content-length'] ?? Number.NaN);
  // That it was not read to its end is told to whoever reads, or to nobody.
  body.on('error', () => undefined);
  if (length > max) {
    body.destroy();
    throw tooLarge(max);
  }
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  try {
    if (folder !== undefined) return await gathered(limited(decoding(body, encoding), max), folder);
    const bytes = await body.bytes();
    return { body: await decoded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), encoding, max) };
  } catch (error) {
    if ((error as { code?: string }).code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw tooLarge(max);
    throw error;
  }
}

/** A response that was kept, as it came. */
export async function keptBody(raw: RawStore, entry: RawEntry, folder: string | undefined): Promise<Body> {
  if (folder === undefined || entry.size_bytes <= HELD_BYTES_MAX) return { body: Buffer.from(await raw.read(entry)) };
  return gathered(raw.pieces(entry), folder);
}

/** The same for who only passes it on. */
export async function keptWhole(raw: RawStore, entry: RawEntry): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  return entry.size_bytes <= HELD_BYTES_MAX ? await raw.read(entry) : raw.pieces(entry);
}

function tooLarge(max: number): AttemptFailed {
  return new AttemptFailed('body', `it is larger than max_response_bytes (${max.toLocaleString('en')})`, {
    retry: false,
  });
}

/** Held as long as it is small; what is larger goes to a file, what came before included. */
async function gathered(pieces: AsyncIterable<Uint8Array>, folder: string): Promise<Body> {
  const held: Uint8Array[] = [];
  let size = 0;
  const rest = pieces[Symbol.asyncIterator]();
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    held.push(next.value);
    size += next.value.length;
    if (size <= HELD_BYTES_MAX) continue;
    const file = await written(held, { [Symbol.asyncIterator]: () => rest }, folder);
    return { body: Buffer.from(held[0] ?? []), file };
  }
  return { body: Buffer.concat(held, size) };
}

async function written(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
  folder: string,
): Promise<BodyFile> {
  const path = join(folder, `response-${timeSortedId()}.part`);
  const handle = await open(path, 'wx', 0o600).catch(ioError);
  let size_bytes = 0;
  try {
    const put = async (bytes: Uint8Array): Promise<void> => {
      size_bytes += bytes.length;
      await handle.writeFile(bytes).catch(ioError);
    };
    for (const bytes of first) await put(bytes);
    for await (const bytes of rest) await put(bytes);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return { path, size_bytes };
}

/** That is not the fault of the other side. */
function ioError(cause: unknown): never {
  const { code } = cause as { readonly code?: string };
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  throw new DataflowError(
    full ? 'E_LAKE_SPACE' : 'E_LAKE_IO',
    `a large response cannot be put aside: ${(cause as Error).message}`,
    { cause },
  );
}

interface Encoding {
  readonly whole: (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
  readonly pieces: () => Transform;
}

const GZIP: Encoding = { whole: promisify(gunzip), pieces: () => createGunzip({ chunkSize: 65_536 }) };
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: { whole: promisify(inflate), pieces: () => createInflate({ chunkSize: 65_536 }) },
  br: { whole: promisify(brotliDecompress), pieces: () => createBrotliDecompress({ chunkSize: 65_536 }) },
};

/** Undefined: it is not encoded. @throws AttemptFailed for an encoding that was not asked for */
function encodingOf(name: string): Encoding | undefined {
  if (name === '' || name === 'identity') return undefined;
  if (Object.hasOwn(ENCODINGS, name)) return ENCODINGS[name];
  throw badBody(`it is encoded as ${JSON.stringify(name)}, which was not asked for`);
}

async function decoded(body: Buffer, name: string, max: number): Promise<Buffer> {
  // An answer without a body may still say how a body would be encoded.
  if (body.length === 0) return body;
  const encoding = encodingOf(name);
  try {
    return encoding === undefined ? body : await encoding.whole(body, { maxOutputLength: max });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(max);
    throw badBody(`its ${name} body is damaged (${(error as Error).message})`, error);
  }
}

/** The same for a body that comes piece by piece. */
async function* decoding(body: Readable, name: string): AsyncGenerator<Uint8Array, void, void> {
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const first = await pieces.next();
  if (first.done === true) return;
  const all = (async function* () {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => pieces };
  })();
  const decoder = encodingOf(name)?.pieces();
  if (decoder === undefined) return yield* all;
  let failed: unknown;
  const source = (async function* () {
    try {
      yield* all;
    } catch (error) {
      // The connection's fault, not that of what came over it.
      failed = error;
      throw error;
    }
  })();
  try {
    yield* pipeline(source, decoder, () => undefined) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (failed !== undefined) throw failed;
    throw badBody(`its ${name} body is damaged (${(error as Error).message})`, error);
  }
}

async function* limited(pieces: AsyncIterable<Uint8Array>, max: number): AsyncGenerator<Uint8Array, void, void> {
  let size = 0;
  for await (const bytes of pieces) {
    size += bytes.length;
    if (size > max) throw tooLarge(max);
    yield bytes;
  }
}
