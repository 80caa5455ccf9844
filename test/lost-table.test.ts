import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { DoctorReport } from '../src/app/care/run-doctor.ts';
import type { VerifyReport } from '../src/app/care/verify/report.ts';
import { expectDone, expectError, newPlace, type Place } from './support/fault-project.ts';

/** A table that was published and whose folder is gone is damage, whoever looks; what was delivered is not loaded again by itself. */
const CONFIG = `sources:
  a: { type: files, path: in/a*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id }
gold:
  g: { sql: "select x % 3 as r, count(*) as n from silver.a group by all", key: r }
`;
let place: Place;
afterEach(() => place.remove());

function loaded(): void {
  place = newPlace(CONFIG);
  place.put({ 'in/a0.csv': 'id,x\n1,1\n2,2\n3,\n' });
  expectDone(place.dataflow(['run']));
  place.put({ 'in/a1.csv': 'id,x\n4,4\n' });
  expectDone(place.dataflow(['run']));
}

function lose(table: string): void {
  rmSync(join(place.folder, 'lake', table), { recursive: true });
}

function verify(...args: readonly string[]): VerifyReport & { readonly status: number | null } {
  const { stdout, status } = place.dataflow(['verify', '--format', 'json', ...args]);
  return { ...(JSON.parse(stdout) as VerifyReport), status };
}

