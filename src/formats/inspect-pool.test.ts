import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectOptions, InspectRequest } from '../core/ports/format.ts';
import type { InputUnit } from '../core/ports/source.ts';
import { pooledInspectors } from './inspect-pool.ts';
import { inspectors } from './inspectors.ts';
import { ZSTD_SAMPLE, ZSTD_SAMPLE_RECORDS } from './zstd-sample.fixture.ts';

const OPTIONS: InspectOptions = {
  encoding: 'auto',
  quote: '"',
  has_header: true,
  skip_lines: 0,
  max_expanded_bytes: 1e9,
  max_ratio: 200,
  max_line_bytes: 1e6,
};

let folder: string;
let worker: URL;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
  const outfile = join(folder, 'inspect-worker.mjs');
  await build({
    entryPoints: ['src/formats/inspect-worker.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'error',
  });
  worker = pathToFileURL(outfile);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function request(
  name: string,
  content: string | Buffer,
  compression: InputUnit['compression'] = 'none',
): InspectRequest {
  const uri = join(folder, name);
  writeFileSync(uri, content);
  const unit = {
    path: name,
    uri,
    size_bytes: statSync(uri).size,
    mtime_ns: '0',
    inode: '0',
    format: 'csv',
    compression,
  } as const;
  return { unit, temp_folder: folder, options: OPTIONS };
}

const LARGE = `a,b\n${'1,two\n'.repeat(400_000)}`;

describe('pooledInspectors', () => {
  it('answers from a worker what the inspector itself answers', async () => {
    const large = request('large.csv', LARGE);
    const pooled = pooledInspectors(worker);
    const found = await Promise.all(Array.from({ length: 5 }, () => pooled.csv.inspect(large)));
    const expected = await inspectors.csv.inspect(large);
    expect(expected.records).toBe(400_000);
    for (const one of found) expect(one).toEqual(expected);
  });

  it('keeps the main thread free', async () => {
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    await pooledInspectors(worker).csv.inspect(request('free.csv', LARGE.repeat(8)));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it('zstd goes to a worker, which is replaced after damage', async () => {
    const pooled = pooledInspectors(worker);
    for (let round = 0; round < 3; round++) {
      expect(
        (await pooled.csv.inspect(request('bad.csv.zst', ZSTD_SAMPLE.subarray(0, 300), 'zstd'))).problem?.rule,
      ).toBe('damaged_zstd');
      expect((await pooled.csv.inspect(request('good.csv.zst', ZSTD_SAMPLE, 'zstd'))).records).toBe(
        ZSTD_SAMPLE_RECORDS,
      );
    }
  });

  it('passes errors on as they are', async () => {
    const large = request('gone.csv', LARGE);
    rmSync(large.unit.uri);
    await expect(pooledInspectors(worker).csv.inspect(large)).rejects.toMatchObject({
      code: 'E_SOURCE_IO',
      exit_code: 5,
    });
  });

  it('stops when it is told to, and works on', async () => {
    const pooled = pooledInspectors(worker);
    const stop = new AbortController();
    const large = request('stop.csv', LARGE.repeat(8));
    const running = [
      pooled.csv.inspect(large, stop.signal),
      pooled.csv.inspect(large, stop.signal),
      pooled.csv.inspect(large, stop.signal),
    ];
    setTimeout(() => stop.abort(new Error('enough')), 5);
    for (const one of await Promise.allSettled(running))
      expect(one).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    expect((await pooled.csv.inspect(large)).records).toBeGreaterThan(400_000);
  });

  it('works without a worker', async () => {
    expect((await pooledInspectors(undefined).csv.inspect(request('none.csv', LARGE))).records).toBe(400_000);
  });
});
