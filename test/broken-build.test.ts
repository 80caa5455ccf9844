import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadSqlite } from '../src/ledger/sqlite.ts';
import { buildWith, type Mistake } from './support/broken-build.ts';
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
} as const satisfies Readonly<Record<string, Check>>;

const MISTAKES: readonly (Mistake & { readonly name: string; readonly check: keyof typeof CHECKS })[] = [
  {
    name: 'the fsync of a data file is left out',
    file: 'src/lake/local-files.ts',
    from: "faultPoint('data-fsync');\n  await handle.sync();",
    to: 'void handle;',
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
    from: 'from (${split.good})`',
    to: 'from (${split.good}) limit 1`',
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
    const build = buildWith(mistake);
    try {
      expect(CHECKS[check](build.binary)).not.toEqual([]);
    } finally {
      build.remove();
    }
  });
});
