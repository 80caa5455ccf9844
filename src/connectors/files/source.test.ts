import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { runShape } from '../../core/config/messages.ts';
import type { FormatInspectors } from '../../core/ports/format.ts';
import type { Discovery, KnownInput, Source, SourceContext } from '../../core/ports/source.ts';
import { archiveReader } from '../../formats/archive/archive-reader.ts';
import { component } from './source.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const inspector = {
  inspect: () => {
    throw new Error('discovery opens no file');
  },
};
const inspectors: FormatInspectors = {
  csv: inspector,
  json: inspector,
  ndjson: inspector,
  parquet: inspector,
  xlsx: inspector,
  fixed: inspector,
  xml: inspector,
  avro: inspector,
  document: inspector,
};

async function source(options: object): Promise<Source> {
  const parsed = runShape(component.schema, { settle_seconds: 0, ...options });
  expect(parsed.issues).toEqual([]);
  return component.create(parsed.value as never, { inspectors, archives: archiveReader });
}

/** An hour from now, so that files just written have settled. */
const context = (more: Partial<SourceContext> = {}): SourceContext => ({
  root,
  temp_folder: root,
  now_ms: Date.now() + 3_600_000,
  rehash: false,
  ...more,
});

function put(path: string, content = 'a\n1\n'): string {
  const absolute = join(root, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, content);
  return absolute;
}

async function find(options: object, known = new Map<string, KnownInput>(), more = {}): Promise<Discovery> {
  return (await source(options)).discover(known, context(more));
}

const paths = (found: Discovery): string[] => found.fresh.map((unit) => unit.path);
const knownFrom = (found: Discovery): Map<string, KnownInput> =>
  new Map(found.fresh.map((unit) => [unit.path, { ...unit, sha256: 'x', status: 'loaded' }]));

describe('globs', () => {
  it.each([
    ['in/*.csv', ['in/a.csv', 'in/b.csv']],
    ['./in/*.csv', ['in/a.csv', 'in/b.csv']],
    ['in/**/*.csv', ['in/a.csv', 'in/b.csv', 'in/deep/er/c.csv']],
    ['in/*.{csv,csv.gz}', ['in/a.csv', 'in/b.csv', 'in/b.csv.gz']],
    ['in/{a,b}.csv', ['in/a.csv', 'in/b.csv']],
    ['{in,out}/a.csv', ['in/a.csv', 'out/a.csv']],
    ['*/a.csv', ['in/a.csv', 'out/a.csv']],
    ['**/[ab].csv', ['in/a.csv', 'in/b.csv', 'out/a.csv']],
    ['in/a.csv', ['in/a.csv']],
    [
      ['in/*.csv', 'in/a.*', 'out/*'],
      ['in/a.csv', 'in/b.csv', 'out/a.csv'],
    ],
  ])('%j', async (path, expected) => {
    for (const file of ['in/a.csv', 'in/b.csv', 'in/b.csv.gz', 'in/deep/er/c.csv', 'out/a.csv', 'in/.hidden.csv'])
      put(file);
    expect(paths(await find({ path }))).toEqual(expected);
  });

  it('leaves out what is excluded, and what an absolute glob names is found too', async () => {
    for (const file of ['in/a.csv', 'in/old/b.csv', 'in/c.tmp.csv']) put(file);
    expect(paths(await find({ path: `${root}/in/**/*.csv`, exclude: ['**/old/**', 'in/*.tmp.*'] }))).toEqual([
      'in/a.csv',
    ]);
  });

  it('a file whose name looks like a glob can be named as it is', async () => {
    put('in/data [1].csv');
    put('in/data 1.csv');
    expect(paths(await find({ path: 'in/data [1].csv' }))).toEqual(['in/data [1].csv']);
  });

  it('fault 33: any name is found once, in the order of code units', async () => {
    const names = [
      '-rf.csv',
      ' x .csv',
      'A.csv',
      'a.csv',
      'a\nb.csv',
      'e\u0301.csv',
      '\u00e9.csv',
      '%2e%2e%2f.csv',
      'x..%2fetc.csv',
      "q'$(x).csv",
      `${'n'.repeat(251)}.csv`,
    ];
    for (const name of names) put(`in/${name}`);
    for (const path of ['in/*.csv', '**/*.csv']) {
      expect(paths(await find({ path }))).toEqual(names.map((name) => `in/${name}`).sort());
    }
  });

  it('a missing folder or file waits, it does not fail', async () => {
    const found = await find({ path: ['nowhere/*.csv', 'not-yet.csv'] });
    expect(found.fresh).toEqual([]);
    expect(found.waiting.map(({ path }) => path)).toEqual(['not-yet.csv', 'nowhere']);
  });
});

