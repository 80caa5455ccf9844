import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { component } from '../../src/connectors/hdfs/storage.ts';
import type { FarStorage } from '../../src/core/ports/far-storage.ts';
import { hdfsServer } from '../services/hdfs.ts';
import { makeLeash } from '../services/processes.ts';
import { startServer } from '../services/room.ts';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median } from './measure.ts';

const AT_ONCE = 16;
const SMALL_BYTES = 1000;
const SMALL_COUNT_MAX = 10_000;
/** What one loop over small files may take: how many that are depends on the machine, since DataNodes are slow with them. */
const SMALL_MS = 20_000;
const TRIAL = 64;
const MIB = 1024 * 1024;
/** 0.95 of the other's speed. */
const LIMIT_LARGE = 1.05;
const OPTIONS = { user: 'hdfs', connect_timeout_s: 15, request_timeout_s: 60, ready_timeout_s: 60 };

/**
 * Files to HDFS as it is shipped, as a mirror puts them (temporary name, length, checksum, RENAME), beside a bare loop of CREATE: many small ones, and a large
 * one.
 */
export async function syncHdfs(settings: BenchSettings): Promise<readonly Figure[]> {
  const server = await startServer(hdfsServer({}), makeLeash());
  const url = server.settings['DATAFLOW_TEST_HDFS'] ?? '';
  const far = component.open({
    connection: { name: 'bench', type: 'hdfs', options: { url, ...OPTIONS } },
    ...{ path: 'ours', root: '/', note: () => undefined },
  }) as FarStorage;
  try {
    return [await small(settings, far, url), await large(settings, far, url)];
  } finally {
    await far.close();
    await server.stop();
  }
}

async function small({ rows, runs }: BenchSettings, far: FarStorage, url: string): Promise<Figure> {
  const bytes = Buffer.alloc(SMALL_BYTES, 'x');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const signal = new AbortController().signal;
  const bare = (run: string) => (i: number) => bareCreate(url, `/bare/${run}/${i % 100}/${i}`, SMALL_BYTES, bytes);
  const ours =
    (run: string) =>
    async (i: number): Promise<void> => {
      await far.put({ path: `${run}/${i % 100}/${i}`, content: { bytes }, sha256, over: 'nothing', signal });
    };
  await timeOf(TRIAL, ours('trial'));
  const count = countIn(SMALL_MS, (await timeOf(TRIAL, bare('trial'))) / TRIAL, Math.min(rows, SMALL_COUNT_MAX));
  const times = { ours: [] as number[], bare: [] as number[] };
  for (let run = 0; run < runs; run++) {
    times.bare.push(await timeOf(count, bare(String(run))));
    times.ours.push(await timeOf(count, ours(String(run))));
  }
  const note = `${AT_ONCE} at once, as many as a bare loop does in ${SMALL_MS / 1000} s; ours six requests a file, of which a DataNode answers two, the loop two and one: it never asks what arrived`;
  const figure = ratioFigure('sync-hdfs, files of 1 KB', median(times.ours), median(times.bare), undefined, note);
  return { ...figure, ours: `${count} in ${figure.ours}`, beside: `${count} in ${figure.beside}` };
}

/** How many fit into a time, in round numbers. */
function countIn(time_ms: number, each_ms: number, most: number): number {
  const digit = 10 ** Math.max(0, Math.floor(Math.log10(time_ms / each_ms)) - 1);
  return Math.min(most, Math.max(TRIAL, Math.floor(time_ms / each_ms / digit) * digit));
}

async function large({ rows, runs, folder }: BenchSettings, far: FarStorage, url: string): Promise<Figure> {
  const pieces = rows < 10_000_000 ? 256 : 2048;
  const file = join(folder, 'large');
  const sha256 = makeFile(file, pieces);
  const size_bytes = pieces * MIB;
  const signal = new AbortController().signal;
  const times = { ours: [] as number[], bare: [] as number[] };
  for (let run = 0; run < runs; run++) {
    const source = (): Readable => createReadStream(file, { highWaterMark: MIB });
    times.bare.push(await timeOf(1, () => bareCreate(url, '/bare/large', size_bytes, source())));
    await ask('DELETE', at(url, '/bare/large', 'DELETE'));
    const content = { file, size_bytes };
    times.ours.push(
      await timeOf(1, async () => {
        await far.put({ path: 'large', content, sha256, over: 'nothing', signal });
      }),
    );
    await far.remove(['large'], signal);
  }
  const note =
    'one file: CRC32C of each 512 bytes and SHA-256 on the way, checksum of the cluster, RENAME; beside CREATE of the same file';
  return ratioFigure(`sync-hdfs, one file of ${pieces} MiB`, median(times.ours), median(times.bare), LIMIT_LARGE, note);
}

function makeFile(path: string, pieces: number): string {
  const file = openSync(path, 'w');
  const hash = createHash('sha256');
  const piece = randomFillSync(Buffer.alloc(MIB));
  for (let i = 0; i < pieces; i++) {
    piece.writeUInt32BE(i);
    hash.update(piece);
    writeSync(file, piece);
  }
  closeSync(file);
  return hash.digest('hex');
}

async function timeOf(count: number, work: (i: number) => Promise<void>): Promise<number> {
  const from = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
  return performance.now() - from;
}

function at(url: string, path: string, operation: string): string {
  return `${url}/webhdfs/v1${path}?user.name=hdfs&op=${operation}`;
}

async function bareCreate(url: string, path: string, size_bytes: number, body: Buffer | Readable): Promise<void> {
  const { text } = await ask('PUT', at(url, path, 'CREATE&overwrite=true&noredirect=true'));
  const { Location } = JSON.parse(text) as { Location: string };
  const { status } = await ask('PUT', Location, size_bytes, body);
  if (status !== 201) throw new Error(`CREATE of ${path}: ${status}`);
}

function ask(
  method: string,
  url: string,
  size_bytes = 0,
  body?: Buffer | Readable,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: { 'content-length': size_bytes } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    if (body === undefined || Buffer.isBuffer(body)) asked.end(body);
    else body.pipe(asked);
  });
}
