import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LandingPlace, SealedUnit } from '../core/ports/landing-place.ts';
import { inspectors } from '../formats/inspectors.ts';
import { openLandingPlace } from './open-landing.ts';

let root: string;
let place: LandingPlace;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-landing-'));
  place = openLandingPlace({ state_folder: root, source: 's', inspectors });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folder = () => join(root, 'landing/s');

async function seal(count: number, text = '{"a":1}\n'): Promise<void> {
  const pull = await place.begin(null);
  for (let n = 1; n <= count; n++) {
    const unit = await pull.landing.open(`u${n}`, { format: 'ndjson' });
    await unit.write(Buffer.from(text));
    unit.unreadable({ rule: 'r', reason: 'why', where: `at ${n}`, raw: 'x' });
    await unit.close({ records: 1, position: { n } });
  }
}

describe('landing place', () => {
  it('sealed units are found again, in order, each with the position that it goes on from; nobody else can look', async () => {
    await seal(3);
    const { units } = await place.landed();
    expect(
      units.map(({ name, follows, position, records, unreadable }) => [name, follows, position, records, unreadable]),
    ).toEqual([
      ['u1', null, { n: 1 }, 1, 1],
      ['u2', { n: 1 }, { n: 2 }, 1, 1],
      ['u3', { n: 2 }, { n: 3 }, 1, 1],
    ]);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder())) expect(statSync(join(folder(), name)).mode & 0o777).toBe(0o600);
    await place.remove();
    expect(await place.count()).toBe(0);
  });

  it.each([
    ['longer', (file: string) => appendFileSync(file, 'x')],
    ['shorter', (file: string) => truncateSync(file, 3)],
    ['other', (file: string) => writeFileSync(file, '{"a":2}\n')],
    ['gone', (file: string) => rmSync(file)],
  ])('a unit whose bytes are %s than those that were sealed is no unit', async (_, damage) => {
    await seal(2);
    damage(join(folder(), '000000002.ndjson'));
    expect((await place.landed()).units.map((unit) => unit.name)).toEqual(['u1']);
  });

  it('a torn manifest, and a file without one, are no units', async () => {
    await seal(2);
    truncateSync(join(folder(), '000000001.json'), 20);
    writeFileSync(join(folder(), '000000009.ndjson'), 'half a li');
    expect((await place.landed()).units.map((unit) => unit.name)).toEqual(['u2']);
  });

  it('a unit that is given up leaves nothing, and one at a time can be open', async () => {
    const pull = await place.begin(null);
    const unit = await pull.landing.open('u', { format: 'ndjson' });
    await expect(pull.landing.open('v', { format: 'ndjson' })).rejects.toThrow('before the one before it was closed');
    await unit.write(Buffer.from('x'));
    await pull.abandon();
    await pull.abandon();
    expect(readdirSync(folder())).toEqual([]);
    await expect(unit.write(Buffer.from('x'))).rejects.toThrow('after it was closed');
  });

  it('the next unit may be written while the one before is being sealed; they are sealed in order', async () => {
    const pull = await place.begin(null);
    const sealings: Promise<void>[] = [];
    for (let n = 1; n <= 4; n++) {
      const unit = await pull.landing.open(`u${n}`, { format: 'ndjson' });
      // The first one has the most to write.
      await unit.write(Buffer.alloc(n === 1 ? 4_000_000 : 10, 'x'));
      sealings.push(unit.close({ records: 1, position: { n } }));
    }
    await Promise.all(sealings);
    const told = ({ name, follows, number }: SealedUnit) => [name, follows, number];
    const expected = [1, 2, 3, 4].map((n) => [`u${n}`, n === 1 ? null : { n: n - 1 }, n]);
    expect(pull.units.map(told)).toEqual(expected);
    expect((await place.landed()).units.map(told)).toEqual(expected);
  });

  it('behind a unit that could not be sealed none is', async () => {
    const pull = await place.begin(null);
    const first = await pull.landing.open('u1', { format: 'ndjson' });
    // Its manifest cannot be put there.
    mkdirSync(join(folder(), '000000001.json', 'in the way'), { recursive: true });
    const sealings = [first.close({ records: 1, position: { n: 1 } })];
    const second = await pull.landing.open('u2', { format: 'ndjson' });
    sealings.push(second.close({ records: 1, position: { n: 2 } }));
    expect((await Promise.allSettled(sealings)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await pull.abandon();
    expect(pull.units).toEqual([]);
    expect(await place.landed()).toMatchObject({ units: [] });
  });

  it('bytes arrive as they were written, however they are cut, also when nobody waits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200_000 }), { maxLength: 8 }), async (pieces) => {
        const pull = await place.begin(null);
        const unit = await pull.landing.open('u', { format: 'ndjson' });
        const written = pieces.map((piece) => unit.write(piece));
        await Promise.all(written);
        await unit.close({ records: 0, position: {} });
        const [sealed] = pull.units;
        expect(sealed?.size_bytes).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0));
        expect((await place.landed()).units.map((one) => one.sha256)).toEqual([sealed?.sha256]);
        await place.remove();
      }),
      { numRuns: 20 },
    );
  });

  it('a refused unit is kept under its path until it is dropped, whatever the path', async () => {
    await seal(1);
    const [unit] = (await place.landed()).units;
    if (unit === undefined) throw new Error('nothing was sealed');
    await place.keepRefused(unit, '../../s/1/u');
    await place.remove();
    const kept = await place.refused('../../s/1/u');
    expect(existsSync(kept?.uri ?? '')).toBe(true);
    expect(kept?.uri.startsWith(join(root, 'landing', '_refused', 's'))).toBe(true);
    await place.dropRefused('../../s/1/u');
    expect(await place.refused('../../s/1/u')).toBeUndefined();
  });
});

describe('kept responses', () => {
  const about = (key: string) => ({ key, fetched_at: '2026-01-01T00:00:00Z', head: { status: '200' } });

  it('are found by their question, the newest first, and read back only while they have their hash', async () => {
    await place.raw.put(Buffer.from('one'), about('k'));
    const second = await place.raw.put(Buffer.from('two'), about('k'));
    await place.raw.put(Buffer.from('one'), about('other'));
    const again = openLandingPlace({ state_folder: root, source: 's', inspectors }).raw;
    expect(await again.find('k')).toEqual(second);
    expect((await again.entries()).map((entry) => entry.key)).toEqual(['k', 'k', 'other']);
    expect(Buffer.from(await again.read(second)).toString()).toBe('two');
    writeFileSync(join(root, 'raw/s', `${second.sha256}.gz`), 'rubbish');
    await expect(again.read(second)).rejects.toMatchObject({ code: 'E_LAKE_CORRUPT' });
  });

  it('an index that a power cut tore tells of the others', async () => {
    await place.raw.put(Buffer.from('one'), about('a'));
    appendFileSync(join(root, 'raw/s/index.ndjson'), '{"sha256":"ab');
    const again = openLandingPlace({ state_folder: root, source: 's', inspectors }).raw;
    await again.put(Buffer.from('two'), about('b'));
    const third = openLandingPlace({ state_folder: root, source: 's', inspectors }).raw;
    expect((await third.entries()).map((entry) => entry.key)).toEqual(['a', 'b']);
  });
});
