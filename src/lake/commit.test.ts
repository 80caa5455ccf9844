import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { COLUMNS, LAYERS, lakeFixture, request, TABLE } from '../../test/support/lake-fixture.ts';
import type { Column } from '../core/model/table.ts';
import type { Lake } from '../core/ports/lake.ts';
import type { Action } from './delta-actions.ts';
import { entryName } from './log-listing.ts';
import { openLake } from './open-lake.ts';

const fixture = await lakeFixture();
const { candidate, newLake } = fixture;
afterAll(() => fixture.remove());
afterEach(() => vi.useRealTimers());

const one = (lake: Lake, i = 1) => candidate(lake, `select ${i}::bigint as i`);
const column = (name: string, type: string): Column => ({ name, type, nullable: true });

function entry(folder: string, version: number): readonly Action[] {
  const text = readFileSync(join(folder, '_delta_log', entryName(version)), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as Action);
}

/** Changes the metadata of a table as another program would, as the next version. */
function alter(folder: string, version: number, change: (metaData: NonNullable<Action['metaData']>) => object): void {
  const metaData = entry(folder, 0).find((action) => action.metaData)?.metaData;
  if (metaData === undefined) throw new Error('version 0 has no metaData');
  writeFileSync(
    join(folder, '_delta_log', entryName(version)),
    JSON.stringify({ metaData: { ...metaData, ...change(metaData) } }),
  );
}

describe('conflicts', () => {
  it('an append that knew no table joins one that came meanwhile', async () => {
    const { lake } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    await expect(lake.commit(request([await one(lake)], undefined))).resolves.toMatchObject({ version: 1 });
    await expect(lake.commit(request([await one(lake)], undefined, { mode: 'rewrite' }))).rejects.toMatchObject({
      code: 'E_LAKE_CONFLICT',
    });
  });

  it('a step that wants to be alone does not append beside another run of it', async () => {
    const { lake } = await newLake();
    const note = (run_id: string, step = 'silver.t') => ({ run_id, step_id: `${run_id}-1`, step });
    const sole = { sole: true } as const;
    await lake.commit(request([await one(lake)], undefined, { note: note('first'), ...sole }));
    // What it knows of is no rival, nor are its own commits and those of other steps.
    for (const more of [note('second'), note('second'), note('third', 'compact')])
      await lake.commit(request([await one(lake)], 0, { note: more, ...(more.step === 'compact' ? {} : sole) }));
    await expect(lake.commit(request([await one(lake)], 0, { note: note('fourth'), ...sole }))).rejects.toMatchObject({
      code: 'E_LAKE_CONFLICT',
      message: expect.stringContaining('from another run (second)'),
    });
    await lake.commit(request([await one(lake)], 2, { note: note('fourth'), ...sole }));
    expect((await lake.snapshot(TABLE))?.rows).toBe(5);
  });

  it('a commit that expects the table to stand elsewhere is a conflict, even when its own work seems to be done', async () => {
    const { lake } = await newLake();
    const batch = (version: number) => ({
      txns: [{ app_id: 'pulled:s', version }],
      expected_txns: [{ app_id: 'pulled:s', version: version === 1 ? -1 : version - 1 }],
    });
    await lake.commit(request([await one(lake)], undefined, batch(1)));
    // A zombie that took the same batch: its rows may be others.
    await expect(lake.commit(request([await one(lake, 2)], undefined, batch(1)))).rejects.toMatchObject({
      code: 'E_LAKE_CONFLICT',
    });
    await expect(lake.commit(request([await one(lake)], 0, batch(3)))).rejects.toMatchObject({
      code: 'E_LAKE_CONFLICT',
    });
    await expect(lake.commit(request([await one(lake)], 0, batch(2)))).resolves.toMatchObject({ version: 1 });
    expect((await lake.snapshot(TABLE))?.rows).toBe(2);
  });

  it('a part of the work done by somebody else is a conflict; done before the read it is none', async () => {
    const { lake } = await newLake();
    const [a, b] = [
      { app_id: 'a', version: 1 },
      { app_id: 'b', version: 1 },
    ];
    await lake.commit(request([await one(lake)], undefined));
    await lake.commit(request([await one(lake)], 0, { txns: [a] }));
    await expect(lake.commit(request([await one(lake)], 0, { txns: [a, b] }))).rejects.toMatchObject({
      code: 'E_LAKE_CONFLICT',
    });
    await expect(lake.commit(request([await one(lake)], 1, { txns: [a, b] }))).resolves.toMatchObject({
      version: 2,
      already_done: false,
    });
    await expect(lake.commit(request([await one(lake)], 1, { txns: [a, b] }))).resolves.toMatchObject({
      version: 2,
      already_done: true,
    });
  });

  it('leave the candidate in staging, and nothing in the table', async () => {
    const { lake, folder } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    const lost = await one(lake);
    const fence = (): void => {
      throw new Error('lock lost');
    };
    await expect(lake.commit(request([lost], 0, { fence }))).rejects.toThrow('lock lost');
    expect(existsSync(lost.uri)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('part-'))).toHaveLength(1);
    await expect(lake.candidates('run', 'step')).resolves.toContain(lost.uri);
  });

  it('a file to remove that is gone is a conflict', async () => {
    const { lake } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    const files = (await lake.snapshot(TABLE))?.files ?? [];
    await lake.commit(request([], 0, { mode: 'rewrite', remove: files }));
    await expect(lake.commit(request([], 1, { mode: 'rewrite', remove: files }))).rejects.toMatchObject({
      code: 'E_LAKE_CONFLICT',
    });
  });

  it('a staged file that changed after it was written is not published', async () => {
    const { lake } = await newLake();
    const torn = await one(lake);
    writeFileSync(torn.uri, 'PAR1');
    await expect(lake.commit(request([torn], undefined))).rejects.toMatchObject({ code: 'E_LAKE_IO' });
    await expect(lake.snapshot(TABLE)).resolves.toBeUndefined();
  });
});

