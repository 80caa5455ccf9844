import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LAYERS, lakeFixture, request, TABLE } from '../../test/support/lake-fixture.ts';
import type { Lake } from '../core/ports/lake.ts';
import { encodeCheckpoint } from './checkpoint/codec.ts';
import { readCheckpoint } from './checkpoint/reader.ts';
import { LiveFiles } from './live-files.ts';
import { checkpointName, entryName } from './log-listing.ts';
import { openLake } from './open-lake.ts';
import { LocalStorage } from './storage-local.ts';

/** Checkpoints, and tables that other programs wrote or read: delta-rs where DATAFLOW_PYTHON names a Python that has it. */
const PYTHON = process.env['DATAFLOW_PYTHON'];
const NO_PYTHON = 'DATAFLOW_PYTHON is not set (a Python with deltalake)';
const fixture = await lakeFixture();
afterAll(() => fixture.remove());

/** The reader's own threads may still run, and then an orderly exit of the interpreter now and then ends in abort(). */
const LEAVE = 'sys.stdout.flush(); os._exit(0)';

function python(program: string, ...args: readonly string[]): unknown {
  const prelude = 'import sys, json, os\nfrom deltalake import DeltaTable, write_deltalake\nimport pyarrow as pa\n';
  const child = spawnSync(PYTHON ?? '', ['-c', `${prelude}${program}\n${LEAVE}`, ...args], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

/** A table of 25 versions with checkpoints, of which the entries up to the last checkpoint are gone. */
async function trimmedTable(): Promise<{ readonly url: string; readonly folder: string; readonly lake: Lake }> {
  const { lake, url, folder } = await fixture.newLake();
  for (let version = 0; version < 25; version++) {
    const add = [await fixture.candidate(lake, `select ${version}::bigint as i`, {}, `s${version}`)];
    await lake.commit(
      request(add, version === 0 ? undefined : version - 1, {
        txns: [{ app_id: `unit ${version}`, version: version + 1 }],
      }),
    );
  }
  const snapshot = await lake.snapshot(TABLE);
  await lake.commit(request([], 24, { mode: 'rewrite', remove: snapshot?.files.slice(0, 2) ?? [] }));
  for (let version = 0; version < 20; version++) rmSync(join(folder, '_delta_log', entryName(version)));
  return { lake, url, folder };
}

describe('checkpoints', () => {
  it('are written every 10 commits and stand for the entries before them', async () => {
    const { lake, url, folder } = await trimmedTable();
    const pointer: unknown = JSON.parse(readFileSync(join(folder, '_delta_log/_last_checkpoint'), 'utf8'));
    expect(pointer).toMatchObject({ version: 20, numOfAddFiles: 21, size: 2 + 21 + 21 });
    const known = await lake.snapshot(TABLE);
    const fresh = await (await openLake({ url, layers: LAYERS })).snapshot(TABLE);
    const unversioned = known?.files.map(({ added_version, ...file }) => ({
      ...file,
      ...((added_version ?? 0) > 20 ? { added_version } : {}),
    }));
    expect({ ...fresh, filesIn: known?.filesIn }).toEqual({ ...known, files: unversioned });
    expect(fresh?.txns.get('unit 3')).toBe(4);
    await expect((await openLake({ url, layers: LAYERS })).snapshot(TABLE, { version: 10 })).resolves.toMatchObject({
      rows: 11,
    });
    await expect((await openLake({ url, layers: LAYERS })).snapshot(TABLE, { version: 12 })).rejects.toMatchObject({
      code: 'E_LAKE_NO_VERSION',
    });
  });

  it('are read by delta-rs with the older entries gone', async (context) => {
    if (PYTHON === undefined) context.skip(NO_PYTHON);
    const { folder } = await trimmedTable();
    const seen = python(
      't=DeltaTable(sys.argv[1]); print(json.dumps([t.version(), sorted(t.to_pyarrow_table()["i"].to_pylist()), t.transaction_version("unit 3")]))',
      folder,
    );
    expect(seen).toEqual([25, Array.from({ length: 23 }, (_, n) => n + 2), 4]);
  });

  it.each(['zstd', 'gzip', 'snappy', 'uncompressed'])('of another writer, compressed with %s', async (codec) => {
    const { lake, url, folder } = await trimmedTable();
    const path = join(folder, '_delta_log', checkpointName(20));
    await fixture.query(
      `copy (select *, {'x': 1} as future from read_parquet('${path}')) to '${path}.new' (format parquet, compression ${codec})`,
    );
    renameSync(`${path}.new`, path);
    const fresh = await (await openLake({ url, layers: LAYERS })).snapshot(TABLE);
    expect(fresh?.files.map((file) => file.sha256)).toEqual(
      (await lake.snapshot(TABLE))?.files.map((file) => file.sha256),
    );
  });

  it('in parts count only when all parts are there', async () => {
    const { url, folder } = await trimmedTable();
    const path = join(folder, '_delta_log', checkpointName(20));
    const storage = new LocalStorage(url);
    const content = await readCheckpoint(storage, [storage.pathOf(path) ?? ''], (one) => one);
    const { protocol, metaData, txns, files } = content;
    if (protocol === undefined || metaData === undefined) throw new Error('no checkpoint');
    const actions = [{ protocol }, { metaData }, ...txns.map((txn) => ({ txn }))];
    const adds = [...new LiveFiles(files).values()].map(({ action }) => action);
    const part = (n: number): string => path.replace('.parquet', `.000000000${n}.0000000002.parquet`);
    writeFileSync(part(1), await encodeCheckpoint({ actions, files: adds.slice(0, 9), rows: undefined }));
    rmSync(path);
    await expect((await openLake({ url, layers: LAYERS })).snapshot(TABLE)).rejects.toMatchObject({
      code: 'E_LAKE_NO_VERSION',
    });
    writeFileSync(part(2), await encodeCheckpoint({ actions: [], files: adds.slice(9), rows: undefined }));
    await expect((await openLake({ url, layers: LAYERS })).snapshot(TABLE)).resolves.toMatchObject({
      version: 25,
      rows: 23,
    });
  });

  it('that are damaged are passed over where the entries suffice, and named where they do not', async () => {
    const { url, folder } = await trimmedTable();
    writeFileSync(join(folder, '_delta_log', checkpointName(20)), 'PAR1 no PAR1');
    await expect((await openLake({ url, layers: LAYERS })).snapshot(TABLE)).rejects.toMatchObject({
      code: 'E_LAKE_NO_VERSION',
    });
    rmSync(join(folder, '_delta_log', checkpointName(10)));
    await expect((await openLake({ url, layers: LAYERS })).snapshot(TABLE)).rejects.toMatchObject({
      code: 'E_LAKE_CORRUPT',
    });
  });
});

describe('delta-rs', () => {
  const VALUES = ['a/b', 'é ü', "it's", '%41', 'x=y', '..', 'q"?#&+', '2025-01-01 10:00:00', 'z'.repeat(300), null];
  const columns = [
    { name: 'i', type: 'bigint', nullable: true },
    { name: 'at', type: 'timestamp', nullable: true },
    { name: 'p q', type: 'varchar', nullable: true },
  ];

  it('reads our partitions, whatever their values, and timestamps without zone', async (context) => {
    if (PYTHON === undefined) context.skip(NO_PYTHON);
    const { lake, folder } = await fixture.newLake();
    const add = [];
    for (const [n, value] of VALUES.entries())
      add.push(
        await fixture.candidate(lake, `select ${n}::bigint as i, timestamp '2025-01-01 10:00:00' as at`, {
          'p q': value,
        }),
      );
    await lake.commit(request(add, undefined, { columns, partition_by: ['p q'] }));
    const seen = python(
      't=DeltaTable(sys.argv[1]).to_pyarrow_table().sort_by("i"); print(json.dumps([t["p q"].to_pylist(), str(t.schema.field("at").type)]))',
      folder,
    );
    expect(seen).toEqual([VALUES, 'timestamp[us]']);
    const read = await lake.snapshot(TABLE);
    expect(read?.files.map((file) => file.partition_values['p q'])).toEqual(VALUES);
    await expect(
      fixture.query('select count(*)::integer from read_parquet({files}, hive_partitioning = false)', read?.files),
    ).resolves.toEqual([[VALUES.length]]);
  });

  it('writes tables that we read, checkpoint and all, and add to', async (context) => {
    if (PYTHON === undefined) context.skip(NO_PYTHON);
    const { lake, folder } = await fixture.newLake();
    const program = `
for k in range(3):
  write_deltalake(sys.argv[1], pa.table({"i": pa.array([k, k + 10], pa.int64()), "p": ["a b", "c%d"]}), mode="append", partition_by=["p"])
t = DeltaTable(sys.argv[1]); t.create_checkpoint(); t.delete("i = 11")
for k in range(2): os.remove(f"{sys.argv[1]}/_delta_log/{k:020}.json")
print(json.dumps(DeltaTable(sys.argv[1]).version()))`;
    const version = Number(python(program, folder));
    const read = await lake.snapshot(TABLE);
    expect(read).toMatchObject({
      version,
      rows: 5,
      partition_by: ['p'],
      columns: [
        { name: 'i', type: 'bigint' },
        { name: 'p', type: 'varchar' },
      ],
    });
    expect(read?.committed_at_ms).toBeGreaterThan(Date.now() - 60_000);
    await expect(fixture.query('select sum(i)::integer from read_parquet({files})', read?.files)).resolves.toEqual([
      [25],
    ]);
    const add = [await fixture.candidate(lake, 'select 100::bigint as i', { p: 'a b' })];
    await lake.commit(
      request(add, version, {
        columns: read?.columns ?? [],
        partition_by: ['p'],
        mode: 'rewrite',
        remove: read?.files.slice(0, 1) ?? [],
      }),
    );
    const seen = python(
      't=DeltaTable(sys.argv[1]); print(json.dumps([t.version(), t.to_pyarrow_table().num_rows]))',
      folder,
    );
    expect(seen).toEqual([version + 1, 6 - (read?.files[0]?.rows ?? 0)]);
  });

  it('compacts our table, and nothing counts as changed', async (context) => {
    if (PYTHON === undefined) context.skip(NO_PYTHON);
    const { lake, folder } = await fixture.newLake();
    for (let version = 0; version < 3; version++) {
      await lake.commit(
        request(
          [await fixture.candidate(lake, `select ${version}::bigint as i`)],
          version === 0 ? undefined : version - 1,
        ),
      );
    }
    python('t=DeltaTable(sys.argv[1]); print(json.dumps(t.optimize.compact()["numFilesRemoved"]))', folder);
    expect((await lake.snapshot(TABLE))?.files).toHaveLength(1);
    await expect(lake.changes(TABLE, 2, 3)).resolves.toEqual({ added: [], removed: [], schema_changed: false });
    // New and old rows lie in one file now: what came since is told by the files that brought it.
    await expect(lake.changes(TABLE, 0, 3)).resolves.toMatchObject({
      removed: [],
      added: [
        { added_version: 1, rows: 1 },
        { added_version: 2, rows: 1 },
      ],
    });
    expect(readdirSync(join(folder, '_delta_log'))).toHaveLength(4);
  });
});