describe('a table that is gone', () => {
  it('of a source is named by verify, doctor, plan and run, and loaded again when that is asked for', () => {
    loaded();
    const before = place.query('select * from silver.a order by id');
    lose('bronze/a');
    for (const args of [[], ['--quick'], ['bronze.a']]) {
      const report = verify(...args);
      expect(report).toMatchObject({ status: 1, intact: false });
      expect(report.tables).toContainEqual(
        expect.objectContaining({ table: 'bronze.a', version: 1, files: 0, errors: 1 }),
      );
      expect(report.findings).toContainEqual(
        expect.objectContaining({
          severity: 'error',
          check: 'log',
          table: 'bronze.a',
          releases: [expect.any(String), expect.any(String)],
        }),
      );
    }
    const doctor = place.dataflow(['doctor', '--format', 'json']);
    expect(doctor.status).not.toBe(0);
    expect((JSON.parse(doctor.stdout) as DoctorReport).findings).toContainEqual(
      expect.objectContaining({
        check: 'tables',
        status: 'fail',
        message: expect.stringContaining('version 1 of bronze.a'),
      }),
    );
    expect(place.dataflow(['plan']).stdout).toContain('its table is gone');
    for (const flags of [[], ['--full-refresh']]) {
      const run = place.dataflow(['run', ...flags]);
      expectError(run, 'E_LAKE_CORRUPT', 1);
      expect(run.stderr).toContain('version 1 of bronze.a was published, but the lake has no such table any more');
    }
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.a+']));
    expect(place.query('select * from silver.a order by id')).toEqual(before);
    expect(place.query('select count(*) as n from bronze.a')).toEqual([{ n: 4 }]);
    expect(verify('--rows')).toMatchObject({ status: 0, findings: [] });
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });

  it('whose log lost its last versions stops the run too', () => {
    loaded();
    rmSync(join(place.folder, 'lake/bronze/a/_delta_log/00000000000000000001.json'));
    const run = place.dataflow(['run']);
    expectError(run, 'E_LAKE_CORRUPT', 1);
    expect(run.stderr).toContain('its log ends at version 0');
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.a+']));
    expect(verify('--rows').status).toBe(0);
  });

  it('and is computed is named too, and computed again by the next run', () => {
    loaded();
    lose('gold/g');
    expect(verify()).toMatchObject({ status: 1, intact: false });
    expectDone(place.dataflow(['run']));
    expect(verify()).toMatchObject({ status: 0, findings: [] });
    expect(place.query('select sum(n) as n from gold.g')).toEqual([{ n: 3 }]);
  });

  it('and made anew is not taken for the one that was read, whatever its version says', () => {
    loaded();
    lose('bronze/a');
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.a']));
    place.put({ 'in/a2.csv': 'id,x\n5,5\n' });
    expectDone(place.dataflow(['run', '--select', 'bronze.a']));
    expect(place.dataflow(['plan', '--select', 'silver.a']).stdout).toContain('bronze.a was lost and made anew');
    expectDone(place.dataflow(['run']));
    expect(place.query('select count(*) as n from silver.a')).toEqual([{ n: 4 }]);
    lose('silver/a');
    place.put({ 'in/a3.csv': 'id,x\n6,6\n' });
    expectDone(place.dataflow(['run', '--select', 'bronze.a', '--select', 'silver.a']));
    place.put({ 'in/a4.csv': 'id,x\n7,7\n' });
    for (let i = 0; i < 2; i++) {
      expectDone(place.dataflow(['run']));
      expect(place.query('select sum(n) as n from gold.g')).toEqual([{ n: 6 }]);
    }
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expect(verify('--rows')).toMatchObject({ status: 0, findings: [] });
  });

  it('and made anew under the same number is another release: what was loaded follows, the old one is not made up', () => {
    place = newPlace(`${CONFIG}connections:
  file: { type: sqlite, path: out.db }
  far: { type: s3, endpoint: "http://127.0.0.1:9", bucket: lake, access_key: a, secret_key: "\${S3_SECRET:-b}" }
loads: { f: { connection: file, tables: [gold.*] } }
mirrors: { m: { connection: far } }
`);
    place.put({ 'in/a0.csv': 'id,x\n1,1\n2,2\n' });
    expectDone(place.dataflow(['run']));
    expectDone(place.dataflow(['load']));
    for (const table of ['bronze/a', 'silver/a', 'gold/g']) lose(table);
    place.put({ 'in/a0.csv': 'id,x\n1,1\n2,20\n' });
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.a']));
    const sync = place.dataflow(['sync']);
    expectError(sync, 'E_LAKE_NO_VERSION', 2);
    expect(sync.stderr).toContain('bronze.a was lost and made anew since');
    expectDone(place.dataflow(['run']));
    const { loads } = JSON.parse(place.dataflow(['load', '--format', 'json']).stdout);
    expect(loads[0]).toMatchObject({ status: 'loaded', inserts: 2, deletes: 2 });
    const older = place.dataflow(['load', '--release', 'previous']);
    expectError(older, 'E_LAKE_NO_VERSION', 2);
    expect(older.stderr).toContain('gold.g was lost and made anew since');
    const [now, before] = JSON.parse(place.dataflow(['release', 'list', '--format', 'json']).stdout);
    expect([now.rows, now.tables_changed, before.rows]).toEqual([6, 3, null]);
  });

  it('and made anew is not emptied by an undo: what was delivered stays, what is computed follows', () => {
    loaded();
    place.put({ 'in/a2.csv': 'id,x\n5,5\n' });
    lose('gold/g');
    expectDone(place.dataflow(['run']));
    const undone = place.dataflow(['undo']);
    expectDone(undone);
    expect(undone.stderr).toContain('gold.g was lost and made anew by what is undone: it stays as it is');
    expectDone(place.dataflow(['run']));
    expect(place.query('select sum(n) as n from gold.g')).toEqual([{ n: 3 }]);
    lose('bronze/a');
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.a+']));
    const refused = place.dataflow(['undo']);
    expectError(refused, 'E_UNDO_COLLECTED', 1);
    expect(refused.stderr).toContain('bronze.a was lost, and made anew by what would be undone');
    expect(place.query('select count(*) as n from bronze.a')).toEqual([{ n: 4 }]);
    expect(verify('--rows')).toMatchObject({ status: 0, findings: [] });
  });

  it('and made anew does not hold what an undo took back, whatever its version says', () => {
    loaded();
    expectDone(place.dataflow(['undo']));
    lose('bronze/a');
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--select', 'bronze.a']));
    for (const x of [10, 20]) {
      place.put({ 'in/a0.csv': `id,x\n1,${x}\n2,2\n3,\n` });
      expectDone(place.dataflow(['run', '--select', 'bronze.a']));
    }
    expectDone(place.dataflow(['run']));
    expect(place.query('select x from silver.a order by id')).toEqual([{ x: 20 }, { x: 2 }]);
  });

  it('of rejected rows is named', () => {
    loaded();
    lose('quarantine/silver_a');
    const { findings } = verify();
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'error', check: 'log', table: 'quarantine.silver_a' }),
    );
  });

  it('of rejected rows alone, and made anew, is not emptied by an undo as long as it holds rows that stay rejected', () => {
    const rejected = () =>
      place.query(
        `select 'bronze' as layer, file, run_id from quarantine.bronze_a union all select 'silver', file, run_id from quarantine.silver_a order by all`,
      );
    const files = () => rejected().map((row) => `${row['layer']} ${row['file']}`);
    place = newPlace(CONFIG);
    place.put({ 'in/a0.csv': 'id,x\n1,1\n2,2\n3,\nz,1\n' });
    expectDone(place.dataflow(['run']));
    const lost = ['quarantine/bronze_a', 'quarantine/silver_a'];
    lost.forEach(lose);
    place.put({ 'in/a1.csv': 'id,x\n4,4\n5,\ny,1\n' });
    expectDone(place.dataflow(['run']));
    // What it holds came with the undone run alone: it goes.
    const emptied = place.dataflow(['undo']);
    expectDone(emptied);
    expect([emptied.stderr, files()]).toEqual(['', []]);
    lost.forEach(lose);
    expectDone(place.dataflow(['run', '--full-refresh', '--force', '--redo']));
    expect(files()).toEqual(['bronze in/a0.csv', 'bronze in/a1.csv', 'silver in/a0.csv', 'silver in/a1.csv']);
    const before = rejected();
    const undone = place.dataflow(['undo']);
    expectDone(undone);
    expect(undone.stderr).toContain(
      'quarantine.bronze_a was lost and made anew by what is undone: it stays as it is, with the rejected rows',
    );
    expect(undone.stderr).toContain(
      'quarantine.silver_a was lost and made anew by what is undone: it and silver.a stay',
    );
    expect([place.query('select count(*) as n from bronze.a'), rejected()]).toEqual([[{ n: 3 }], before]);
    expectDone(place.dataflow(['run']));
    expect(files()).toEqual(['bronze in/a0.csv', 'bronze in/a1.csv', 'silver in/a0.csv']);
    expect(place.query('select id from silver.a order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['run', '--redo']));
    expect(files()).toEqual(['bronze in/a0.csv', 'bronze in/a1.csv', 'silver in/a0.csv', 'silver in/a1.csv']);
    expect(verify('--rows')).toMatchObject({ status: 0, findings: [] });
  });

  it('is not confused with releases whose files are gone: that is a note', () => {
    loaded();
    rmSync(join(place.folder, 'lake/_dataflow/releases'), { recursive: true });
    const report = verify();
    expect(report).toMatchObject({ status: 0, intact: true, notes: 2 });
    expect(report.findings.map((one) => one.check)).toEqual(['release', 'release']);
  });
});