describe('columns', () => {
  it('can be added: the table keeps its id and what others wrote beside its columns', async () => {
    const { lake, folder } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    alter(folder, 1, ({ schemaString }) => ({
      name: 'achats',
      schemaString: schemaString.replace('"metadata":{}', '"metadata":{"comment":"the number"}'),
    }));
    await lake.commit(request([await one(lake)], 1, { columns: [...COLUMNS, column('n', 'hugeint')] }));
    const metaData = entry(folder, 2).find((action) => action.metaData)?.metaData;
    expect(metaData).toMatchObject({
      id: entry(folder, 0).find((action) => action.metaData)?.metaData?.id,
      name: 'achats',
    });
    expect(JSON.parse(metaData?.schemaString ?? '')).toMatchObject({
      fields: [
        { metadata: { comment: 'the number' } },
        { type: 'decimal(38,0)', metadata: { 'dataflow.type': 'hugeint' } },
      ],
    });
    await expect(lake.snapshot(TABLE)).resolves.toMatchObject({
      columns: [...COLUMNS, { name: 'n', type: 'decimal(38,0)', nullable: true, kept_as: 'hugeint' }],
    });
    await expect(lake.changes(TABLE, 1, 2)).resolves.toMatchObject({ schema_changed: true });
    await lake.commit(request([await one(lake)], 2, { columns: (await lake.snapshot(TABLE))?.columns ?? [] }));
    expect(entry(folder, 3).some((action) => action.metaData)).toBe(false);
  });

  it('changed by somebody else meanwhile are a conflict', async () => {
    const { lake } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    await lake.commit(request([], 0, { columns: [...COLUMNS, column('n', 'date')] }));
    await expect(lake.commit(request([await one(lake)], 0))).rejects.toMatchObject({ code: 'E_LAKE_CONFLICT' });
  });

  it('change type or partition only when no file stays', async () => {
    const { lake } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    const text = [column('i', 'varchar')];
    const remove = (await lake.snapshot(TABLE))?.files ?? [];
    await expect(lake.commit(request([], 0, { columns: text }))).rejects.toMatchObject({
      code: 'E_SCHEMA_CHANGED',
      message: expect.stringContaining('bigint'),
    });
    await expect(lake.commit(request([], 0, { partition_by: ['i'] }))).rejects.toMatchObject({
      code: 'E_SCHEMA_CHANGED',
    });
    await lake.commit(request([], 0, { mode: 'rewrite', remove, columns: text, partition_by: ['i'] }));
    await expect(lake.snapshot(TABLE)).resolves.toMatchObject({ columns: text, partition_by: ['i'], files: [] });
  });

  it('a timestamp without zone needs a table feature, only then, and a member of that name does not', async () => {
    const { lake, folder } = await newLake();
    const named = [...COLUMNS, column('s', 'struct("timestamp_ntz" timestamptz)')];
    await lake.commit(request([], undefined, { columns: named }));
    expect(entry(folder, 0)).toContainEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } });
    await lake.commit(request([], 0, { columns: [...named, column('l', 'timestamp[]')] }));
    const features = { readerFeatures: ['timestampNtz'], writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'] };
    expect(entry(folder, 1)).toContainEqual({ protocol: { minReaderVersion: 3, minWriterVersion: 7, ...features } });
    await lake.commit(request([], 1, { columns: (await lake.snapshot(TABLE))?.columns ?? [] }));
    expect(entry(folder, 2).map((action) => Object.keys(action)[0])).toEqual(['commitInfo']);
  });
});

