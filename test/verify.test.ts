import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../src/app/care/verify/finding.ts';
import type { VerifyReport } from '../src/app/care/verify/report.ts';
import { shareWork } from './support/asker.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** Each thing that `verify` looks at is damaged once, in a copy of a sound lake, and must be named; what is no damage must not be. */
const CONFIG = `sources:
  a: { type: files, path: in/a*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id }
gold:
  g: { sql: "select x % 3 as r, count(*) as n from silver.a group by all", key: r }
`;
const VERSIONS = 12;
const root = mkdtempSync(join(tmpdir(), 'dataflow-verify-'));
let sound: Place;

beforeAll(() => {
  sound = newPlace(CONFIG, { folder: join(root, 'sound') });
  for (let i = 0; i < VERSIONS; i++) {
    sound.put({ [`in/a${i}.csv`]: `id,x\n${i},${i}\n${100 + i},\n${200 + i},word\n` });
    expectDone(sound.dataflow(['run']));
  }
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

let copies = 0;
function copy(): Place {
  const folder = join(root, `copy${++copies}`);
  cpSync(sound.folder, folder, { recursive: true, preserveTimestamps: true });
  return newPlace(CONFIG, { folder });
}

function verify(place: Place, ...flags: readonly string[]): VerifyReport & { readonly status: number | null } {
  const outcome = place.dataflow(['verify', '--format', 'json', ...flags]);
  expect(outcome.stderr).toBe('');
  return { ...(JSON.parse(outcome.stdout) as VerifyReport), status: outcome.status };
}

const at = (place: Place, ...path: readonly string[]): string => join(place.folder, 'lake', ...path);
const entry = (version: number): string => `${String(version).padStart(20, '0')}.json`;

/** The newest data file of a table. */
function dataFileOf(place: Place, table: string): string {
  const log = at(place, table, '_delta_log');
  const newest =
    readdirSync(log)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .at(-1) ?? '';
  const add =
    readFileSync(join(log, newest), 'utf8')
      .split('\n')
      .find((line) => line.startsWith('{"add"')) ?? '';
  return at(place, table, (JSON.parse(add) as { add: { path: string } }).add.path);
}

function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function sql(place: Place, text: string): void {
  const db = new DatabaseSync(at(place, '_dataflow', 'ledger.db'));
  expect(db.prepare(text).run().changes).toBeGreaterThan(0);
  db.close();
}

/** One more log entry, written by hand: a copy of the newest file, or what `actions` says. */
function commitByHand(place: Place, table: string, data_change: boolean, copied: boolean): void {
  const path = dataFileOf(place, table);
  const log = at(place, table, '_delta_log');
  const newest =
    readdirSync(log)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .at(-1) ?? '';
  const lines = readFileSync(join(log, newest), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"add"'));
  const { add } = JSON.parse(lines[0] ?? '') as { add: Record<string, unknown> };
  copyFileSync(path, at(place, table, 'copy.zst.parquet'));
  const action = copied
    ? { add: { ...add, path: 'copy.zst.parquet', dataChange: data_change } }
    : { remove: { path: add['path'], dataChange: data_change } };
  const info = { commitInfo: { timestamp: Date.now(), operation: 'WRITE' } };
  const version = Number(newest.slice(0, 20)) + 1;
  writeFileSync(join(log, entry(version)), `${JSON.stringify(info)}\n${JSON.stringify(action)}\n`);
}

interface Case {
  readonly name: string;
  readonly act: (place: Place) => void;
  readonly found: Partial<Finding>;
  readonly flags?: readonly string[];
}

const CHECKPOINT = `${'10'.padStart(20, '0')}.checkpoint.parquet`;

const DAMAGES: readonly Case[] = [
  {
    name: 'a flipped bit in a data file',
    act: (p) => flipBit(dataFileOf(p, 'silver/a'), 40),
    found: { check: 'file', table: 'silver.a', remedy: expect.stringContaining('--full-refresh --select silver.a+') },
  },
  {
    name: 'a truncated data file',
    act: (p) => truncateSync(dataFileOf(p, 'bronze/a'), 20),
    found: {
      check: 'file',
      table: 'bronze.a',
      actual: '20 bytes',
      remedy: expect.stringContaining('--full-refresh --force --select bronze.a+'),
    },
  },
  {
    name: 'a missing data file',
    act: (p) => rmSync(dataFileOf(p, 'gold/g')),
    found: { check: 'file', actual: 'no such file' },
    flags: ['--quick'],
  },
  {
    name: 'a row count in the log that is not the file’s',
    act: (p) =>
      edit(at(p, 'bronze/a/_delta_log', entry(11)), (t) => t.replace('\\"numRecords\\":2', '\\"numRecords\\":3')),
    found: { check: 'file', actual: '2 rows in its footer' },
  },
  {
    name: 'a log entry that is not JSON',
    act: (p) => truncateSync(at(p, 'silver/a/_delta_log', entry(4)), 50),
    found: { check: 'log', path: `silver/a/_delta_log/${entry(4)}` },
  },
  {
    name: 'statistics in an old log entry that are not those that were written',
    act: (p) =>
      edit(at(p, 'bronze/a/_delta_log', entry(4)), (t) =>
        t.replace('\\"minValues\\":{\\"id\\":4', '\\"minValues\\":{\\"id\\":5'),
      ),
    found: {
      check: 'log',
      path: `bronze/a/_delta_log/${entry(4)}`,
      message: expect.stringContaining('not as it was written'),
    },
  },
  {
    name: 'a byte in a log entry that is not UTF-8',
    act: (p) => {
      const file = at(p, 'quarantine/silver_a/_delta_log', entry(5));
      const bytes = readFileSync(file);
      bytes[bytes.indexOf('quarantined_at') + 20] = 0xc3;
      writeFileSync(file, bytes);
    },
    found: {
      check: 'log',
      path: `quarantine/silver_a/_delta_log/${entry(5)}`,
      message: expect.stringContaining('not UTF-8'),
    },
  },
  {
    name: 'a log entry that is gone',
    act: (p) => rmSync(at(p, 'silver/a/_delta_log', entry(3))),
    found: { check: 'log', message: 'version 3 is missing from the log' },
  },
  {
    name: 'a first log entry that is gone',
    act: (p) => rmSync(at(p, 'silver/a/_delta_log', entry(0))),
    found: {
      check: 'log',
      path: `silver/a/_delta_log/${entry(0)}`,
      message: 'version 0 is missing from the log: no later one can be read, up to the next checkpoint',
    },
  },
  {
    name: 'a log that went back',
    act: (p) => rmSync(at(p, 'gold/g/_delta_log', entry(11))),
    found: { check: 'log', table: 'gold.g', expected: 'version 11', actual: 'version 10' },
  },
  {
    name: 'a damaged checkpoint',
    act: (p) => truncateSync(at(p, 'bronze/a/_delta_log', CHECKPOINT), 300),
    found: { check: 'log', path: `bronze/a/_delta_log/${CHECKPOINT}` },
  },
  {
    name: 'the checkpoint of another table',
    act: (p) => copyFileSync(at(p, 'gold/g/_delta_log', CHECKPOINT), at(p, 'silver/a/_delta_log', CHECKPOINT)),
    found: { check: 'log', message: expect.stringContaining('the checkpoint of version 10 lacks the file') },
  },
  {
    name: 'a pointer to no checkpoint',
    act: (p) => edit(at(p, 'gold/g/_delta_log/_last_checkpoint'), (t) => t.replace('10', '11')),
    found: { check: 'log', path: 'gold/g/_delta_log/_last_checkpoint' },
  },
  {
    name: 'a balance of the ledger',
    act: (p) => sql(p, "update steps set rows_out = rows_out + 1 where step = 'silver.a' and output_version = 5"),
    found: { check: 'ledger', message: 'the log and the ledger differ on the balance of silver.a version 5' },
  },
  {
    name: 'a balance that does not add up',
    act: (p) => sql(p, "update steps set deduplicated = 7 where step = 'silver.a' and output_version = 5"),
    found: { check: 'balance', message: 'the balance of silver.a version 5 does not add up' },
  },
  {
    name: 'input versions of the ledger',
    act: (p) => sql(p, "update step_inputs set version = version + 1 where input = 'silver.a' and version = 4"),
    found: { check: 'ledger', message: expect.stringContaining('the input versions of gold.g') },
  },
  {
    name: 'a version that the ledger forgot',
    act: (p) => sql(p, "delete from steps where step = 'gold.g' and output_version = 6"),
    found: { check: 'ledger', message: 'the ledger does not know version 6 of gold.g' },
  },
  {
    name: 'a run that the ledger forgot',
    act: (p) => sql(p, 'delete from runs where seq = 3'),
    found: { check: 'ledger', message: expect.stringContaining('does not know') },
  },
  {
    name: 'a step that claims another’s version',
    act: (p) => sql(p, "update steps set output_version = 7 where step = 'gold.g' and output_version = 6"),
    found: { check: 'ledger', versions: '7' },
  },
  {
    name: 'the balance in log and ledger alike',
    act: (p) => {
      edit(at(p, 'silver/a/_delta_log', entry(5)), (t) =>
        t.replace('"rows_in":2,"rows_out":1', '"rows_in":3,"rows_out":2'),
      );
      sql(p, "update steps set rows_in = 3, rows_out = 2 where step = 'silver.a' and output_version = 5");
    },
    found: { check: 'balance', message: expect.stringContaining('another number of rows than its step put out') },
  },
  {
    name: 'a compaction that lost rows',
    act: (p) => commitByHand(p, 'bronze/a', false, false),
    found: { check: 'balance', message: expect.stringContaining('only rearranges files') },
  },
  {
    flags: ['--rows'],
    name: 'rows of an input that are there twice',
    act: (p) => commitByHand(p, 'bronze/a', true, true),
    found: {
      check: 'input',
      message: 'bronze.a holds too many rows of in/a11.csv',
      expected: '2 rows',
      actual: '4 rows',
    },
  },
  {
    name: 'more rows than were loaded, without reading them',
    act: (p) => commitByHand(p, 'bronze/a', true, true),
    found: { check: 'input', message: 'bronze.a holds more rows than were loaded from its inputs' },
  },
  {
    flags: ['--rows'],
    name: 'rows of an input that are gone',
    act: (p) => commitByHand(p, 'bronze/a', true, false),
    found: { check: 'input', message: 'bronze.a holds too few rows of in/a11.csv' },
  },
  {
    flags: ['--rows'],
    name: 'rows of a file that nobody loaded',
    act: (p) => sql(p, "delete from inputs where path = 'in/a7.csv'"),
    found: { check: 'input', path: 'in/a7.csv', actual: '2 rows' },
  },
  {
    name: 'records of an input',
    act: (p) =>
      sql(p, "update input_history set records = records + 1, rejected = rejected + 1 where path = 'in/a7.csv'"),
    found: { check: 'input', path: 'in/a7.csv', expected: '3 records, 1 rejected', actual: '4 records, 2 rejected' },
    flags: ['--quick'],
  },
  {
    name: 'a load whose version holds other rows',
    act: (p) =>
      edit(at(p, 'bronze/a/_delta_log', entry(11)), (t) =>
        t.replace('"records":3,"rejected":1', '"records":4,"rejected":1'),
      ),
    found: { check: 'input', versions: '11', expected: '3 rows', actual: '2 rows' },
    flags: ['--quick'],
  },
  {
    name: 'a note in the log, and the entry that holds it',
    act: (p) => edit(at(p, 'silver/a/_delta_log', entry(9)), (t) => t.replace('"quarantined"', '"qu`rantined"')),
    found: { check: 'log', path: `silver/a/_delta_log/${entry(9)}` },
    flags: ['--quick'],
  },
  {
    name: 'an input without its key in the table',
    act: (p) => sql(p, "update inputs set sha256 = 'f00d' where path = 'in/a7.csv'"),
    found: { check: 'input', expected: 'f00d' },
  },
  {
    name: 'two inputs with the same bytes',
    act: (p) =>
      sql(
        p,
        "update inputs set sha256 = (select sha256 from inputs where path = 'in/a1.csv') where path = 'in/a2.csv'",
      ),
    found: { check: 'input', message: expect.stringContaining('have the same bytes') },
  },
  {
    flags: ['--rows'],
    name: 'a key that occurs twice',
    act: (p) => commitByHand(p, 'silver/a', true, true),
    found: { check: 'key', table: 'silver.a', actual: '1' },
  },
  {
    flags: ['--rows'],
    name: 'quarantine counts',
    act: (p) => sql(p, "update quarantine set rows = 5 where table_name = 'silver.a' and file = 'in/a3.csv'"),
    found: { check: 'quarantine', message: expect.stringContaining('not_null') },
  },
  {
    name: 'quarantine counts, without reading rows',
    act: (p) => sql(p, "update quarantine set rows = 5 where table_name = 'bronze.a' and file = 'in/a3.csv'"),
    found: { check: 'quarantine', expected: '12 rows in the table', actual: '16 rows in the ledger' },
    flags: ['--quick'],
  },
  {
    name: 'a release of a version that is not there',
    act: (p) =>
      sql(
        p,
        "update release_tables set version = 99 where table_name = 'gold.g' and release_id = (select max(release_id) from releases)",
      ),
    found: { check: 'release', table: 'gold.g', versions: '99' },
  },
  {
    name: 'the ledger itself',
    act: (p) => writeFileSync(at(p, '_dataflow/ledger.db'), 'no database'),
    found: { check: 'ledger', remedy: expect.stringContaining('ledger rebuild') },
  },
];

describe('verify', () => {
  it('finds a sound lake intact, in every version and with its sources', () => {
    const report = verify(copy(), '--all-versions', '--sources', '--rows');
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ status: 0, intact: true, errors: 0, sources: { same: VERSIONS, changed: 0 } });
    expect(report.tables.map((table) => table.table)).toContain('quarantine.bronze_a');
    expect(report.hashed_bytes).toBeGreaterThan(report.size_bytes);
  });

  it('finds it intact when files of earlier loads were touched and came along with a new one', () => {
    const place = copy();
    for (const name of readdirSync(join(place.folder, 'in'))) utimesSync(join(place.folder, 'in', name), 1e9, 1e9);
    place.put({ 'in/a99.csv': 'id,x\n99,1\n' });
    expectDone(place.dataflow(['run']));
    expect(verify(place)).toMatchObject({ status: 0, findings: [] });
  });

  it.each(DAMAGES)('names $name', ({ act, found, flags = [] }) => {
    const place = copy();
    act(place);
    const report = verify(place, ...flags);
    expect(report.findings).toContainEqual(expect.objectContaining({ severity: 'error', ...found }));
    expect(report.status).toBe(1);
    expect(report.intact).toBe(false);
    place.remove();
  });

  it('a table computed anew says how many rows were refused before as well', () => {
    const place = copy();
    const run = place.dataflow(['run', '--full-refresh', '--select', 'silver.a']);
    expect(run.stderr + run.stdout).toContain('12 rows refused again, as before');
    expect(run.stderr + run.stdout).not.toContain('put into quarantine');
    place.remove();
  });

  it('names expected and actual hash, versions and releases, and still looks at everything else', () => {
    const place = copy();
    const path = dataFileOf(place, 'silver/a');
    flipBit(path, Math.floor(statSync(path).size / 2));
    flipBit(dataFileOf(place, 'gold/g'), 10);
    const report = verify(place);
    const files = report.findings.filter((finding) => finding.check === 'file');
    expect(files.map((finding) => finding.table)).toEqual(['silver.a', 'gold.g']);
    for (const { expected, actual } of files) {
      expect(expected).toMatch(/^[0-9a-f]{64}$/);
      expect(actual).toMatch(/^[0-9a-f]{64}$/);
      expect(actual).not.toBe(expected);
    }
    expect(files[0]).toMatchObject({ versions: '11', releases: [expect.any(String)] });
    expect(report.tables).toHaveLength(5);
    // And the way back that it names leads back.
    expectDone(place.dataflow(['run', '--full-refresh', '--select', 'silver.a+']));
    expect(verify(place)).toMatchObject({ status: 0, intact: true });
    place.remove();
  });

  it('counts as notes: orphans, changed sources, versions of other programs', () => {
    const place = copy();
    copyFileSync(dataFileOf(place, 'silver/a'), at(place, 'silver/a/part-orphan.parquet'));
    appendFileSync(join(place.folder, 'in/a4.csv'), '9,9\n');
    rmSync(join(place.folder, 'in/a5.csv'));
    const report = verify(place, '--sources');
    expect(report).toMatchObject({ status: 0, intact: true, notes: 3, sources: { changed: 1, missing: 1 } });
    expect(report.findings.map((finding) => finding.check).sort()).toEqual(['orphan', 'source', 'source']);
    place.remove();
  });

  it('takes tables and layers, and refuses names that are not there', () => {
    const place = copy();
    flipBit(dataFileOf(place, 'silver/a'), 40);
    expect(verify(place, 'gold', 'bronze.a')).toMatchObject({ status: 0, intact: true });
    expect(verify(place, 'silver').tables.map((one) => one.table)).toEqual(['silver.a', 'quarantine.silver_a']);
    const outcome = place.dataflow(['verify', 'silver.zz']);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain('E_LAKE_NO_TABLE');
    place.remove();
  });
});
