import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadSqlite } from '../src/ledger/sqlite.ts';
import { buildWith, type Edit } from './support/broken-build.ts';
import { filesBelow, newPlace, type Place } from './support/fault-project.ts';
import { addedBy, DiskModel, TRACED } from './support/power-loss.ts';
import { CAN_STRACE, straced } from './support/strace.ts';

/**
 * Checks are shown able to fail: the program is built with one mistake at a time, and a named check that passes on the real build must
 * complain about the broken one.
 */
const CONFIG = `sources:
  t: { type: files, path: "in/*", settle_seconds: 0, columns: { id: bigint, v: varchar }, format: csv }
silver:
  t: { from: t, rules: [ { not_null: v } ], key: id, dedupe: { keep: last } }
gold:
  n: { sql: "select count(*) as n from silver.t", tests: [ { expr: "n < 3" } ] }
`;
const TWO = { 'in/a.csv': 'id,v\n1,a\n2,b\n3,\n' };

/** Complaints of a check; none on a sound build. */
type Check = (binary: string) => readonly string[];

function withPlace(binary: string, look: (place: Place) => readonly string[]): readonly string[] {
  const place = newPlace(CONFIG, { binary });
  try {
    place.put(TWO);
    return look(place);
  } finally {
    place.remove();
  }
}

function loaded(binary: string, look: (place: Place) => readonly string[]): readonly string[] {
  return withPlace(binary, (place) => {
    const run = place.dataflow(['run']);
    return run.status === 0 ? look(place) : [`the run ends with ${run.status}`];
  });
}

const complain = (wrong: boolean, complaint: string): readonly string[] => (wrong ? [complaint] : []);

const CHECKS = {
  'power loss': (binary) =>
    withPlace(binary, (place) => {
      const disk = new DiskModel(place.folder);
      return straced(place.folder, ['run'], TRACED, undefined, binary).calls.flatMap((call) => {
        const entry = disk.follow(call);
        return entry === undefined ? [] : addedBy(entry).flatMap((path) => disk.unsure(path));
      });
    }),
  audit: (binary) =>
    loaded(binary, (place) => {
      place.put({ 'in/b.csv': 'id,v\n8,x\n9,y\n' });
      const { status } = place.dataflow(['run']);
      return [
        ...complain(status === 0, 'a failed test does not fail the run'),
        ...complain(place.query('select n from gold.n')[0]?.['n'] !== 2, 'what failed its tests is published'),
      ];
    }),
  conservation: (binary) =>
    loaded(binary, (place) => {
      const folder = join(place.folder, 'lake');
      const good = Number(place.query('select count(*) as n from silver.t')[0]?.['n']);
      const aside =
        filesBelow(join(folder, 'quarantine'), '.parquet').length === 0
          ? 0
          : place.query('select * from quarantine.silver_t').length;
      return complain(good + aside !== 3, `3 rows in, ${good} out, ${aside} kept aside`);
    }),
  lock: (binary) =>
    loaded(binary, (place) => {
      const db = loadSqlite()(join(place.folder, 'lake/_dataflow/ledger.db'), { readOnly: false });
      db.prepare(`update locks set held = 1, pid = 1, host = 'elsewhere'`).run();
      db.close();
      place.put({ 'in/b.csv': 'id,v\n8,x\n' });
      return complain(place.dataflow(['run']).status !== 6, 'a lock of another host is not respected');
    }),
  gzip: (binary) =>
    loaded(binary, (place) => {
      const bytes = gzipSync('id,v\n7,seven\n');
      bytes.writeUInt32LE(0xdeadbeef, bytes.length - 8);
      place.put({ 'in/b.csv.gz': bytes });
      return complain(place.dataflow(['run', 'bronze']).status !== 4, 'a file with a wrong checksum is not refused');
    }),
  verify: (binary) =>
    loaded(binary, (place) => {
      const folder = join(place.folder, 'lake/silver/t');
      const file = join(folder, filesBelow(folder, '.parquet')[0] ?? '');
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10);
      writeFileSync(file, bytes);
      return complain(place.dataflow(['verify']).status !== 1, 'a flipped bit in a data file is not found');
    }),
  log: (binary) =>
    loaded(binary, (place) => {
      const log = join(place.folder, 'lake/silver/t/_delta_log');
      const [entry = ''] = readdirSync(log);
      const text = readFileSync(join(log, entry), 'utf8');
      const altered = text.replace('"minValues\\":{\\"id\\":1,\\"v\\":\\"a', '"minValues\\":{\\"id\\":1,\\"v\\":\\"b');
      writeFileSync(join(log, entry), altered);
      return [
        ...complain(altered === text, 'the statistics are not where they are looked for'),
        ...complain(place.dataflow(['verify']).status !== 1, 'an altered log entry is not found'),
      ];
    }),
  replay: (binary) =>
    loaded(binary, (place) => {
      place.put({ 'in/b.csv': 'id,v\nx,p\ny,q\n8,r\n' });
      place.dataflow(['run']);
      const set = "id = case id when 'x' then '9' else id || '!' end";
      place.dataflow(['quarantine', 'fix', 'bronze.t', '--set', set]);
      const good = Number(place.query('select count(*) as n from bronze.t')[0]?.['n']);
      const open = place.query('select * from quarantine.bronze_t').length;
      return complain(
        good !== 5 || open !== 1,
        `of 6 records 5 are good and 1 is open, but ${good} and ${open} are there`,
      );
    }),
  undo: (binary) =>
    loaded(binary, (place) => {
      const rows = (): string => JSON.stringify(place.query('select id, v from silver.t order by id'));
      const before = rows();
      place.put({ 'in/b.csv': 'id,v\n1,other\n2,other\n' });
      const statuses = [place.dataflow(['run']).status, place.dataflow(['undo']).status];
      return [
        ...complain(
          statuses.some((status) => status !== 0),
          `run and undo end with ${statuses.join(' and ')}`,
        ),
        ...complain(rows() !== before, 'an undo does not bring the rows back'),
      ];
    }),
} as const satisfies Readonly<Record<string, Check>>;

