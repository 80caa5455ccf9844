import { readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { zipOf } from '../src/formats/zip.fixture.ts';
import { encryptedZip, linksZip, lyingZip, tarOf, tgzOf, twiceZip } from './support/archives.ts';
import { shareWork } from './support/asker.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** Members of archives through the built program: inputs of their own, like files. */
const places: Place[] = [];
afterAll(() => {
  for (const one of places) one.remove();
});

const CONFIG = (more = '', path = 'in/*'): string =>
  `sources:\n  a: { type: files, path: "${path}", settle_seconds: 0, columns: { id: bigint, v: varchar }${more} }\n`;

function placeWith(files: Readonly<Record<string, string | Uint8Array>>, config = CONFIG()): Place {
  const place = newPlace(config);
  places.push(place);
  place.put(files);
  return place;
}

const csv = (...ids: readonly (number | string)[]): string => `id,v\n${ids.map((id) => `${id},x${id}\n`).join('')}`;
const counts = (place: Place): readonly string[] =>
  place
    .query('select _file, count(*) as n, min(id) as least from bronze.a group by all order by 1')
    .map((row) => Object.values(row).join(' '));
const refusals = (place: Place): ReadonlyMap<string, string> =>
  new Map(
    place
      .inputs()
      .filter(({ status }) => status === 'quarantined')
      .map(({ path, reason }) => [path, reason ?? '']),
  );

describe('archives', () => {
  it('bring each member as an input of its own: rows, lines, quarantine, trace, verify; unchanged they cost nothing', async () => {
    const place = placeWith({
      'in/a.zip': zipOf({ '2025/a.csv': csv(1, 'no', 2), 'b.ndjson': '{"id":3,"v":"y"}\n', 'read.me': 'no data' }),
      'in/b.tar': await tarOf([
        { name: './c.csv', content: csv(4) },
        { name: 'd', type: 'directory' },
      ]),
      'in/c.tgz': await tgzOf([
        { name: 'd/e.csv.gz', content: gzipSync(csv(5, 6)) },
        { name: 'd/again.csv', content: csv(4) },
      ]),
      'in/plain.csv': csv(7),
    });
    const planned = place.dataflow(['plan', '--format', 'json']);
    expect(planned.stdout, planned.stderr).toContain('4 new or changed files');
    expectDone(place.dataflow(['run']));
    expect(counts(place)).toEqual([
      'in/a.zip!/2025/a.csv 2 1',
      'in/a.zip!/b.ndjson 1 3',
      'in/b.tar!/c.csv 1 4',
      'in/c.tgz!/d/e.csv.gz 2 5',
      'in/plain.csv 1 7',
    ]);
    const again = place.inputs().find(({ path }) => path === 'in/c.tgz!/d/again.csv');
    expect(again).toMatchObject({ status: 'duplicate', same_as: 'in/b.tar!/c.csv' });
    const [rejected] = JSON.parse(place.dataflow(['quarantine', 'show', 'bronze.a', '--format', 'json']).stdout);
    expect(rejected).toMatchObject({ file: 'in/a.zip!/2025/a.csv', line: 3, column_name: 'id' });
    expect(place.dataflow(['trace', 'in/a.zip!/2025/a.csv:4']).stdout).toContain('id=2');
    expect(place.dataflow(['trace', 'in/a.zip']).stdout).toContain('an archive of 2 files');
    const verified = place.dataflow(['verify', '--sources']);
    expectDone(verified);
    expect(verified.stdout + verified.stderr).not.toMatch(/no longer|other bytes/);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    const fixed = place.dataflow(['quarantine', 'fix', 'bronze.a', '--set', "id = replace(id, 'no', '9')"]);
    expect(fixed.stdout, fixed.stderr).toMatch(/1 of 1 rows? fixed/);
    for (const name of ['ledger.db', 'ledger.db-wal', 'ledger.db-shm'])
      rmSync(join(place.folder, 'lake/_dataflow', name), { force: true });
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expectDone(place.dataflow(['run']));
    expect(place.query('select count(*) as n, count(distinct id) as ids from bronze.a')).toEqual([{ n: 8, ids: 8 }]);
    expectDone(place.dataflow(['verify']));
  });

  it('come again: only members with other bytes are replaced, touched ones are remembered, missing ones go when that is asked for', () => {
    const place = placeWith(
      { 'in/a.zip': zipOf({ 'a.csv': csv(1, 2), 'b.csv': csv(3), 'c.csv': csv(4) }) },
      CONFIG(', on_missing: delete'),
    );
    expectDone(place.dataflow(['run']));
    utimesSync(join(place.folder, 'in/a.zip'), new Date(1e12), new Date(1e12));
    expectDone(place.dataflow(['run']));
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expect(place.status().get('bronze.a')?.version).toBe(0);
    place.put({ 'in/a.zip': zipOf({ 'a.csv': csv(1, 5, 6), 'b.csv': csv(3) }) });
    expectDone(place.dataflow(['run']));
    expect(counts(place)).toEqual(['in/a.zip!/a.csv 3 1', 'in/a.zip!/b.csv 1 3']);
    expectDone(place.dataflow(['run', '--full-refresh']));
    expect(counts(place)).toEqual(['in/a.zip!/a.csv 3 1', 'in/a.zip!/b.csv 1 3']);
    const archive = readFileSync(join(place.folder, 'in/a.zip'));
    rmSync(join(place.folder, 'in/a.zip'));
    expectDone(place.dataflow(['run', '--allow-missing']));
    expect(counts(place)).toEqual([]);
    place.put({ 'in/a.zip': archive });
    expectDone(place.dataflow(['run']));
    expect(counts(place)).toEqual(['in/a.zip!/a.csv 3 1', 'in/a.zip!/b.csv 1 3']);
    expectDone(place.dataflow(['verify']));
  });

  it.each(['after-inspect', 'after-stage', 'before-log-create', 'after-log-create'])(
    'are there exactly once after a kill at %s',
    (point) => {
      const place = placeWith({ 'in/a.zip': zipOf({ 'a.csv': csv(1, 2), 'b.csv': csv(3) }) });
      expect(place.dataflow(['run'], { DATAFLOW_FAULT: `${point}:kill` }).signal).toBe('SIGKILL');
      expect([0, 4]).toContain(place.dataflow(['run']).status);
      expect(counts(place)).toEqual(['in/a.zip!/a.csv 2 1', 'in/a.zip!/b.csv 1 3']);
      expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    },
  );

  it('that were refused are forgiven when they are whole', () => {
    const whole = zipOf({ 'a.csv': csv(1) });
    const place = placeWith({ 'in/a.zip': whole.subarray(0, 60), 'in/b.zip': 'no zip', 'in/c.csv': csv(2) });
    expect(place.dataflow(['run']).status).toBe(4);
    expect([...refusals(place).keys()]).toEqual(['in/a.zip', 'in/b.zip']);
    place.put({ 'in/a.zip': whole });
    expectDone(place.dataflow(['run']));
    expect(counts(place)).toEqual(['in/a.zip!/a.csv 1 1', 'in/c.csv 1 2']);
    expect(place.query('select file from quarantine.bronze_a')).toEqual([{ file: 'in/b.zip' }]);
    // Nothing of this one is new.
    place.put({ 'in/b.zip': zipOf({ 'copy.csv': csv(2) }) });
    expect([0, 4]).toContain(place.dataflow(['run']).status);
    expect(place.query('select file from quarantine.bronze_a')).toEqual([]);
    expect(refusals(place).size).toBe(0);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['verify']));
  });

  it('have members that are chosen, refused, sent again', () => {
    const place = placeWith(
      { 'in/a.zip': zipOf({ 'x/a.dat': csv(1), 'y/b.dat': csv(2), 'x/c.dat': 'id,v\n"1,2\n' }) },
      CONFIG(', format: csv, members: "x/*.dat"', 'in/*.zip'),
    );
    expect(place.dataflow(['run']).status).toBe(4);
    expect(counts(place)).toEqual(['in/a.zip!/x/a.dat 1 1']);
    expect([...refusals(place).keys()]).toEqual(['in/a.zip!/x/c.dat']);
    const again = place.dataflow(['quarantine', 'replay', 'bronze.a']);
    expect(again.stdout, again.stderr).toContain('1 was rejected again');
    expect([...refusals(place).keys()]).toEqual(['in/a.zip!/x/c.dat']);
    place.put({ 'in/a.zip': zipOf({ 'x/a.dat': csv(1), 'y/b.dat': csv(2), 'x/c.dat': csv(3) }) });
    expectDone(place.dataflow(['run']));
    expect(counts(place)).toEqual(['in/a.zip!/x/a.dat 1 1', 'in/a.zip!/x/c.dat 1 3']);
    expect(refusals(place).size).toBe(0);
  });
});

