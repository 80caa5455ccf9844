import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FormatInspectors } from '../core/ports/format.ts';
import type { Landed, LandingPlace, SealedUnit } from '../core/ports/landing-place.ts';
import type { PullResult } from '../core/ports/pulled-source.ts';
import { makePrivateFolder, writeDurably } from '../kit/durable.ts';
import { faultPoint } from '../kit/fault.ts';
import { timeSortedId } from '../kit/ids.ts';
import { inspectLanded } from './inspect-landed.ts';
import { endFrom, type Manifest, manifestFrom, manifestText } from './manifest.ts';
import { openPull, unitBase } from './pull.ts';
import { openRawStore } from './raw-store.ts';
import { ENDINGS } from './unit-writer.ts';

const MANIFEST = /^(\d{9})\.json$/;
const END = /^(.+)\.end\.json$/;

/** The landing place of one source: `<state>/landing/<source>`, and its kept responses in `<state>/raw/<source>`. */
export function openLandingPlace(options: {
  readonly state_folder: string;
  readonly source: string;
  readonly inspectors: FormatInspectors;
}): LandingPlace {
  const folder = join(options.state_folder, 'landing', options.source);
  const refused_folder = join(options.state_folder, 'landing', '_refused', options.source);
  const raw = openRawStore(join(options.state_folder, 'raw', options.source));
  return {
    raw,
    count: async () => (await namesIn(folder)).filter((name) => MANIFEST.test(name)).length,
    landed: () => landedIn(folder),
    begin: async (position, sealed) => {
      await makePrivateFolder(folder);
      const numbers = (await namesIn(folder)).flatMap((name) => Number(/^(\d{9})\./.exec(name)?.[1] ?? 0));
      return openPull(folder, raw, {
        pull: timeSortedId(),
        first_number: Math.max(0, ...numbers) + 1,
        position,
        sealed,
      });
    },
    remove: async (units) => {
      faultPoint('landing-before-remove');
      if (units === undefined) await rm(folder, { recursive: true, force: true });
      else for (const unit of units) await removeUnit(folder, unit);
    },
    keepRefused: async (unit, path) => {
      await makePrivateFolder(refused_folder);
      const base = refusedBase(refused_folder, path);
      await rm(`${base}.${ENDINGS[unit.layout.format]}`, { force: true });
      await link(unit.uri, `${base}.${ENDINGS[unit.layout.format]}`);
      await writeDurably(`${base}.json`, manifestText({ ...unit, unreadable: 0 }));
    },
    refused: async (path) => {
      const base = refusedBase(refused_folder, path);
      const manifest = manifestFrom(await readFile(`${base}.json`, 'utf8').catch(() => ''));
      if (manifest === undefined) return undefined;
      return { ...manifest, uri: `${base}.${ENDINGS[manifest.layout.format]}`, number: 0 };
    },
    dropRefused: async (path) => {
      const base = refusedBase(refused_folder, path);
      for (const ending of ['json', ...Object.values(ENDINGS)]) await rm(`${base}.${ending}`, { force: true });
    },
    inspect: (unit, as, how) => inspectLanded(options.inspectors, unit, as, how),
  };
}

function refusedBase(folder: string, path: string): string {
  return join(folder, refusedName(path));
}

/** Under what a refused unit is kept. Paths come from the source: a hash of one cannot leave the folder. */
export function refusedName(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function landedIn(folder: string): Promise<Landed> {
  const units: SealedUnit[] = [];
  const ended = new Map<string, PullResult>();
  for (const name of await namesIn(folder)) {
    const text = (): Promise<string> => readFile(join(folder, name), 'utf8').catch(() => '');
    const number = MANIFEST.exec(name)?.[1];
    const pull = END.exec(name)?.[1];
    const end = pull === undefined ? undefined : endFrom(await text());
    if (pull !== undefined && end !== undefined) ended.set(pull, end);
    if (number === undefined) continue;
    const manifest = manifestFrom(await text());
    const unit = manifest === undefined ? undefined : await unitOf(unitBase(folder, Number(number)), manifest);
    if (unit !== undefined) units.push({ ...unit, number: Number(number) });
  }
  return { units, ended };
}

/** Undefined when its bytes are not what was sealed. */
async function unitOf(base: string, manifest: Manifest): Promise<Omit<SealedUnit, 'number'> | undefined> {
  const uri = `${base}.${ENDINGS[manifest.layout.format]}`;
  const there = await stat(uri).catch(() => undefined);
  if (
    there === undefined ||
    there.size !== manifest.size_bytes ||
    (await hashOf(uri).catch(() => '')) !== manifest.sha256
  )
    return undefined;
  if (manifest.unreadable === 0) return { ...manifest, uri };
  const unreadable_uri = `${base}.unreadable.ndjson`;
  return (await stat(unreadable_uri).catch(() => undefined)) === undefined
    ? undefined
    : { ...manifest, uri, unreadable_uri };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The manifest goes first: a file without one was never sealed. */
async function removeUnit(folder: string, { number, pull, layout }: SealedUnit): Promise<void> {
  const base = unitBase(folder, number);
  for (const ending of ['json', 'unreadable.ndjson', ENDINGS[layout.format]])
    await rm(`${base}.${ending}`, { force: true });
  await rm(join(folder, `${pull}.end.json`), { force: true });
}
