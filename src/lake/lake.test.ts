import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, describe, expect, it } from 'vitest';
import type { CandidateFile } from '../core/ports/engine.ts';
import type { CommitRequest, DataFile, Lake } from '../core/ports/lake.ts';
import { encodedPath, resolvePath } from './log-paths.ts';
import { openLake } from './open-lake.ts';
import { LocalStorage } from './storage-local.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-lake-'));
const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
afterAll(() => rmSync(root, { recursive: true, force: true }));

const layers = { bronze: 'raw', silver: 'clean', gold: 'curated' };
const table = { layer: 'silver', name: 'achats' } as const;
const columns = [{ name: 'i', type: 'bigint', nullable: true }];
let folders = 0;
const newLake = async (): Promise<{ lake: Lake; url: string }> => {
  const url = join(root, `lake${++folders}`);
  return { lake: await openLake({ url, layers }), url };
};

async function candidate(lake: Lake, from: number, rows: number, step = 's'): Promise<CandidateFile> {
  const folder = await lake.stage('run', step, `data-${from}-${Math.random()}`);
  const uri = join(folder, 'x.parquet');
  await db.run(
    `copy (select i + ${from} as i from range(${rows}) t(i)) to '${uri}' (format parquet, compression zstd)`,
  );
  const size_bytes = readFileSync(uri).length;
  return {
    uri,
    size_bytes,
    rows,
    partition_values: {},
    stats: { num_records: rows, min_values: { i: from }, max_values: { i: from + rows - 1 }, null_count: { i: 0 } },
  };
}

function request(
  add: readonly CandidateFile[],
  read_version: number | undefined,
  more: Partial<CommitRequest> = {},
): CommitRequest {
  return {
    table,
    read_version,
    mode: 'append',
    add,
    remove: [],
    columns,
    partition_by: [],
    txns: [],
    note: { run_id: 'run', step_id: 's', step: 'silver.achats' },
    fence: () => undefined,
    ...more,
  };
}

async function values(files: readonly DataFile[]): Promise<number> {
  if (files.length === 0) return 0;
  const list = files.map((file) => `'${file.uri}'`).join(', ');
  const reader = await db.runAndReadAll(`select count(*)::integer as n from read_parquet([${list}])`);
  return Number(reader.getRowsJson()[0]?.[0]);
}

describe('commits', () => {
  it('make versions; every older one stays readable, by number and by time', async () => {
    const { lake, url } = await newLake();
    expect(await lake.snapshot(table)).toBeUndefined();
    const first = await lake.commit(request([await candidate(lake, 0, 10)], undefined));
    const one = await lake.snapshot(table);
    await new Promise((wake) => setTimeout(wake, 5));
    const second = await lake.commit(
      request([await candidate(lake, 10, 5)], 0, { mode: 'rewrite', remove: one?.files ?? [] }),
    );
    expect([first.version, second.version]).toEqual([0, 1]);
    expect((await lake.snapshot(table))?.rows).toBe(5);
    const old = await lake.snapshot(table, { version: 0 });
    expect(await values(old?.files ?? [])).toBe(10);
    expect((await lake.snapshot(table, { as_of_ms: one?.committed_at_ms ?? 0 }))?.version).toBe(0);
    await expect(lake.snapshot(table, { version: 9 })).rejects.toMatchObject({ code: 'E_LAKE_NO_VERSION' });
    expect(readdirSync(join(url, 'clean/achats/_delta_log'))).toEqual([
      '00000000000000000000.json',
      '00000000000000000001.json',
    ]);
    const changes = await lake.changes(table, 0, 1);
    expect([changes.added.length, changes.removed.length, changes.schema_changed]).toEqual([1, 1, false]);
    expect(await lake.tables()).toEqual([table]);
  });

  it('record the SHA-256 of each file', async () => {
    const { lake } = await newLake();
    const { files } = await lake.commit(request([await candidate(lake, 0, 3)], undefined));
    const { createHash } = await import('node:crypto');
    for (const file of files)
      expect(file.sha256).toBe(createHash('sha256').update(readFileSync(file.uri)).digest('hex'));
  });

  it('case 2: a unit of work that is in the table is not committed again', async () => {
    const { lake } = await newLake();
    const txns = [{ app_id: 'source:x:sha256:abc', version: 1 }];
    await lake.commit(request([await candidate(lake, 0, 3)], undefined, { txns }));
    const again = await lake.commit(request([await candidate(lake, 0, 3)], undefined, { txns }));
    expect(again).toMatchObject({ already_done: true, version: 0 });
    expect((await lake.snapshot(table))?.rows).toBe(3);
  });

  it('case 10: of two writers racing for a version both appends arrive, once each; of two rewrites one fails', async () => {
    const { lake, url } = await newLake();
    await lake.commit(request([await candidate(lake, 0, 1)], undefined));
    const others = await Promise.all(Array.from({ length: 6 }, () => openLake({ url, layers })));
    const made = await Promise.all(
      others.map(async (other, n) => other.commit(request([await candidate(other, n, 2, `s${n}`)], 0))),
    );
    expect(made.map((one) => one.version).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await lake.snapshot(table))?.rows).toBe(13);
    const files = (await lake.snapshot(table))?.files ?? [];
    const rewrites = others
      .slice(0, 2)
      .map(async (other, n) =>
        other.commit(request([await candidate(other, n, 4, `r${n}`)], 6, { mode: 'rewrite', remove: files })),
      );
    const ends = await Promise.allSettled(rewrites);
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await lake.snapshot(table))?.rows).toBe(4);
  });

  it('a lost lock stops the publish at the last moment', async () => {
    const { lake } = await newLake();
    const fence = (): void => {
      throw new Error('lost');
    };
    await expect(lake.commit(request([await candidate(lake, 0, 1)], undefined, { fence }))).rejects.toThrow('lost');
    expect(await lake.snapshot(table)).toBeUndefined();
  });

  it('case 11: a reader sees one whole version while others publish', async () => {
    const { lake, url } = await newLake();
    await lake.commit(request([await candidate(lake, 0, 100)], undefined));
    const reader = await openLake({ url, layers });
    const writing = (async () => {
      for (let version = 0; version < 10; version++) {
        const now = await lake.snapshot(table);
        await lake.commit(
          request([await candidate(lake, version, 100)], version, { mode: 'rewrite', remove: now?.files ?? [] }),
        );
      }
    })();
    const seen: number[] = [];
    while (seen.length < 40) seen.push(await values((await reader.snapshot(table))?.files ?? []));
    await writing;
    expect(new Set(seen)).toEqual(new Set([100]));
  });

  it('case 6: torn files and strangers in the folder are not read', async () => {
    const { lake, url } = await newLake();
    await lake.commit(request([await candidate(lake, 0, 2)], undefined));
    writeFileSync(join(url, 'clean/achats/part-torn.zst.parquet'), 'PAR1 torn');
    writeFileSync(join(url, 'clean/achats/_delta_log/.0123456789abcdef.tmp'), 'half');
    expect((await lake.snapshot(table))?.rows).toBe(2);
    expect(await lake.leftovers(new Set(), true)).toContain('clean/achats/_delta_log/.0123456789abcdef.tmp');
  });
});