describe('format and compression by name', () => {
  it.each([
    ['a.csv', {}, 'csv', 'none'],
    ['a.TSV.GZ', {}, 'csv', 'gzip'],
    ['a.b.jsonl.zst', {}, 'ndjson', 'zstd'],
    ['a.ndjson', {}, 'ndjson', 'none'],
    ['a.json', {}, 'json', 'none'],
    ['a.parquet', {}, 'parquet', 'none'],
    ['a.dat', { format: 'csv' }, 'csv', 'none'],
    ['a.dat.gz', { format: 'csv', compression: 'none' }, 'csv', 'none'],
  ])('%s %j', async (name, options, format, compression) => {
    put(name);
    expect((await find({ path: name, ...options })).fresh[0]).toMatchObject({ format, compression });
  });

  it.each(['a.dat', 'a.constructor', 'gz', 'a.gz', 'noext'])('%s is refused', async (name) => {
    put(name);
    expect((await find({ path: name })).refused).toMatchObject([{ path: name, code: 'unknown_format' }]);
  });
});

describe('what is known', () => {
  it('fault 21: an unchanged file is not fresh, unless everything is hashed again', async () => {
    put('in/a.csv');
    put('in/b.csv');
    const known = knownFrom(await find({ path: 'in/*' }));
    expect(await find({ path: 'in/*' }, known)).toMatchObject({ fresh: [], unchanged: 2, vanished: [] });
    expect(paths(await find({ path: 'in/*' }, known, { rehash: true }))).toEqual(['in/a.csv', 'in/b.csv']);
  });

  it('fault 23: new bytes under the same name are fresh, even with the same size and time', async () => {
    const path = put('in/a.csv', 'a\n1\n');
    const known = knownFrom(await find({ path: 'in/*' }));
    const other = put('other', 'a\n2\n');
    const before = known.get('in/a.csv');
    const mtime = Number(before?.mtime_ns) / 1e9;
    utimesSync(other, mtime, mtime);
    renameSync(other, path);
    expect(paths(await find({ path: 'in/*' }, known))).toEqual(['in/a.csv']);
  });

  it('tells what has vanished', async () => {
    put('in/a.csv');
    const gone = put('in/b.csv');
    const known = knownFrom(await find({ path: 'in/*' }));
    rmSync(gone);
    expect((await find({ path: 'in/*' }, known)).vanished).toEqual(['in/b.csv']);
  });
});