const MISTAKES: readonly (Edit & { readonly name: string; readonly check: keyof typeof CHECKS })[] = [
  {
    name: 'the fsync of a data file is left out',
    file: 'src/lake/local-files.ts',
    from: "faultPoint('data-fsync');\n  await syncToDisk(fd);",
    to: 'void fd;',
    check: 'power loss',
  },
  {
    name: 'the fsync of folders is left out',
    file: 'src/lake/local-files.ts',
    from: "fd = openSync(folder, 'r');\n    await syncToDisk(fd);",
    to: "fd = openSync(folder, 'r');",
    check: 'power loss',
  },
  {
    name: 'what failed its tests is published',
    file: 'src/medallion/audit.ts',
    from: "!result.passed && result.severity === 'fail'",
    to: 'result === undefined',
    check: 'audit',
  },
  {
    name: 'the quarantine is not committed',
    file: 'src/medallion/publish.ts',
    from: 'if (p.quarantine !== undefined) await',
    to: 'if (p.quarantine === null) await',
    check: 'conservation',
  },
  {
    name: 'rows are dropped while a file is parsed',
    file: 'src/engines/duckdb/parse.ts',
    from: 'from (${rows})`',
    to: 'from (${rows}) limit 1`',
    check: 'conservation',
  },
  {
    name: 'locks are not respected',
    file: 'src/ledger/locks.ts',
    from: "if (holder.state === 'dead') return;",
    to: 'if (holder.scope !== undefined) return;',
    check: 'lock',
  },
  {
    name: 'the checksum of gzip is not compared',
    file: 'src/formats/stream/gzip.ts',
    from: 'if (trailer.readUInt32LE(0) !== crc)',
    to: 'if (trailer.readUInt32LE(0) !== crc && trailer.length < 0)',
    check: 'gzip',
  },
  {
    name: 'verify does not compare hashes',
    file: 'src/lake/care/check-files.ts',
    from: 'if (sha256 === expected) return [];',
    to: 'if (sha256 !== undefined) return [];',
    check: 'verify',
  },
  {
    name: 'verify does not look at the hash of a log entry',
    file: 'src/lake/delta-actions.ts',
    from: 'return said !== hashOf(bytes);',
    to: 'return said === NO_HASH;',
    check: 'log',
  },
  {
    name: 'records that fail again after a decision are dropped',
    file: 'src/medallion/bronze/settle.ts',
    from: 'rows_in === rows_out ? undefined : failedSql(step)',
    to: 'rows_in === rows_out || rows_out > 0 ? undefined : failedSql(step)',
    check: 'replay',
  },
  {
    name: 'an undo takes files away and brings none back',
    file: 'src/lake/restore.ts',
    from: '...back.map(([, { action }]) => ({ add: { ...action, dataChange: true } })),',
    to: '',
    check: 'undo',
  },
];

const skipped = (check: keyof typeof CHECKS): boolean => check === 'power loss' && !CAN_STRACE;
if (!CAN_STRACE) console.log('skipped broken builds without fsync: strace is not there, or tracing is not permitted');

describe('the real build', () => {
  it.each(Object.keys(CHECKS) as (keyof typeof CHECKS)[])('passes the check: %s', { timeout: 60_000 }, (check) => {
    if (skipped(check)) return;
    expect(CHECKS[check](resolve('bin/dataflow.js'))).toEqual([]);
  });
});

describe('a broken build', () => {
  it.each(MISTAKES)('$name: the check "$check" turns red', { timeout: 180_000 }, ({ check, ...mistake }) => {
    if (skipped(check)) return;
    const build = buildWith([mistake]);
    try {
      expect(CHECKS[check](build.binary)).not.toEqual([]);
    } finally {
      build.remove();
    }
  });
});
