import { type ChildProcess, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { expectDone, expectError, filesBelow, newPlace, type Place } from '../support/fault-project.ts';

/** Cases 8, 10, 12 and 13: two runs, two writers, and a ledger that is held, damaged, deleted or too new. */
const places: Place[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const place of places.splice(0)) place.remove();
});

const is_root = process.getuid?.() === 0;
// Modes do not stop root; a read-only mount does, where it is permitted.
const can_mount = is_root && process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0;
if (is_root && !can_mount) console.log('skipped case 12, read-only: root here, and mounting is not permitted');

const T = `sources:\n  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } }\n`;
/** Takes far longer than any test; interrupted or killed at its end. */
const SLOW = `gold:\n  slow: { sql: "select count(*) as n from bronze.t a, range(2000000000000) r where (r.range * 7 + a.id) % 3 = 0" }\n`;

function loaded(config = T): Place {
  const place = newPlace(config);
  places.push(place);
  place.put({ 'in/a.csv': 'id\n1\n2\n' });
  return place;
}

const ledgerOf = (place: Place): string => join(place.folder, 'lake/_dataflow/ledger.db');

describe('two at once', () => {
  it('case 8: a second run of the same pipeline is told who holds the lock; another pipeline runs beside it', async () => {
    const place = loaded(T + SLOW);
    const first = place.start(['run']);
    children.push(first.child);
    while (!existsSync(join(place.folder, 'lake/bronze/t/_delta_log/00000000000000000000.json'))) await sleep(20);
    const second = place.dataflow(['run']);
    expectError(second, 'E_LOCKED', 6);
    expect(second.stderr).toContain(String(first.child.pid));
    expect(second.stderr).toMatch(/\d{4}-\d\d-\d\dT?|since/);
    const other = newPlace(T.replace(' t:', ' u:'), { name: 'other', lake: join(place.folder, 'lake') });
    places.push(other);
    other.put({ 'in/a.csv': 'id\n5\n' });
    expectDone(other.dataflow(['run']));
    expect(other.query('select id from bronze.u')).toEqual([{ id: 5 }]);
    first.child.kill('SIGKILL');
    await first.ended;
    expectDone(place.dataflow(['run', 'bronze']));
  });

  it('case 10: two pipelines race to publish versions of one table: each version has one writer, no row is lost or doubled', {
    timeout: 60_000,
  }, async () => {
    const place = loaded();
    const lake = join(place.folder, 'lake');
    const other = newPlace(T, { name: 'other', lake });
    places.push(other);
    other.put({ 'in/z.csv': 'id\n100\n' });
    expectDone(place.dataflow(['run']));
    const both = [place, other];
    for (let round = 0; round < 3; round++) {
      for (const [index, one] of both.entries())
        one.put({ [`in/${index}-${round}.csv`]: `id\n${1000 * (index + 1) + round}\n` });
      const ends = await Promise.all(both.map((one) => one.start(['run']).ended));
      for (const end of ends) if (end.status !== 0) expectError(end, 'E_LAKE_CONFLICT', 5);
    }
    for (const one of both) expectDone(one.dataflow(['run']));
    const wanted = [1, 2, 100, 1000, 1001, 1002, 2000, 2001, 2002];
    expect(place.query('select id from bronze.t order by id').map((row) => row['id'])).toEqual(wanted);
    const versions = filesBelow(join(lake, 'bronze/t/_delta_log'), '.json');
    expect(versions).toEqual(versions.map((_, i) => `${String(i).padStart(20, '0')}.json`));
  });
});

describe('the ledger', () => {
  const damages: readonly (readonly [string, string, (file: string) => void])[] = [
    ['cut', 'E_LEDGER_CORRUPT', (file) => truncateSync(file, 5000)],
    ['empty', 'E_LEDGER_CORRUPT', (file) => truncateSync(file, 0)],
    ['zeroed', 'E_LEDGER_CORRUPT', (file) => writeFileSync(file, Buffer.alloc(readFileSync(file).length))],
    ['other bytes', 'E_LEDGER_CORRUPT', (file) => writeFileSync(file, 'not a database '.repeat(1000))],
    ['damaged inside', 'E_LEDGER_CORRUPT', (file) => writeFileSync(file, readFileSync(file).fill(0xa5, 4096))],
    ['deleted', 'E_LEDGER_MISSING', (file) => rmSync(file)],
  ];
  it.each(damages)(
    'case 12: %s: refused with %s, nothing is loaded again, and the rebuild brings it back',
    (_, code, damage) => {
      const place = loaded();
      expectDone(place.dataflow(['run']));
      for (const suffix of ['-wal', '-shm']) rmSync(ledgerOf(place) + suffix, { force: true });
      damage(ledgerOf(place));
      const refused = place.dataflow(['run']);
      expectError(refused, code, 1);
      expect(refused.stderr).toContain('dataflow ledger rebuild');
      expectDone(place.dataflow(['ledger', 'rebuild']));
      expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
      expect(place.query('select id from bronze.t order by id')).toEqual([{ id: 1 }, { id: 2 }]);
      expect(place.status().get('bronze.t')).toMatchObject({ version: 0, rows_in: 2, rows_out: 2 });
    },
  );

  it.skipIf(is_root && !can_mount)('case 12: read-only: looking still works, a run says what to do', () => {
    const place = loaded();
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'id\n3\n' });
    const state = join(place.folder, 'lake');
    const undo = readOnly(state);
    try {
      expectDone(place.dataflow(['status']));
      expect(place.query('select count(*) as n from bronze.t')).toEqual([{ n: 2 }]);
      const run = place.dataflow(['run']);
      expect(run.stderr).toMatch(/error\[E_(LEDGER_READ_ONLY|LAKE_IO)\]/);
      expect(run.status).not.toBe(0);
    } finally {
      undo();
    }
    expectDone(place.dataflow(['run']));
    expect(place.query('select count(*) as n from bronze.t')).toEqual([{ n: 3 }]);
  });

  it('case 13: a ledger of a newer version is refused and left as it is', () => {
    const place = loaded();
    expectDone(place.dataflow(['run']));
    for (const suffix of ['-wal', '-shm']) rmSync(ledgerOf(place) + suffix, { force: true });
    const bytes = readFileSync(ledgerOf(place));
    // user_version, at byte 60 of https://sqlite.org/fileformat2.html#the_database_header
    bytes.writeUInt32BE(9999, 60);
    writeFileSync(ledgerOf(place), bytes);
    for (const command of [['run'], ['status'], ['ledger', 'rebuild']])
      expectError(place.dataflow(command), 'E_LEDGER_NEWER', 1);
    expect(readFileSync(ledgerOf(place)).readUInt32BE(60)).toBe(9999);
  });
});

/** Root writes everywhere, so it needs a read-only mount; anyone else is stopped by modes. Returns what undoes it. */
function readOnly(folder: string): () => void {
  if (is_root && spawnSync('mount', ['--bind', folder, folder]).status === 0) {
    spawnSync('mount', ['-o', 'remount,ro,bind', folder]);
    return () => void spawnSync('umount', [folder]);
  }
  const all = [folder, ...filesBelow(folder, '').map((name) => join(folder, name))];
  for (const path of all) chmodSync(path, 0o555);
  return () => {
    for (const path of all) chmodSync(path, 0o755);
  };
}
