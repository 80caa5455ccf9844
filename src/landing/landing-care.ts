import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LandingCare, LandingCollection, LandingRules } from '../core/ports/landing-care.ts';
import { isTorn, writeDurably } from '../kit/durable.ts';
import { faultPoint } from '../kit/fault.ts';
import { refusedName } from './open-landing.ts';
import { INDEX, readIndex } from './raw-store.ts';

const REFUSED = '_refused';

/** What all sources of a project have lying in its state folder. */
export function openLandingCare(state_folder: string): LandingCare {
  const [landing, raw] = [join(state_folder, 'landing'), join(state_folder, 'raw')];
  return {
    sources: async () => {
      const names = [landing, join(landing, REFUSED), raw].map((folder) => namesIn(folder));
      return [...new Set((await Promise.all(names)).flat())].filter((name) => name !== REFUSED).sort();
    },
    plan: async (source, rules) => {
      const parts = [
        await landedPart(join(landing, source), rules.landed_before_ms),
        await refusedPart(join(landing, REFUSED, source), rules.refused),
        await responsesPart(join(raw, source), rules.responses),
        await tornPart(join(landing, REFUSED, source), rules.torn_before_ms),
        await tornPart(join(raw, source), rules.torn_before_ms),
      ];
      const sum = (of: (part: Part) => number | undefined): number =>
        parts.reduce((all, one) => all + (of(one) ?? 0), 0);
      const index = parts.find((one) => one.index !== undefined)?.index;
      return {
        source,
        landed_files: sum((one) => one.landed_files),
        refused_units: sum((one) => one.refused_units),
        responses: sum((one) => one.responses),
        torn_files: sum((one) => one.torn_files),
        size_bytes: sum((one) => one.size_bytes),
        files: parts.flatMap((one) => one.files),
        ...(index === undefined ? {} : { index }),
      };
    },
    collect: async ({ source, files, index }) => {
      // An entry without its body would be taken for damage; a body without an entry goes the next time.
      if (index !== undefined) await writeDurably(join(raw, source, INDEX), index);
      faultPoint('before-collect-landing');
      for (const file of files) await rm(file, { force: true });
      for (const folder of new Set(files.map((file) => dirname(file)))) await rmdir(folder).catch(() => undefined);
    },
  };
}

type Part = Pick<LandingCollection, 'files' | 'size_bytes' | 'index'> &
  Partial<Pick<LandingCollection, 'landed_files' | 'refused_units' | 'responses' | 'torn_files'>>;

const NOTHING: Part = { files: [], size_bytes: 0 };

interface Found {
  readonly name: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly written_ms: number;
}

async function landedPart(folder: string, before_ms: number | undefined): Promise<Part> {
  if (before_ms === undefined) return NOTHING;
  const found = await filesIn(folder);
  // All or none: the units of a pull go on from each other.
  return found.some((one) => one.written_ms >= before_ms) ? NOTHING : { ...goes(found), landed_files: found.length };
}

async function refusedPart(folder: string, rules: LandingRules['refused']): Promise<Part> {
  if (rules === undefined) return NOTHING;
  const needed = new Set([...rules.needed].map(refusedName));
  const spent = (await filesIn(folder)).filter(
    ({ name, written_ms }) =>
      written_ms < rules.before_ms && !isTorn(name) && !needed.has(name.slice(0, name.indexOf('.'))),
  );
  return { ...goes(spent), refused_units: spent.filter(({ name }) => name.endsWith('.json')).length };
}

async function responsesPart(folder: string, rules: LandingRules['responses']): Promise<Part> {
  if (rules === undefined) return NOTHING;
  const entries = await readIndex(join(folder, INDEX));
  const newest = new Map(entries.map((entry) => [`${entry.key} ${entry.sha256}`, entry]));
  const stay = entries.filter((entry) => {
    const { key, sha256, fetched_at } = entry;
    if (!(Date.parse(fetched_at) < rules.before_ms)) return true;
    return rules.needed.has(sha256) && newest.get(`${key} ${sha256}`) === entry;
  });
  const bodies = new Set(stay.map(({ sha256 }) => `${sha256}.gz`));
  const spent = (await filesIn(folder)).filter(
    ({ name, written_ms }) => name.endsWith('.gz') && !bodies.has(name) && written_ms < rules.before_ms,
  );
  const index = stay.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  return { ...goes(spent), responses: spent.length, ...(stay.length < entries.length ? { index } : {}) };
}

/** Landed units are not among these: they go with their folder, once they are in the lake. */
async function tornPart(folder: string, before_ms: number | undefined): Promise<Part> {
  if (before_ms === undefined) return NOTHING;
  const torn = (await filesIn(folder)).filter(({ name, written_ms }) => isTorn(name) && written_ms < before_ms);
  return { ...goes(torn), torn_files: torn.length };
}

function goes(found: readonly Found[]): Part {
  return {
    files: found.map(({ path }) => path),
    size_bytes: found.reduce((sum, one) => sum + one.size_bytes, 0),
  };
}

async function filesIn(folder: string): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const about = await stat(path).catch(() => undefined);
    if (about?.isFile() === true) found.push({ name, path, size_bytes: about.size, written_ms: about.mtimeMs });
  }
  return found;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