describe('tables of others', () => {
  const write = (url: string, actions: readonly unknown[], version = 0): void => {
    mkdirSync(join(url, 'clean/achats/_delta_log'), { recursive: true });
    writeFileSync(
      join(url, `clean/achats/_delta_log/${String(version).padStart(20, '0')}.json`),
      actions.map((action) => JSON.stringify(action)).join('\n'),
    );
  };
  const metaData = {
    id: 'x',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({
      type: 'struct',
      fields: [{ name: 'i', type: 'long', nullable: true, metadata: {} }],
    }),
    partitionColumns: [],
    configuration: {},
  };
  const protocol = { minReaderVersion: 1, minWriterVersion: 2 };

  it('unknown actions and members are passed over, encoded paths decoded', async () => {
    const { lake, url } = await newLake();
    write(url, [
      { protocol },
      { metaData: { ...metaData, future: 1 } },
      { cdc: {} },
      {
        add: {
          path: 'p%20q=1/a%25b.parquet',
          partitionValues: {},
          size: 1,
          modificationTime: 0,
          dataChange: true,
          baseRowId: 4,
          stats: '{"numRecords":1}',
        },
      },
    ]);
    expect((await lake.snapshot(table))?.files.map((file) => file.path)).toEqual(['p q=1/a%b.parquet']);
  });

  it.each([
    [
      'deletionVectors',
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['deletionVectors'],
        writerFeatures: ['deletionVectors'],
      },
    ],
    ['columnMapping', { minReaderVersion: 2, minWriterVersion: 5 }],
    [
      'v2Checkpoint',
      { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['v2Checkpoint'], writerFeatures: [] },
    ],
  ])('a table feature that we lack is refused by name: %s', async (name, unknown) => {
    const { lake, url } = await newLake();
    write(url, [{ protocol: unknown }, { metaData }]);
    await expect(lake.snapshot(table)).rejects.toMatchObject({
      code: 'E_LAKE_FEATURE',
      message: expect.stringContaining(name),
    });
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'a/%2e%2e/%2e%2e/x', 'file:///etc/passwd', 'a\u0000b'])(
    'case 35: a log that names %j is refused',
    async (path) => {
      const { lake, url } = await newLake();
      write(url, [
        { protocol },
        { metaData },
        { add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true } },
      ]);
      await expect(lake.snapshot(table)).rejects.toMatchObject({ code: 'E_LAKE_CORRUPT' });
    },
  );

  it('case 35: table names and symbolic links do not lead out of the lake', async () => {
    const { lake, url } = await newLake();
    await expect(lake.snapshot({ layer: 'silver', name: '../../x' })).rejects.toMatchObject({
      code: 'E_LAKE_NO_TABLE',
    });
    mkdirSync(join(url, 'clean/achats/_delta_log'), { recursive: true });
    symlinkSync('/etc/hosts', join(url, 'clean/achats/_delta_log/00000000000000000000.json'));
    await expect(lake.snapshot(table)).rejects.toMatchObject({ code: 'E_LAKE_CORRUPT' });
  });

  it('a damaged log entry is named with its line', async () => {
    const { lake, url } = await newLake();
    write(url, [{ protocol }, { metaData }]);
    writeFileSync(
      join(url, 'clean/achats/_delta_log/00000000000000000001.json'),
      '{"txn":{"appId":"a","version":1}}\n{"add":',
    );
    await expect(lake.snapshot(table)).rejects.toMatchObject({ code: 'E_LAKE_CORRUPT', place: { line: 2 } });
  });

  it('a missing entry in the middle is noticed', async () => {
    const { lake, url } = await newLake();
    write(url, [{ protocol }, { metaData }]);
    write(url, [{ txn: { appId: 'a', version: 1 } }], 2);
    await expect(lake.snapshot(table)).rejects.toMatchObject({ code: 'E_LAKE_NO_VERSION' });
  });
});

it('paths survive encoding and decoding', () => {
  const storage = new LocalStorage(root);
  for (const path of ['a b/c%d.parquet', 'é=ü/x+y&z.parquet', 'p=%2F/x'])
    expect(resolvePath(storage, 'clean/achats', encodedPath(path))).toBe(path);
});
