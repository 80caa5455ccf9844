import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CompactReport } from '../src/app/care/compact/report.ts';
import { rooms } from '../src/main.ts';
import { type LakeReader, openLakeReader, PYTHON } from './soak/lake-reader.ts';
import { shareWork } from './support/asker.ts';
import { expectDone, filesBelow, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** Compaction through the binary: the rows of a lake that was never compacted, for runs, readers and rebuilds; and what retention spares. */
const CONFIG = `sources:
  a: { type: files, path: in/a*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id, dedupe: { keep: first } }
gold:
  g: { sql: "select x % 3 as r, count(*) as n, min(id) as first from silver.a group by all", key: r }
  by_x: { sql: "select x, count(*) as n from silver.a group by all", refresh: { by: x } }
`;
const root = mkdtempSync(join(tmpdir(), 'dataflow-compact-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
let place: Place;
beforeEach(() => {
  place = project();
});
afterEach(() => place.remove());

function project(keep_days = 0): Place {
  const folder = join(root, `p${++made}`);
  mkdirSync(folder);
  const fresh = newPlace(CONFIG, { folder });
  const file = join(folder, 'pipelines.yaml');
  const text = readFileSync(file, 'utf8').replace('./lake }', `./lake, keep: { versions_days: ${keep_days} } }`);
  writeFileSync(file, text);
  return fresh;
}

/** File n: a row of its own, a rejected record, a row that breaks the rule, and a later row of a key that file 0 has. */
function load(to: Place, n: number): void {
  to.put({ [`in/a${n}.csv`]: `id,x\n${n},${n}\nword,1\n${100 + n},\n0,${50 + n}\n${200 + n},${n}\n` });
  expectDone(to.dataflow(['run']));
}

/** The first loads are the same for all: made once, and copied. */
let first: Place | undefined;
let loaded = 0;
const afterLoads = (n: number): string => join(root, `after-${n}`);

function loadSome(to: Place, from: number, until: number): void {
  if (from === 0) {
    first ??= project();
    for (; loaded < until; loaded++) {
      load(first, loaded);
      for (const name of ['in', 'lake'])
        cpSync(join(first.folder, name), join(afterLoads(loaded + 1), name), {
          recursive: true,
          preserveTimestamps: true,
        });
    }
    cpSync(afterLoads(until), to.folder, { recursive: true, preserveTimestamps: true });
  } else for (let n = from; n < until; n++) load(to, n);
}

function compact(of: Place, ...flags: readonly string[]): CompactReport {
  const outcome = of.dataflow(['compact', '--grace', '0s', '--format', 'json', ...flags]);
  expectDone(outcome);
  return JSON.parse(outcome.stdout) as CompactReport;
}

/** Copied files are other files until they are looked into. */
const NOTHING_DONE = /nothing to do|: 0 published/;

const SETS = [
  'select * from silver.a',
  'select * from gold.g',
  'select * from gold.by_x',
  'select file, line, rule, raw, row_key from quarantine.silver_a',
  'select file, line, rule, raw from quarantine.bronze_a',
];

/** Rows of bronze in their order, and those of all other tables. */
const content = (of: Place): unknown => [
  of.query('select * from bronze.a'),
  of.query(`select ${SETS.map((sql, at) => `(select list(x order by x) from (${sql}) x) as q${at}`).join(', ')}`),
];

function tree(folder: string): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const hash = createHash('sha256');
  for (const name of names) {
    const path = join(folder, name);
    if (name.includes('ledger.db')) continue;
    hash.update(`${name}\n`);
    if (statSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

const dataFiles = (of: Place, table: string): number =>
  filesBelow(join(of.folder, 'lake', table), '.zst.parquet').length;

describe('compact', { timeout: 120_000 }, () => {
  it('makes nothing run, and later loads find the rows of a lake that was never compacted', () => {
    const plain = project();
    loadSome(place, 0, 4);
    loadSome(plain, 0, 4);
    const report = compact(place);
    expect(report).toMatchObject({ dry_run: false, merged_files: 12 });
    expect(report.tables.find((one) => one.table === 'bronze.a')).toMatchObject({ files_before: 4, files_after: 1 });
    expect(content(place)).toEqual(content(plain));
    const idle = place.dataflow(['run']);
    expect(idle.stdout).toMatch(NOTHING_DONE);
    expect(JSON.parse(place.dataflow(['plan', '--format', 'json']).stdout)).not.toContain('"action": "run"');

    // The next file is incremental, with lines and duplicates as ever.
    place.put({ 'in/a4.csv': 'id,x\n4,4\nword,1\n104,\n0,54\n204,4\n' });
    const steps = JSON.parse(place.dataflow(['run', '--format', 'json']).stdout) as {
      steps: readonly { step: string; mode: string; balance: { rows_in: number } }[];
    };
    const silver = steps.steps.find((one) => one.step === 'silver.a');
    expect(silver).toMatchObject({ mode: 'incremental', balance: { rows_in: 4 } });
    load(plain, 4);
    expect(content(place)).toEqual(content(plain));

    // A whole computation reads the merged files: same first rows, same lines.
    for (const one of [place, plain]) expectDone(one.dataflow(['run', '--full-refresh']));
    expect(content(place)).toEqual(content(plain));
    compact(place);
    expectDone(place.dataflow(['verify', '--all-versions']));
    plain.remove();
  });

  it('keeps new rows apart from old ones when it comes between a load and its steps', () => {
    const plain = project();
    for (const one of [place, plain]) {
      loadSome(one, 0, 2);
      one.put({ 'in/a2.csv': 'id,x\n2,2\nword,1\n0,9\n', 'in/b.txt': '' });
      expectDone(one.dataflow(['ingest']));
      one.put({ 'in/a3.csv': 'id,x\n3,3\n2,8\n103,\n' });
      expectDone(one.dataflow(['ingest']));
    }
    compact(place);
    const { steps } = JSON.parse(place.dataflow(['run', '--format', 'json']).stdout) as {
      steps: readonly { step: string; mode: string; balance: { rows_in: number } }[];
    };
    expect(steps.find((one) => one.step === 'silver.a')).toMatchObject({
      mode: 'incremental',
      balance: { rows_in: 5 },
    });
    expectDone(plain.dataflow(['run']));
    expect(content(place)).toEqual(content(plain));
    plain.remove();
  });

  it('spares the newest two releases and what is younger than the configured days', () => {
    loadSome(place, 0, 5);
    const young = project(1);
    loadSome(young, 0, 3);
    expect(compact(young)).toMatchObject({ versions_collected: 0, files_collected: 0 });
    expect(place.dataflow(['compact', '--format', 'json']).stdout).toContain('"versions_collected": 0');
    const before = place.query('select * from silver.a order by all');
    compact(place);
    const old = place.dataflow(['query', '--as-of', '3', 'select * from silver.a']);
    expectDone(old);
    expect(place.dataflow(['query', '--as-of', '0', 'select * from silver.a']).stderr).toContain('E_LAKE_NO_VERSION');
    expect(place.query('select * from silver.a order by all')).toEqual(before);
    young.remove();
  });

  it('spares a kept release and all that an undo to it puts back, until it is dropped', () => {
    loadSome(place, 0, 2);
    // The undo goes back to the merged files, which are newer versions than those that the release names.
    compact(place);
    expectDone(place.dataflow(['release', 'keep', 'current']));
    const then = content(place);
    const list = JSON.parse(place.dataflow(['release', 'list', '--format', 'json']).stdout) as { release_id: string }[];
    const kept = list[0]?.release_id ?? '';
    loadSome(place, 2, 5);
    expect(compact(place).versions_collected).toBeGreaterThan(0);
    expect(place.dataflow(['query', '--as-of', '0', 'select * from silver.a']).stderr).toContain('E_LAKE_NO_VERSION');
    expectDone(place.dataflow(['query', '--as-of', '1', 'select * from silver.a']));
    expectDone(place.dataflow(['undo', kept]));
    expect(content(place)).toEqual(then);
    expectDone(place.dataflow(['verify', '--all-versions']));
    expectDone(place.dataflow(['release', 'drop', kept]));
    compact(place);
    expect(place.dataflow(['query', '--as-of', '1', 'select * from silver.a']).stderr).toContain('E_LAKE_NO_VERSION');
  });

  it('loses nothing that the ledger is rebuilt from', () => {
    loadSome(place, 0, 5);
    compact(place);
    const inputs = place.inputs();
    expect(filesBelow(join(place.folder, 'lake/bronze/a/_delta_log'), '00.json')).toEqual([]);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(place.inputs()).toEqual(inputs);
    expect(place.dataflow(['run']).stdout).toMatch(NOTHING_DONE);
    expect(place.query('select count(*) as n from bronze.a')).toEqual([{ n: 20 }]);
    expectDone(place.dataflow(['verify']));
  });

  it('changes nothing with --dry-run, and tells the same totals', () => {
    loadSome(place, 0, 4);
    const lake = join(place.folder, 'lake');
    const before = tree(lake);
    const preview = compact(place, '--dry-run');
    expect(tree(lake)).toBe(before);
    const done = compact(place);
    expect(done.merged_bytes).toBe(preview.merged_bytes);
    expect(done.tables.map((one) => [one.table, one.files_before, one.files_after])).toEqual(
      preview.tables.map((one) => [one.table, one.files_before, one.files_after]),
    );
    expect(compact(place)).toMatchObject({ merged_files: 0 });
  });

  it('refuses odd flags, and a second compaction at the same time', async () => {
    expect(place.dataflow(['compact', '--target-size', 'big']).status).toBe(2);
    loadSome(place, 0, 3);
    const { project: loaded } = await rooms.loadProject({ cwd: place.folder, env: {} });
    const ledger = await rooms.openLedger(loaded);
    const lock = ledger.lock('compact:fault', 'a test');
    expect(place.dataflow(['compact']).status).toBe(6);
    lock.release();
    ledger.close();
    const ends = await Promise.all([1, 2, 3].map(() => place.start(['compact', '--grace', '0s']).ended));
    expect(ends.map((one) => one.status).filter((status) => status !== 0 && status !== 6)).toEqual([]);
    expectDone(place.dataflow(['verify']));
  });

  it('waits for a reader that has not said what it reads, and spares what another one has pinned', async () => {
    loadSome(place, 0, 5);
    const { project: loaded } = await rooms.loadProject({ cwd: place.folder, env: {} });
    const leases = await rooms.openLeases(loaded);
    const opening = await leases.open('test');
    const pinned = await leases.open('test');
    await pinned.pin({ 'silver.a': 1 });
    const files = dataFiles(place, 'gold/g');
    const report = compact(place);
    expect(report.files_waiting).toBeGreaterThan(0);
    expect(dataFiles(place, 'gold/g')).toBe(files);
    await opening.release();
    expect(compact(place).files_waiting).toBe(0);
    expect(dataFiles(place, 'gold/g')).toBeLessThan(files);
    expectDone(place.dataflow(['query', '--as-of', '1', 'select * from silver.a']));
    await pinned.release();
    compact(place);
    expect(place.dataflow(['query', '--as-of', '1', 'select * from silver.a']).status).toBe(2);
    expectDone(place.dataflow(['verify', '--all-versions']));
  });

  it('takes no notice of readers that are dead', () => {
    loadSome(place, 0, 4);
    const folder = join(place.folder, 'lake/_dataflow/leases');
    mkdirSync(folder, { recursive: true });
    const holder = { pid: 2 ** 22 + 1, host: hostname(), boot_id: null, process_start: null, pid_namespace: null };
    const lease_id = '0'.repeat(20);
    const lease = { lease_id, purpose: 'query', opened_at_ms: 0, expires_at_ms: Date.now() + 1e9, holder };
    writeFileSync(join(folder, `${lease_id}.json`), JSON.stringify(lease));
    expect(compact(place)).toMatchObject({ files_waiting: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('goes on beside queries and runs without an error on either side', async () => {
    loadSome(place, 0, 3);
    const until = Date.now() + 6_000;
    const problems: string[] = [];
    const loop = async (act: () => Promise<void>): Promise<void> => {
      while (Date.now() < until) await act();
    };
    let n = 3;
    await Promise.all([
      loop(async () => {
        const { status, stderr } = await place.start(['compact', '--grace', '0s']).ended;
        if (status !== 0) problems.push(`compact: ${stderr}`);
      }),
      loop(async () => {
        const sql = 'select count(*) as n, count(distinct id) as ids from silver.a';
        const { status, stderr } = await place.start(['query', sql]).ended;
        if (status !== 0) problems.push(`query: ${stderr}`);
      }),
      loop(async () => {
        place.put({ [`in/a${n}.csv`]: `id,x\n${n},${n}\nword,1\n${100 + n},\n0,${50 + n}\n${200 + n},${n}\n` });
        n += 1;
        const { status, stderr } = await place.start(['run']).ended;
        if (status !== 0) problems.push(`run: ${stderr}`);
      }),
    ]);
    expect(problems).toEqual([]);
    const plain = project();
    loadSome(plain, 0, n);
    expect(content(place)).toEqual(content(plain));
    compact(place);
    expectDone(place.dataflow(['verify', '--all-versions']));
    plain.remove();
  });

  it('lets the kept candidate of a failed step go once the step has nothing to do', () => {
    load(place, 0);
    const yaml = join(place.folder, 'pipelines.yaml');
    const text = readFileSync(yaml, 'utf8');
    writeFileSync(yaml, text.replace('key: r }', 'key: r, tests: [ { row_count: { min: 99 } } ] }'));
    place.put({ 'in/a1.csv': 'id,x\n1,1\n' });
    expect(place.dataflow(['run']).status).not.toBe(0);
    const staging = join(place.folder, 'lake/_dataflow/staging');
    expect(readdirSync(staging)).toHaveLength(1);
    writeFileSync(yaml, text);
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['compact']));
    expect(readdirSync(staging)).toEqual([]);
  });
});

describe.skipIf(PYTHON === undefined)('read by delta-rs, after compact', { timeout: 120_000 }, () => {
  let reader: LakeReader;
  beforeEach(() => {
    reader = openLakeReader();
  });
  afterEach(() => reader.close());

  it('every table has its rows, the kept versions too, and no file lies about', async () => {
    loadSome(place, 0, 12);
    const lake = join(place.folder, 'lake');
    const before = (await reader.tables(lake, true)).tables;
    const collected = compact(place).tables.find((one) => one.table === 'silver.a');
    expect(collected?.versions_collected).toBeGreaterThan(8);
    const { tables, strays } = await reader.tables(lake, true);
    expect(strays).toEqual([]);
    for (const [name, { digest, versions = {} }] of Object.entries(tables)) {
      expect(digest, name).toBe(before[name]?.digest);
      for (const [version, old] of Object.entries(versions))
        if (before[name]?.versions?.[version] !== undefined) expect(old, name).toBe(before[name]?.versions?.[version]);
    }
    expect(Object.keys(tables['silver/a']?.versions ?? {})).toEqual(['10', '11', '12']);
  });
});