describe('fault 24: files that are still written', () => {
  it('waits, and says how long', async () => {
    put('a.csv');
    const found = await find({ path: '*.csv', settle_seconds: 10 }, new Map(), { now_ms: Date.now() + 4000 });
    expect(found.fresh).toEqual([]);
    expect(found.waiting[0]?.reason).toMatch(/[56](\.\d)? s more to wait \(settle_seconds: 10\)/);
    expect(
      paths(await find({ path: '*.csv', settle_seconds: 10 }, new Map(), { now_ms: Date.now() + 11_000 })),
    ).toEqual(['a.csv']);
  });

  it('does not wait for a time far in the future', async () => {
    const path = put('a.csv');
    utimesSync(path, 4_000_000_000, 4_000_000_000);
    expect(paths(await find({ path: '*.csv', settle_seconds: 2 }))).toEqual(['a.csv']);
  });

  it('notices growth, replacement and removal after discovery', async () => {
    const path = put('a.csv');
    const files = await source({ path: '*.csv' });
    const [unit] = (await files.discover(new Map(), context())).fresh;
    if (unit === undefined) throw new Error('nothing found');
    expect(await files.unchangedSince(unit)).toBe(true);
    writeFileSync(path, 'a\n1\n2\n');
    expect(await files.unchangedSince(unit)).toBe(false);
    rmSync(path);
    expect(await files.unchangedSince(unit)).toBe(false);
  });
});

describe('faults 34 and 35: what is refused', () => {
  it('links out of the project, broken links, links to folders, pipes, large files', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'dataflow-'));
    try {
      writeFileSync(join(outside, 'secret.csv'), 'a\n1\n');
      mkdirSync(join(root, 'in'));
      symlinkSync(join(outside, 'secret.csv'), join(root, 'in/out.csv'));
      symlinkSync(join(outside, 'none.csv'), join(root, 'in/broken.csv'));
      symlinkSync(outside, join(root, 'in/folder.csv'));
      execFileSync('mkfifo', [join(root, 'in/pipe.csv')]);
      put('kept/real.csv');
      symlinkSync('../kept/real.csv', join(root, 'in/inside.csv'));
      put('in/big.csv', 'x'.repeat(2000));
      const found = await find({ path: 'in/**/*.csv', max_file_bytes: 1000 });
      expect(paths(found)).toEqual(['in/inside.csv']);
      expect(Object.fromEntries(found.refused.map(({ path, code }) => [path, code]))).toEqual({
        'in/big.csv': 'too_large',
        'in/broken.csv': 'broken_link',
        'in/folder.csv': 'link_outside',
        'in/out.csv': 'link_outside',
        'in/pipe.csv': 'not_a_file',
      });
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('devices', async () => {
    expect((await find({ path: '/dev/null', format: 'csv' })).refused).toMatchObject([{ code: 'not_a_file' }]);
  });

  it('a folder named as a file', async () => {
    put('in/a.csv');
    expect((await find({ path: 'in' })).refused).toMatchObject([{ path: 'in', code: 'is_folder' }]);
  });
});

describe('options', () => {
  it.each([
    [{}, 'path'],
    [{ path: 'x', delimiter: ',,' }, 'delimiter'],
    [{ path: 'x', delimiter: 'é' }, 'delimiter'],
    [{ path: 'x', settle_seconds: -1 }, 'settle_seconds'],
    [{ path: 'x', pathh: 'y' }, ''],
    [{ path: [] }, 'path'],
    [{ path: 'a\0' }, 'path'],
    [{ path: 'x', delimiter: '"' }, ''],
  ])('%j is refused', (options, at) => {
    const { issues } = runShape(component.schema, options);
    expect(issues.length).toBeGreaterThan(0);
    expect((issues[0]?.path ?? []).map(String)[0] ?? '').toBe(at);
  });

  it('describes every field', () => {
    const shape = (
      component.schema._zod.def as unknown as { shape: Record<string, { _zod: { def: { innerType?: unknown } } }> }
    ).shape;
    for (const [name, field] of Object.entries(shape)) expect(descriptionOf(field), name).toMatch(/\w{3}/);
  });
});

function descriptionOf(schema: unknown): string | undefined {
  const own = globalDescriptions(schema);
  if (own !== undefined) return own;
  const inner = (schema as { _zod: { def: { innerType?: unknown } } })._zod.def.innerType;
  return inner === undefined ? undefined : descriptionOf(inner);
}

function globalDescriptions(schema: unknown): string | undefined {
  return (z.globalRegistry.get(schema as never) as { description?: string } | undefined)?.description;
}
