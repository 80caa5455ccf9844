import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { loadSqlite, type SqliteDatabase } from '../../src/ledger/sqlite.ts';
import { expectDone, expectError, filesBelow, newPlace, type Place } from '../support/fault-project.ts';

/** Cases 9, 12 (busy) and 15: locks of the dead, of others and of the robbed; a ledger that is held; clocks that jump. */
const places: Place[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const place of places.splice(0)) place.remove();
});

const T = `sources:\n  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint } }\nsilver:\n  t: { from: t, key: id }\n`;
/** Takes a few seconds. */
const SLOW = `gold:\n  slow: { sql: "select count(*) as n from silver.t a, range(60000000) r where (r.range * 7 + a.id) % 3 = 0" }\n`;

function loaded(config = T): Place {
  const place = newPlace(config);
  places.push(place);
  place.put({ 'in/a.csv': 'id\n1\n2\n' });
  return place;
}

function onLedger<R>(place: Place, act: (db: SqliteDatabase) => R): R {
  const db = loadSqlite()(join(place.folder, 'lake/_dataflow/ledger.db'), { readOnly: false });
  try {
    return act(db);
  } finally {
    db.close();
  }
}

describe('a stale lock', () => {
  it('case 9: its holder was killed: the next run takes it over by itself', async () => {
    const place = loaded(T + SLOW.replace('60000000', '2000000000000'));
    const first = place.start(['run']);
    children.push(first.child);
    while (!existsSync(join(place.folder, 'lake/silver/t/_delta_log/00000000000000000000.json'))) await sleep(20);
    first.child.kill('SIGKILL');
    await first.ended;
    place.put({ 'in/b.csv': 'id\n3\n' });
    const next = place.dataflow(['run', '--exclude', 'gold.slow']);
    expectDone(next);
    expect(next.stderr).toMatch(/died/);
    expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: 3 }]);
  });

  it('case 9: its pid lives, but as another process: taken over', () => {
    const place = loaded();
    expectDone(place.dataflow(['run']));
    onLedger(place, (db) => db.prepare(`update locks set held = 1, pid = ?, process_start = '1'`).run(process.pid));
    place.put({ 'in/b.csv': 'id\n3\n' });
    expectDone(place.dataflow(['run']));
  });

  it('case 9: its pid lives as the same process, or it is on another host: respected, and said what to do', () => {
    const place = loaded();
    expectDone(place.dataflow(['run']));
    place.put({ 'in/b.csv': 'id\n3\n' });
    onLedger(place, (db) => db.prepare('update locks set held = 1, pid = ?, process_start = null').run(process.pid));
    expectError(place.dataflow(['run']), 'E_LOCKED', 6);
    onLedger(place, (db) => db.prepare(`update locks set held = 1, pid = 1, host = 'elsewhere'`).run());
    const other = place.dataflow(['run']);
    expectError(other, 'E_LOCKED', 6);
    expect(other.stderr).toMatch(/elsewhere[\s\S]*ledger rebuild/);
    expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: 2 }]);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expectDone(place.dataflow(['run']));
    expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: 3 }]);
  });

  it('case 9: a holder that was stopped and robbed of its lock publishes nothing more', {
    timeout: 60_000,
  }, async () => {
    const place = loaded(T + SLOW);
    const first = place.start(['run']);
    children.push(first.child);
    while (!existsSync(join(place.folder, 'lake/silver/t/_delta_log/00000000000000000000.json'))) await sleep(20);
    await sleep(300);
    first.child.kill('SIGSTOP');
    onLedger(place, (db) => db.prepare('update locks set token = token + 1').run());
    first.child.kill('SIGCONT');
    const ended = await first.ended;
    expect(ended.status).not.toBe(0);
    expect(ended.stderr).toContain('error[E_LOCK_LOST]');
    expect(filesBelow(join(place.folder, 'lake/gold'), '.json')).toEqual([]);
  });
});

it('case 12: the ledger is held by another program: readers go on, a run waits, gives up and can be tried again', {
  timeout: 90_000,
}, () => {
  const place = loaded();
  expectDone(place.dataflow(['run']));
  place.put({ 'in/b.csv': 'id\n3\n' });
  onLedger(place, (db) => {
    db.exec('begin immediate');
    expectDone(place.dataflow(['status']));
    expectDone(place.dataflow(['query', 'select * from silver.t']));
    expectError(place.dataflow(['run']), 'E_LEDGER_BUSY', 5);
    db.exec('rollback');
  });
  expectDone(place.dataflow(['run']));
  expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: 3 }]);
});

describe('clocks', () => {
  const at = (wish: string): Readonly<Record<string, string>> => ({
    NODE_OPTIONS: `--require=${resolve('test/support/clock.cjs')}`,
    DATAFLOW_TEST_CLOCK: wish,
  });
  const DAY_MS = 86_400_000;

  it('case 15: the clock goes a day ahead, back again, and an hour behind: versions and rows follow the order of runs, and a version is read by its number', {
    timeout: 60_000,
  }, () => {
    const place = loaded(T.replace('key: id', 'key: id, dedupe: { keep: last }'));
    for (const [round, shift] of [0, DAY_MS, 0, -3_600_000, 3_600_000].entries()) {
      place.put({ [`in/r${round}.csv`]: `id\n${100 + round}\n` });
      expectDone(place.dataflow(['run'], at(String(shift))));
    }
    expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: 7 }]);
    expect(place.status().get('silver.t')).toMatchObject({ status: 'succeeded', version: 4 });
    for (const version of [0, 1, 2, 3, 4]) {
      const asked = place.dataflow([
        'query',
        'select count(*) as n from silver.t',
        '--as-of',
        String(version),
        '--format',
        'json',
      ]);
      expect(JSON.parse(asked.stdout)).toEqual([{ n: 3 + version }]);
    }
    expect(place.dataflow(['run'], at('-3600000')).stdout).toMatch(/nothing to do/);
  });

  it('case 15: the clock stands still over several runs: no name collides, every row is there once', {
    timeout: 60_000,
  }, () => {
    const place = loaded();
    const other = newPlace(T.replace(' t:', ' u:').replace(' t: { from: t', ' u: { from: u'), {
      name: 'other',
      lake: join(place.folder, 'lake'),
    });
    places.push(other);
    for (let round = 0; round < 3; round++) {
      for (const one of [place, other]) {
        one.put({ [`in/r${round}.csv`]: `id\n${100 + round}\n` });
        expectDone(one.dataflow(['run'], at('=1750000000000')));
      }
    }
    expect(place.query('select count(*) as n, count(distinct id) as ids from silver.t')).toEqual([{ n: 5, ids: 5 }]);
    expect(other.query('select count(*) as n from bronze.u')).toEqual([{ n: 3 }]);
  });
});
