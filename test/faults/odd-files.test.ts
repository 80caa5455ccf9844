import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { expectDone, filesBelow, newPlace, type Place } from '../support/fault-project.ts';

/** Cases 20, 33 and 34: a batch run again, very many files and odd names, bombs and things that are no files. */
const places: Place[] = [];
const outside = mkdtempSync(join(tmpdir(), 'dataflow-outside-'));
afterAll(() => rmSync(outside, { recursive: true, force: true }));
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

const source = (more = ''): string =>
  `sources:\n  t: { type: files, path: "in/**/*", settle_seconds: 0, columns: { id: bigint, v: varchar }, format: csv${more} }\n`;

function placeOf(config: string): Place {
  const place = newPlace(config);
  places.push(place);
  mkdirSync(join(place.folder, 'in'));
  return place;
}

/** Names that trip up shells, URLs, logs and file systems. */
const NAMES = [
  'with space.csv',
  'new\nline.csv',
  'tab\tand "quotes" and \'these\'.csv',
  '-leading-dash.csv',
  '--help.csv',
  'percent%2e%2e%2fslash.csv',
  'caf\u00e9-composed.csv',
  'cafe\u0301-decomposed.csv',
  'Case.csv',
  'case.csv',
  'semi;colon & $(echo no) `echo no` #hash?.csv',
  'back\\slash.csv',
  '日本語 🦆.csv',
  'a=b.csv',
  '{braces},[brackets]*star.csv',
  `${'n'.repeat(251)}.csv`,
  '.csv.csv',
];

describe('names', () => {
  it('case 33: odd names of files: each is loaded once, under its own name', { timeout: 60_000 }, () => {
    const place = placeOf(source());
    const written = NAMES.filter((name, index) => {
      try {
        writeFileSync(join(place.folder, 'in', name), `id,v\n${index},x\n`, { flag: 'wx' });
        return !name.startsWith('.');
      } catch {
        return false; // a file system that does not tell cases or forms apart, or refuses the name
      }
    });
    expectDone(place.dataflow(['run']));
    const files = place
      .query('select _file, count(*) as n from bronze.t group by all')
      .map((row) => [row['_file'], row['n']]);
    expect(Object.fromEntries(files)).toEqual(Object.fromEntries(written.map((name) => [`in/${name}`, 1])));
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
    expect(place.query('select count(*) as n from bronze.t')).toEqual([{ n: written.length }]);
  });

  it('case 33: 3,000 small files in folders of their own, with few file descriptors: all are loaded once', {
    timeout: 120_000,
  }, () => {
    const place = placeOf(source());
    for (let i = 0; i < 3000; i++) {
      const folder = join(place.folder, 'in', String(i % 50));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${i}.csv`), `id,v\n${i},x\n`);
    }
    const limited = spawnSync(
      'bash',
      ['-c', 'ulimit -n 256; exec "$0" "$@"', process.execPath, join(process.cwd(), 'bin/dataflow.js'), 'run'],
      {
        cwd: place.folder,
        encoding: 'utf8',
      },
    );
    expect(limited.status, limited.stderr).toBe(0);
    expect(
      place.query('select count(*) as n, count(distinct id) as ids, count(distinct _file) as files from bronze.t'),
    ).toEqual([{ n: 3000, ids: 3000, files: 3000 }]);
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
  });
});

describe('bombs, links, devices', () => {
  it('case 34: each is refused before it is expanded or opened, with its reason; the good file goes in', {
    timeout: 60_000,
  }, () => {
    const place = placeOf(source(', max_expanded_bytes: 300000000'));
    const folder = join(place.folder, 'in');
    const bomb = Buffer.concat([Buffer.from('id,v\n'), Buffer.alloc(200_000_000, '1,xxxxxxxx\n')]);
    place.put({
      'in/good.csv': 'id,v\n1,x\n',
      'in/ratio.csv.gz': gzipSync(bomb),
      'in/twice.csv.gz': gzipSync(gzipSync('id,v\n1,x\n')),
      'in/zip.csv.gz': gzipSync(Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)])),
    });
    writeFileSync(join(outside, 'secret.csv'), 'id,v\n666,secret\n');
    symlinkSync(join(outside, 'secret.csv'), join(folder, 'link.csv'));
    symlinkSync(outside, join(folder, 'folder'));
    symlinkSync('/dev/zero', join(folder, 'zero.csv'));
    symlinkSync('nowhere', join(folder, 'dangling.csv'));
    mkdirSync(join(folder, 'a-folder.csv'));
    spawnSync('mkfifo', [join(folder, 'pipe.csv')]);
    writeFileSync(join(folder, 'sparse.csv'), '');
    truncateSync(join(folder, 'sparse.csv'), 2 ** 40);
    const started = Date.now();
    const run = place.dataflow(['run']);
    expect(run.status, run.stderr).toBe(4);
    expect(Date.now() - started).toBeLessThan(30_000);
    expect(place.query('select id, _file from bronze.t')).toEqual([{ id: 1, _file: 'in/good.csv' }]);
    const refused = new Map(
      place
        .inputs()
        .filter(({ status }) => status === 'quarantined')
        .map(({ path, reason }) => [path, reason]),
    );
    expect(refused.get('in/ratio.csv.gz')).toMatch(/expand|ratio|times/i);
    expect(refused.get('in/twice.csv.gz')).toMatch(/twice|archive/);
    expect(refused.get('in/zip.csv.gz')).toMatch(/twice|archive/);
    expect(refused.get('in/sparse.csv')).toMatch(/large|limit|bytes/i);
    for (const path of ['in/link.csv', 'in/zero.csv', 'in/pipe.csv']) expect(refused.get(path), path).toMatch(/\w/);
    expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
  });
});

it('case 20: an old batch run again gives the same bytes (of a query with an order): no clock and no chance in data files', {
  timeout: 60_000,
}, () => {
  const config = `${source()}silver:\n  t: { from: t, key: id, dedupe: { keep: last } }\ngold:\n  n: { sql: "select v, count(*) as n from silver.t group by all order by v" }\n`;
  const rows = Array.from({ length: 5000 }, (_, i) => `${(i * 7919) % 4000},v${i % 13}`).join('\n');
  const hashes = [0, 1].map(() => {
    const place = placeOf(config);
    place.put({ 'in/a.csv': `id,v\n${rows}\n`, 'in/b.csv': 'id,v\n1,new\n9000,z\n' });
    expectDone(place.dataflow(['run']));
    const first = contents(place);
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(contents(place)).toEqual(first);
    return first;
  });
  expect(hashes[0]?.flat()).toHaveLength(3);
  expect(hashes[0]).toEqual(hashes[1]);
});

/** SHA-256 of the data files that the newest version of each table added, as its log says. */
function contents(place: Place): readonly unknown[] {
  return ['bronze/t', 'silver/t', 'gold/n'].map((table) => {
    const log = join(place.folder, 'lake', table, '_delta_log');
    const entry = readFileSync(join(log, filesBelow(log, '.json').at(-1) ?? ''), 'utf8');
    return [...entry.matchAll(/"dataflow\.sha256":"(\w+)"/g)].map(([, hash]) => hash);
  });
}