describe('features that bind writers', () => {
  it.each([
    ['appendOnly', () => ({ configuration: { 'delta.appendOnly': 'true' } })],
    [
      'invariants',
      (m: { schemaString: string }) => ({
        schemaString: m.schemaString.replace('"nullable":true', '"nullable":false'),
      }),
    ],
    [
      'invariants',
      (m: { schemaString: string }) => ({
        schemaString: m.schemaString.replace('"metadata":{}', '"metadata":{"delta.invariants":"x"}'),
      }),
    ],
  ])('%s is respected by refusing', async (feature, change) => {
    const { lake, folder } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    alter(folder, 1, change);
    const remove = (await lake.snapshot(TABLE))?.files ?? [];
    await expect(lake.commit(request([], 1, { mode: 'rewrite', remove }))).rejects.toMatchObject({
      code: 'E_LAKE_FEATURE',
      message: expect.stringContaining(feature),
    });
  });

  it.each([
    [3, 'checkConstraints'],
    [4, 'generatedColumns'],
    [8, 'writer version 8'],
  ])('writer version %i is refused, not for reading', async (minWriterVersion, named) => {
    const { lake, folder } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    writeFileSync(
      join(folder, '_delta_log', entryName(1)),
      JSON.stringify({ protocol: { minReaderVersion: 1, minWriterVersion } }),
    );
    await expect(lake.snapshot(TABLE)).resolves.toMatchObject({ rows: 1 });
    await expect(lake.commit(request([await one(lake)], 1))).rejects.toMatchObject({
      code: 'E_LAKE_FEATURE',
      message: expect.stringContaining(named),
    });
  });
});

it('case 15: a clock that jumps back changes neither order nor time travel', async () => {
  const { lake } = await newLake();
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(2_000_000);
  await lake.commit(request([await one(lake)], undefined));
  vi.setSystemTime(1_000_000);
  await lake.commit(request([await one(lake)], 0));
  vi.setSystemTime(3_000_000);
  await lake.commit(request([await one(lake)], 1));
  expect((await lake.history(TABLE)).map((one) => one.committed_at_ms)).toEqual([2_000_000, 2_000_001, 3_000_000]);
  await expect(lake.snapshot(TABLE, { as_of_ms: 2_999_999 })).resolves.toMatchObject({ version: 1 });
  await expect(lake.snapshot(TABLE, { as_of_ms: 1_999_999 })).rejects.toMatchObject({ code: 'E_LAKE_NO_VERSION' });
});

