import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** What `compact` does with decisions about rejected rows that are older than `lake.keep.quarantine_days`. */
const CONFIG = `sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, on_missing: delete, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id, dedupe: { keep: first } }
gold:
  g: "select count(*) as n from silver.a"
`;
const root = mkdtempSync(join(tmpdir(), 'dataflow-decided-'));
let place: Place;
/** All that is decided is made once, and copied for each test. */
beforeAll(() => {
  mkdirSync(join(root, 'made'));
  place = newPlace(CONFIG, { folder: join(root, 'made') });
  keepDays(0);
  place.put({
    'in/a.csv': 'id,x\n1,1\n2,\n3,\n4,\n',
    'in/b.csv': 'id,x\n11,1\n12,\n13,\n',
    'in/c.csv': 'id,x\n21,1\n22,2\n',
  });
  expectDone(place.dataflow(['run']));
  decideAll();
  expect(decided()).toEqual(ALL);
}, 60_000);
let copies = 0;
beforeEach(() => {
  const folder = join(root, `copy-${++copies}`);
  cpSync(join(root, 'made'), folder, { recursive: true, preserveTimestamps: true });
  place = newPlace(CONFIG, { folder });
  keepDays(0);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function keepDays(days: number): void {
  const file = join(place.folder, 'pipelines.yaml');
  const keep = `lake: { url: ./lake, keep: { quarantine_days: ${days} } }`;
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^lake: .*$/m, keep));
}

function json(args: readonly string[]) {
  const outcome = place.dataflow([...args, '--format', 'json']);
  expectDone(outcome);
  return JSON.parse(outcome.stdout);
}

/** Row number → what `quarantine.decided_silver_a` holds about it. */
function decided(): readonly unknown[] {
  const sql = `select json_extract_string(raw, '$.id') as id, action from quarantine.decided_silver_a order by decision, id`;
  return place.query(sql).map(({ id, action }) => `${action} ${id}`);
}

function decideAll(): void {
  const sql = "select quarantine_id as q, json_extract_string(raw, '$.id') as id from quarantine.silver_a";
  const ids = new Map(place.query(sql).map(({ id, q }) => [Number(id), String(q)]));
  const idOf = (id: number): string => ids.get(id) ?? '';
  // 2 is sent again as it is and stays open; 3 is discarded; 4 is fixed; 12 is fixed to no avail, then discarded; 13 is fixed.
  place.dataflow(['quarantine', 'replay', 'silver.a', '--id', idOf(2)]);
  expectDone(place.dataflow(['quarantine', 'discard', 'silver.a', '--id', idOf(3), '--reason', 'test']));
  expectDone(place.dataflow(['quarantine', 'fix', 'silver.a', '--id', idOf(4), '--set', 'x = 44']));
  expectDone(place.dataflow(['quarantine', 'discard', 'silver.a', '--id', idOf(12), '--reason', 'test']));
  expectDone(place.dataflow(['quarantine', 'fix', 'silver.a', '--id', idOf(13), '--set', 'x = 130']));
}

const ALL = ['replay 2', 'discard 3', 'fix 4', 'discard 12', 'fix 13'];
const STATES = ['quarantine', '--state', 'all'];

describe('decided rows that are older than quarantine_days', { timeout: 60_000 }, () => {
  it('go when they have no effect any more; open rows, and what keeps a row right or out, stay', () => {
    rmSync(join(place.folder, 'in/b.csv'));
    expectDone(place.dataflow(['run']));
    const rows = place.query('select * from silver.a order by id');
    const states = json(STATES);
    const dry = json(['compact', '--dry-run']);
    expect(dry.decided_rows_collected).toBe(3);
    expect(decided()).toEqual(ALL);
    const done = place.dataflow(['compact']);
    expectDone(done);
    expect(done.stdout).toContain('3 decided rows of the quarantine collected');
    expect(decided()).toEqual(['discard 3', 'fix 4']);
    expect(json(['compact']).decided_rows_collected).toBe(0);
    // Nothing has to run because of it, the lake is intact, and a rebuilt ledger knows the same.
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['verify', '--rows']));
    expect(json(STATES)).toEqual(states);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(json(STATES)).toEqual(states);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(place.query('select * from silver.a order by id')).toEqual(rows);
    expect(place.query('select count(*) as n from quarantine.silver_a')).toEqual([{ n: 1 }]);
    // A new decision is carried out as before.
    expectDone(place.dataflow(['quarantine', 'fix', 'silver.a', '--set', 'x = 20']));
    expect(place.query('select x from silver.a where id = 2')).toEqual([{ x: 20 }]);
    expectDone(place.dataflow(['trace', 'silver.a', '--where', 'id = 4']));
  });

  it('stay while they are younger', () => {
    keepDays(1);
    expect(json(['compact', '--dry-run']).decided_rows_collected).toBe(0);
    expect(json(['compact']).decided_rows_collected).toBe(0);
    expect(decided()).toEqual(ALL);
  });

  it('a process that dies before they are gone leaves them', () => {
    expect(place.dataflow(['compact'], { DATAFLOW_FAULT: 'before-collect-decided:kill' }).signal).toBe('SIGKILL');
    expect(decided()).toEqual(ALL);
    expectDone(place.dataflow(['compact']));
    expect(decided()).toEqual(ALL.slice(1));
  });
});
