import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FarBytes } from '../../core/ports/far-storage.ts';
import { FileCache } from './file-cache.ts';
import { LogCache } from './log-cache.ts';

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

let folder: string;
/** What lies there, and what was asked for. The real storages are behind this port in the tests against servers. */
const there = new Map<string, string>();
const asked: string[] = [];
const far = {
  name: 's3://bucket/lake',
  read: ({ path }: { readonly path: string }): Promise<FarBytes | undefined> => {
    asked.push(path);
    const text = there.get(path);
    if (text === undefined) return Promise.resolve(undefined);
    const file = { path, size_bytes: text.length, modified_ms: 0, mark: '1' };
    return Promise.resolve({
      file,
      chunks: (async function* () {
        yield Buffer.from(text);
      })(),
    });
  },
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-cache-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  there.clear();
  asked.length = 0;
});
const cache = (limit_bytes = 1e9): FileCache => new FileCache({ far, folder, limit_bytes });
const wanted = (path: string, text: string) => ({ path, size_bytes: text.length, sha256: hashOf(text) });

describe('data files of a lake elsewhere', () => {
  it('come once, also when several ask at the same time, and again when a part of one was lost', async () => {
    there.set('gold/t/a.parquet', 'rows');
    const one = cache();
    await Promise.all([1, 2, 3].map(() => one.bring([wanted('gold/t/a.parquet', 'rows')], signal)));
    await cache().bring([wanted('gold/t/a.parquet', 'rows')], signal);
    expect(asked).toEqual(['gold/t/a.parquet']);
    writeFileSync(join(folder, 'gold/t/a.parquet'), 'ro');
    await cache().bring([wanted('gold/t/a.parquet', 'rows')], signal);
    expect(readFileSync(join(folder, 'gold/t/a.parquet'), 'utf8')).toBe('rows');
  });

  it('are what the log records, or not here at all', async () => {
    there.set('a.parquet', 'other');
    await expect(cache().bring([wanted('a.parquet', 'bytes')], signal)).rejects.toMatchObject({
      code: 'E_LAKE_CORRUPT',
    });
    await expect(cache().bring([wanted('a.parquet', 'rows')], signal)).rejects.toMatchObject({
      code: 'E_LAKE_CORRUPT',
    });
    await expect(cache().bring([wanted('gone.parquet', 'x')], signal)).rejects.toMatchObject({ code: 'E_LAKE_IO' });
    expect(existsSync(join(folder, 'a.parquet'))).toBe(false);
  });

  it('beyond the limit go, the longest unused first, but none that was used within the hour', async () => {
    const now_ms = Date.now();
    for (const [at, name] of ['old', 'older', 'oldest', 'recent'].entries()) {
      there.set(`${name}.parquet`, 'x'.repeat(100));
      await cache().bring([wanted(`${name}.parquet`, 'x'.repeat(100))], signal);
      const used_s = (now_ms - (name === 'recent' ? 0 : (at + 2) * HOUR_MS)) / 1000;
      utimesSync(join(folder, `${name}.parquet`), used_s, used_s);
    }
    there.set('mine.parquet', 'x');
    const one = cache(250);
    await one.bring([wanted('mine.parquet', 'x')], signal);
    await one.trim(now_ms);
    const left = (): string[] =>
      ['old', 'older', 'oldest', 'recent', 'mine'].filter((name) => existsSync(join(folder, `${name}.parquet`)));
    expect(left()).toEqual(['old', 'recent', 'mine']);
    // Nothing came in: nothing is looked at.
    await cache(0).trim(now_ms);
    expect(left()).toEqual(['old', 'recent', 'mine']);
  });
});

describe('log entries of a lake elsewhere', () => {
  it('are known by path and writing, and never with other bytes', () => {
    const logs = new LogCache(join(folder, 'cache'));
    logs.keep('t/_delta_log/0.json', 'mark 1', Buffer.from('one'));
    expect(Buffer.from(logs.get('t/_delta_log/0.json', 'mark 1') ?? []).toString()).toBe('one');
    expect(logs.get('t/_delta_log/0.json', 'mark 2')).toBeUndefined();
    expect(logs.get('u/_delta_log/0.json', 'mark 1')).toBeUndefined();
  });
});
