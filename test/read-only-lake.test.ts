import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

/** What can be done with a lake on a file system that is mounted for reading alone: looking, and nothing that writes. */
const can_mount = process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0;
if (!can_mount) console.log('skipped the read-only lake: mounting is not permitted');

let place: Place;
beforeEach(() => {
  place = newPlace(`sources:
  a: { type: files, path: in/*.csv, settle_seconds: 0, columns: { id: bigint, x: bigint } }
silver:
  a: { from: a, rules: [ { not_null: x } ], key: id }
`);
  place.put({ 'in/a.csv': 'id,x\n1,1\n2,\nword,3\n' });
  expectDone(place.dataflow(['run']));
});
afterEach(() => place.remove());

describe.skipIf(!can_mount)('a read-only lake', { timeout: 60_000 }, () => {
  it('can be looked at, and says so when it would have to be written to', () => {
    const lake = join(place.folder, 'lake');
    const TMPDIR = join(place.folder, 'scratch');
    mkdirSync(TMPDIR);
    const at = (command: string) => {
      const script = `mount --bind ${lake} ${lake} && mount -o remount,ro,bind ${lake} && exec ${process.execPath} ${resolve('bin/dataflow.js')} ${command}`;
      return spawnSync('unshare', ['-m', 'sh', '-c', script], {
        cwd: place.folder,
        encoding: 'utf8',
        env: { ...process.env, TMPDIR },
      });
    };
    expect(at('quarantine show silver.a').status).toBe(0);
    const dry = at("quarantine fix silver.a --set 'x = 2' --dry-run");
    expect(dry.stdout, dry.stderr).toContain('1 of 1 row would be fixed');
    expect(at('quarantine export bronze.a --to rows.csv').status).toBe(0);
    for (const command of ['quarantine discard silver.a --reason x', 'ledger rebuild', 'undo', 'run --full-refresh'])
      expect(at(command).stderr, command).toContain('error[E_LEDGER_READ_ONLY]');
    expect(readdirSync(TMPDIR)).toEqual([]);
  });

  it('in which only the folder for temporary files is: a run fails with its place, and the next one does the work', () => {
    place.put({ 'in/b.csv': 'id,x\n9,9\n' });
    const folder = join(place.folder, 'lake', '_dataflow', 'tmp');
    const script = `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder} && exec ${process.execPath} ${resolve('bin/dataflow.js')} run`;
    const failed = spawnSync('unshare', ['-m', 'sh', '-c', script], { cwd: place.folder, encoding: 'utf8' });
    expect(failed.stderr).toMatch(/error\[E_LAKE_IO\] no temporary folder can be made[\s\S]*at .*_dataflow\/tmp/);
    expect(failed.status).toBe(5);
    const next = place.dataflow(['run']);
    expectDone(next);
    expect(next.stdout + next.stderr).not.toContain('died');
    expect(place.query('select count(*) as n from silver.a')).toEqual([{ n: 2 }]);
  });
});

describe('a project without tables', { timeout: 60_000 }, () => {
  it('says so instead of printing empty tables', () => {
    place.put({ 'pipelines.yaml': 'version: 1\nlake: { url: ./other }\n' });
    expect(place.dataflow(['run']).stdout).toContain('nothing to do: the project has no table yet');
    expect(place.dataflow(['plan']).stdout).toBe('the project has no table yet: dataflow init\n');
    expect(JSON.parse(place.dataflow(['plan', '--format', 'json']).stdout)).toEqual([]);
    expect(place.dataflow(['compact']).stdout).toBe('nothing to do: no small files, no version to collect\n');
    expect(place.dataflow(['lineage']).stderr).toContain('the project has no table yet');
  });
});
