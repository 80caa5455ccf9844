import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { expectDone, filesBelow, newPlace, type Place } from '../support/fault-project.ts';
import { FINE } from '../support/fine.ts';

/** Cases 4, 6 and 11: a full disk, files of others, readers beside a writer. */
const places: Place[] = [];
afterEach(() => {
  for (const place of places.splice(0)) place.remove();
});

const CONFIG = `sources:
  t: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { id: bigint, v: varchar } }
silver:
  t: { from: t, key: id, dedupe: { keep: last } }
gold:
  n: { sql: "select count(*) as n, min(v) as low, max(v) as high from silver.t" }
`;

function rows(count: number, value: (i: number) => string): string {
  return `id,v\n${Array.from({ length: count }, (_, i) => `${i},${value(i)}\n`).join('')}`;
}

/** Each page is a write that may be the first without room. */
const PAGE_KB = 4;
const ROWS = FINE ? 2_000 : 20_000;

/** A row of text that does not compress. */
function noise(i: number): string {
  let state = i + 1;
  return Array.from({ length: 8 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state.toString(36);
  }).join('');
}

function mounted(folder: string, size_kb: number): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size_kb}k`, 'tmpfs', folder]).status === 0;
}

const disk = mkdtempSync(join(tmpdir(), 'dataflow-disk-'));
const can_mount = process.platform === 'linux' && mounted(disk, 64);
if (can_mount) spawnSync('umount', [disk]);
else console.log('skipped case 4: mounting a small tmpfs is not permitted here');
afterAll(() => rmSync(disk, { recursive: true, force: true }));

describe('no space left', () => {
  it.skipIf(!can_mount)(
    'case 4: on disks that fill up sooner and later the old state stays, the cause is told, and more space finishes it',
    { timeout: FINE ? 3_600_000 : 120_000 },
    () => {
      expect(mounted(disk, 16_384)).toBe(true);
      try {
        const place = newPlace(CONFIG, { lake: disk });
        places.push(place);
        place.put({ 'in/a.csv': rows(10, String) });
        expectDone(place.dataflow(['run']));
        const before = place.query('select * from gold.n');
        place.put({ 'in/b.csv': rows(ROWS, noise) });
        const used_kb = Number(spawnSync('du', ['-sk', disk], { encoding: 'utf8' }).stdout.split('\t')[0]);
        let failures = 0;
        let free_kb = FINE ? 0 : 8;
        for (; free_kb < 16_384; free_kb = FINE ? free_kb + PAGE_KB : Math.ceil(free_kb * 1.9)) {
          expect(spawnSync('mount', ['-o', `remount,size=${used_kb + free_kb}k`, disk]).status).toBe(0);
          const outcome = place.dataflow(['run']);
          // A full disk is full for the temporary files of the check as well.
          expect(spawnSync('mount', ['-o', 'remount,size=65536k', disk]).status).toBe(0);
          if (outcome.status === 0) break;
          failures += 1;
          expect([1, 4, 5], outcome.stderr).toContain(outcome.status);
          expect(outcome.stderr).toMatch(
            /^error\[E_(LAKE_IO|LEDGER_\w+|ENGINE|SOURCE_IO)\] .+\n( {2}(at|kept).+\n)* {2}next: .+/m,
          );
          expect([before, [{ n: ROWS, low: expect.anything(), high: expect.anything() }]]).toContainEqual(
            place.query('select * from gold.n'),
          );
        }
        expect(failures).toBeGreaterThan(2);
        expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: ROWS }]);
        expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
        // What a failed step leaves for inspection goes with the next run that does something.
        place.put({ 'in/c.csv': rows(1, () => 'c') });
        expectDone(place.dataflow(['run']));
        expect(filesBelow(join(disk, '_dataflow/staging'), '')).toEqual([]);
        console.log(`case 4: ${failures} runs failed for want of space, the last one with less than ${free_kb} KB`);
      } finally {
        spawnSync('umount', [disk]);
      }
    },
  );
});

it('case 6: torn and foreign files in a table folder are not seen by readers, do not stop a run, and doctor names them', () => {
  const place = newPlace(CONFIG);
  places.push(place);
  place.put({ 'in/a.csv': rows(10, String) });
  expectDone(place.dataflow(['run']));
  const folder = join(place.folder, 'lake/silver/t');
  const [whole] = filesBelow(folder, '.parquet');
  const bytes = readFileSync(join(folder, whole ?? ''));
  writeFileSync(join(folder, 'part-torn.zst.parquet'), bytes.subarray(0, bytes.length / 2));
  writeFileSync(join(folder, 'tmp_part.parquet'), '');
  writeFileSync(join(folder, 'copy.parquet'), bytes);
  writeFileSync(join(folder, '_delta_log/.tmp-torn.json'), '{"add":');
  expect(place.query('select count(*) as n from silver.t')).toEqual([{ n: 10 }]);
  expect(place.dataflow(['doctor']).stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /no version of silver\.t names silver\/t\/copy\.parquet, and 2 more/,
  );
  expect(place.dataflow(['run']).stdout).toMatch(/nothing to do/);
  place.put({ 'in/b.csv': rows(12, noise) });
  expectDone(place.dataflow(['run']));
  expect(place.query('select n from gold.n')).toEqual([{ n: 12 }]);
  expect(existsSync(join(folder, 'copy.parquet'))).toBe(true);
});

it('case 11: readers beside a writer see one whole version, and the files of the old one stay', {
  timeout: 60_000,
}, async () => {
  const place = newPlace(CONFIG);
  places.push(place);
  const load = (round: number): void => place.put({ 'in/a.csv': rows(2000, () => `round${round}`) });
  load(0);
  expectDone(place.dataflow(['run']));
  const folder = join(place.folder, 'lake/silver/t');
  const old = filesBelow(folder, '.parquet');
  for (let round = 1; round <= 2; round++) {
    load(round);
    const run = place.start(['run']);
    let running = true;
    const ended = run.ended.finally(() => {
      running = false;
    });
    while (running) {
      const reader = place.start([
        'query',
        '--format',
        'json',
        'select count(*) as n, min(v) as low, max(v) as high from silver.t',
      ]);
      const read = await reader.ended;
      expectDone(read);
      const [row] = JSON.parse(read.stdout) as { n: number; low: string; high: string }[];
      expect(row?.n).toBe(2000);
      expect(row?.low).toBe(row?.high);
      expect([`round${round - 1}`, `round${round}`]).toContain(row?.low);
    }
    expectDone(await ended);
  }
  expect(filesBelow(folder, '.parquet')).toEqual(expect.arrayContaining([...old]));
  expect(place.query('select low, high from gold.n')).toEqual([{ low: 'round2', high: 'round2' }]);
});