describe('the folder', () => {
  it('state is private, tables are not', async () => {
    const { lake, url, folder } = await newLake();
    await lake.commit(request([await one(lake)], undefined));
    const mode = (path: string): number => statSync(path).mode & 0o077;
    expect(mode(join(url, '_dataflow'))).toBe(0);
    expect(mode(join(url, '_dataflow/staging/run/step'))).toBe(0);
    for (const path of [url, folder, join(folder, '_delta_log')])
      expect(mode(path) & 0o044).toBe(0o044 & ~process.umask());
  });

  it('leftovers of runs that live are left alone, and so is a published file that a note names', async () => {
    const { lake, url } = await newLake();
    const { files } = await lake.commit(request([await one(lake)], undefined));
    const orphan = join(url, 'clean/t/part-orphan.zst.parquet');
    writeFileSync(orphan, '');
    writeFileSync(
      join(url, '_dataflow/staging/run/step/placed-00000000-0000-0000-0000-000000000000.json'),
      JSON.stringify(['clean/t/part-orphan.zst.parquet', '../../etc/passwd']),
    );
    const scratch = '_dataflow/tmp/run.spark-s1';
    mkdirSync(join(url, scratch), { recursive: true });
    await expect(lake.leftovers(new Set(['run']), true)).resolves.toEqual([]);
    await expect(lake.leftovers(new Set(), true)).resolves.toEqual([
      'clean/t/part-orphan.zst.parquet',
      '_dataflow/staging/run',
      scratch,
    ]);
    expect(existsSync(orphan)).toBe(false);
    for (const file of files) expect(existsSync(file.uri)).toBe(true);
  });

  it.each(['..', '.', '', 'a/b', '../../x'])('staging names cannot lead elsewhere: %j', async (name) => {
    const { lake } = await newLake();
    await expect(lake.stage(name, 's', 'data')).rejects.toMatchObject({ code: 'E_INTERNAL' });
    await expect(lake.discardStaging('run', name)).rejects.toMatchObject({ code: 'E_INTERNAL' });
  });

  it('case 35: data files, logs and tables that are links out of the lake are refused', async () => {
    const { lake, url, folder } = await newLake();
    const other = await newLake();
    await other.lake.commit(request([await one(other.lake)], undefined));
    mkdirSync(join(url, 'clean'), { recursive: true });
    symlinkSync(other.folder, folder);
    await expect(lake.snapshot(TABLE)).rejects.toMatchObject({ code: 'E_LAKE_CORRUPT' });
    const linked = { layer: 'gold', name: 'linked' } as const;
    await lake.commit(request([await one(lake)], undefined, { table: linked }));
    const add = {
      path: 'x.parquet',
      partitionValues: {},
      size: 1,
      modificationTime: 0,
      dataChange: true,
      stats: '{"numRecords":1}',
    };
    writeFileSync(join(url, 'curated/linked/_delta_log', entryName(1)), JSON.stringify({ add }));
    await expect(lake.snapshot(linked)).resolves.toMatchObject({ rows: 2 });
    symlinkSync('/etc/hosts', join(url, 'curated/linked/x.parquet'));
    await expect((await openLake({ url, layers: LAYERS })).snapshot(linked)).rejects.toMatchObject({
      code: 'E_LAKE_CORRUPT',
    });
  });

  it('absolute paths inside the lake are read, and rows come from the footer where statistics are missing', async () => {
    const { lake, url, folder } = await newLake();
    const { files } = await lake.commit(request([await candidate(lake, 'select i from range(7) t(i)')], undefined));
    const uri = files[0]?.uri ?? '';
    const clone = { layer: 'gold', name: 'clone' } as const;
    await lake.commit(request([], undefined, { table: clone }));
    const add = { partitionValues: {}, size: statSync(uri).size, modificationTime: 0, dataChange: true };
    writeFileSync(
      join(url, 'curated/clone/_delta_log', entryName(1)),
      JSON.stringify({ add: { ...add, path: `file://${uri}` } }),
    );
    await expect(lake.snapshot(clone)).resolves.toMatchObject({ rows: 7, files: [{ uri }] });
    writeFileSync(
      join(folder, '_delta_log', entryName(1)),
      `${JSON.stringify({ remove: { path: uri, dataChange: true } })}\n`,
    );
    await expect(lake.snapshot(TABLE)).resolves.toMatchObject({ files: [] });
    writeFileSync(join(folder, 'bad.parquet'), 'PAR1 nothing PAR1');
    writeFileSync(
      join(folder, '_delta_log', entryName(2)),
      JSON.stringify({ add: { ...add, size: 17, path: 'bad.parquet' } }),
    );
    await expect(lake.snapshot(TABLE)).rejects.toMatchObject({
      code: 'E_LAKE_CORRUPT',
      message: expect.stringContaining('bad.parquet'),
    });
  });

  it('that cannot be written gives one line of cause and what was kept', async () => {
    const { lake, url } = await newLake();
    const staged = await one(lake);
    writeFileSync(join(url, 'clean'), 'a file where a folder should be');
    await expect(lake.commit(request([staged], undefined))).rejects.toMatchObject({
      code: 'E_LAKE_IO',
      kept: expect.any(String),
      retryable: true,
    });
    expect(existsSync(staged.uri)).toBe(true);
  });

  it('a URL that no driver is for is refused with a hint', async () => {
    await expect(openLake({ url: 's3://bucket/x', layers: LAYERS })).rejects.toMatchObject({
      code: 'E_CONFIG_INVALID',
      hint: expect.any(String),
    });
  });
});