describe('archives that are not to be trusted', () => {
  it('case 34: are refused before anything is expanded, with their reason; what is sound beside them goes in', async () => {
    const tar = await tarOf([
      { name: 'a.csv', content: csv(1, 2, 3) },
      { name: 'b.csv', content: csv(4) },
    ]);
    const zip = zipOf({ 'a.csv': csv(1), 'b.csv': csv(100) });
    const crc = Buffer.from(zip);
    const directory = crc.indexOf('PK\x01\x02', 0, 'latin1');
    crc.writeUInt32LE(crc.readUInt32LE(directory + 16) ^ 1, directory + 16);
    const place = placeWith({
      'in/bomb.zip': zipOf({ 'x.csv': Buffer.alloc(150_000_000, '1,xxxxxxxx\n') }, 9),
      'in/bomb.tgz': await tgzOf([{ name: 'x.csv', content: Buffer.alloc(150_000_000, '1,xxxxxxxx\n') }]),
      'in/lying.zip': lyingZip({ 'x.csv': csv(1, 2, 3) }, 5),
      'in/up.zip': zipOf({ '../x.csv': csv(1) }),
      'in/up.tar': await tarOf([{ name: 'a/../../x.csv', content: csv(1) }]),
      'in/root.zip': zipOf({ '/x.csv': csv(1) }),
      'in/root.tar': await tarOf([{ name: '/etc/x.csv', content: csv(1) }]),
      'in/drive.zip': zipOf({ 'C:x.csv': csv(1) }),
      'in/twice.zip': twiceZip('a.csv', csv(1)),
      'in/twice.tar': await tarOf([
        { name: 'a.csv', content: csv(1) },
        { name: './a.csv', content: csv(2) },
      ]),
      'in/locked.zip': encryptedZip({ 'a.csv': csv(1) }),
      'in/links.zip': linksZip({ 'a.csv': '/etc/passwd' }),
      'in/odd.tar': await tarOf([
        { name: 'link.csv', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'hard.csv', type: 'link', linkname: '/etc/passwd' },
        { name: 'zero.csv', type: 'character-device' },
        { name: 'pipe.csv', type: 'fifo' },
        { name: 'holes.csv', content: csv(1), pax: { 'GNU.sparse.realsize': '1099511627776' } },
        { name: 'in.zip', content: zipOf({ 'a.csv': csv(1) }) },
        { name: 'good.csv', content: csv(70) },
      ]),
      'in/cut.zip': zip.subarray(0, zip.length - 40),
      'in/cut.tar': tar.subarray(0, 600),
      'in/end.tar': tar.subarray(0, 2048),
      'in/cut.tgz': gzipSync(tar).subarray(0, 80),
      'in/text.tgz': 'id,v\n1,x\n',
      'in/text.tar': csv(1).repeat(100),
      'in/crc.zip': crc,
      'in/empty.zip': '',
      'in/good.csv': csv(50),
    });
    const ran = place.dataflow(['run']);
    expect(ran.status, ran.stderr).toBe(4);
    expect(counts(place)).toEqual(['in/crc.zip!/b.csv 1 100', 'in/good.csv 1 50', 'in/odd.tar!/good.csv 1 70']);
    const found = refusals(place);
    const expected: Readonly<Record<string, RegExp>> = {
      'in/bomb.zip': /max_ratio/,
      'in/bomb.tgz': /max_ratio/,
      'in/lying.zip!/x.csv': /too many bytes/,
      'in/up.zip': /leads out/,
      'in/up.tar': /leads out/,
      'in/root.zip': /leads out|absolute/,
      'in/root.tar': /absolute/,
      'in/drive.zip': /leads out|absolute/,
      'in/twice.zip': /two members/,
      'in/twice.tar': /two members/,
      'in/locked.zip!/a.csv': /encrypted/,
      'in/links.zip!/a.csv': /link/,
      'in/odd.tar!/link.csv': /symlink/,
      'in/odd.tar!/hard.csv': /link/,
      'in/odd.tar!/zero.csv': /device/,
      'in/odd.tar!/pipe.csv': /fifo/,
      'in/odd.tar!/holes.csv': /sparse/,
      'in/odd.tar!/in.zip': /archive within/,
      'in/cut.zip': /not a whole zip/,
      'in/cut.tar': /./,
      'in/end.tar': /cut off/,
      'in/cut.tgz': /cut off/,
      'in/text.tgz': /gzip/,
      'in/text.tar': /tar/,
      'in/crc.zip!/a.csv': /checksum/,
      'in/empty.zip': /empty/,
    };
    expect([...found.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [path, reason] of Object.entries(expected)) expect(found.get(path), path).toMatch(reason);
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['verify']));
  }, 60_000);
});