describe('a file that the ledger forgot', () => {
  const bronze = () => place.query('select id from bronze.a order by id').map((row) => row['id']);
  const forget = (path: string): void => {
    const db = new DatabaseSync(join(place.folder, 'lake/_dataflow/ledger.db'));
    db.exec(`delete from inputs where path = '${path}'`);
    db.close();
  };

  it('is not loaded a second time: its rows are in the table', () => {
    loaded();
    forget('in/a0.csv');
    const refused = place.dataflow(['run']);
    expectError(refused, 'E_LEDGER_CORRUPT', 1);
    expect(refused.stderr).toContain('bronze.a has rows of in/a0.csv');
    expect(refused.stderr).toContain('dataflow ledger rebuild');
    expect(bronze()).toEqual([1, 2, 3, 4]);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expect([bronze(), verify().findings]).toEqual([[1, 2, 3, 4], []]);
  });

  it('is told from a new name for what another file held before', () => {
    loaded();
    place.put({ 'in/a1.csv': 'id,x\n5,5\n' });
    expectDone(place.dataflow(['run']));
    place.put({ 'in/a2.csv': 'id,x\n4,4\n' });
    expectDone(place.dataflow(['run']));
    expect(bronze()).toEqual([1, 2, 3, 4, 5]);
  });
});
