import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, createGzip, gunzip, gzip } from 'node:zlib';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { RawEntry, RawStore } from '../core/ports/pulled-source.ts';
import { makePrivateFolder, syncFolder, writeDurablyAs } from '../kit/durable.ts';
import { faultPoint } from '../kit/fault.ts';
import { SpaceWatch } from './space.ts';

const compress = promisify(gzip);
const expand = promisify(gunzip);
const LEVEL = 4;
/** What was asked and when: one line of JSON an answer. */
export const INDEX = 'index.ndjson';

/**
 * Responses of one source as they came: each body once, compressed, named by its hash; an index of what was asked and when, one JSON line an
 * entry, in order.
 */
export function openRawStore(folder: string): RawStore {
  let known: RawEntry[] | undefined;
  const entries = async (): Promise<RawEntry[]> => {
    known ??= await readIndex(join(folder, INDEX));
    return known;
  };
  const space = new SpaceWatch(folder);
  const pathOf = (sha256: string): string => join(folder, `${sha256}.gz`);
  const isThere = async (sha256: string): Promise<boolean> =>
    (await stat(pathOf(sha256)).catch(() => undefined)) !== undefined;
  const putWhole = async (body: Uint8Array) => {
    const sha256 = createHash('sha256').update(body).digest('hex');
    if (!(await isThere(sha256))) {
      const bytes = await compress(body, { level: LEVEL });
      await space.take(bytes.length);
      await writeDurablyAs(folder, bytes, () => {
        faultPoint('raw-before-rename');
        return pathOf(sha256);
      });
    }
    return { sha256, size_bytes: body.length };
  };
  const putPieces = async (body: AsyncIterable<Uint8Array>) => {
    const counted = counting(body);
    const packed = watched(
      pipeline(counted.pieces, createGzip({ level: LEVEL }), () => undefined),
      space,
    );
    let sha256 = '';
    await writeDurablyAs(folder, packed, async () => {
      sha256 = counted.sha256();
      faultPoint('raw-before-rename');
      return (await isThere(sha256)) ? undefined : pathOf(sha256);
    });
    return { sha256, size_bytes: counted.size_bytes() };
  };
  return {
    put: async (body, about) => {
      await makePrivateFolder(folder);
      const put = body instanceof Uint8Array ? putWhole(body) : putPieces(body);
      const entry: RawEntry = { ...(await put), ...about };
      const all = await entries();
      await appendLine(join(folder, INDEX), JSON.stringify(entry));
      all.push(entry);
      return entry;
    },
    find: async (key) => (await entries()).findLast((entry) => entry.key === key),
    entries: async () => [...(await entries())],
    read: async ({ sha256 }) => {
      const body = await readFile(pathOf(sha256))
        .then((bytes) => expand(bytes))
        .catch((cause: unknown) => damaged(sha256, cause));
      if (createHash('sha256').update(body).digest('hex') !== sha256) damaged(sha256);
      return body;
    },
    pieces: async function* ({ sha256 }) {
      const counted = counting(
        pipeline(createReadStream(pathOf(sha256)), createGunzip({ chunkSize: 65_536 }), () => undefined),
      );
      try {
        yield* counted.pieces;
      } catch (cause) {
        damaged(sha256, cause);
      }
      if (counted.sha256() !== sha256) damaged(sha256);
    },
  };
}

/** Hashes and counts what passes. */
function counting(body: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  let size_bytes = 0;
  const pieces = (async function* () {
    for await (const bytes of body) {
      hash.update(bytes);
      size_bytes += bytes.length;
      yield bytes;
    }
  })();
  return { pieces, sha256: () => hash.digest('hex'), size_bytes: () => size_bytes };
}

async function* watched(pieces: AsyncIterable<Uint8Array>, space: SpaceWatch): AsyncGenerator<Uint8Array, void, void> {
  for await (const bytes of pieces) {
    await space.take(bytes.length);
    yield bytes;
  }
}

function damaged(sha256: string, cause?: unknown): never {
  throw new DataflowError('E_LAKE_CORRUPT', `the kept response ${sha256.slice(0, 12)} is missing or damaged`, {
    hint: 'Restore it from a backup, or ask the system again.',
    ...(cause === undefined ? {} : { cause }),
  });
}

async function appendLine(file: string, line: string): Promise<void> {
  const before = await readTail(file);
  // A line that a power cut tore stays alone on its line.
  await appendFile(file, `${before === '' || before === '\n' ? '' : '\n'}${line}\n`, { mode: 0o600, flush: true });
  if (before === '') await syncFolder(dirname(file));
}

async function readTail(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    if (size === 0) return '';
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer.toString('latin1');
  } finally {
    await handle.close();
  }
}

export async function readIndex(file: string): Promise<RawEntry[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as RawEntry];
    } catch {
      return []; // torn by a power cut: its body lies there, but nobody knows what it answers
    }
  });
}
