import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { LogReport, VersionRange } from '../../core/ports/lake-care.ts';
import { digestFiles } from '../../kit/digest-pool.ts';
import { faultPoint } from '../../kit/fault.ts';
import { timeSortedId } from '../../kit/ids.ts';
import { openLedgerFor } from '../run/open-project.ts';
import { type FetchedLog, fetchData, fetchLog, type NeededFile, restoredOf } from './needed-files.ts';
import { damagedAndNotThere } from './not-mirrored.ts';
import type { LeftDamage, Restored, Restoring } from './restoring.ts';

const ENTRY = /\/(\d{20})\.json$/;
const OF_VERSION = /\/(\d{20})\.(?:json$|checkpoint\.)/;

/**
 * Puts files of the lake back that are missing or damaged, under the lock of runs. A log entry that is whole and says something else belongs to another
 * table: nothing is touched then. What was collected from the lake stays collected.
 */
export async function mendLake(restoring: Restoring): Promise<Restored> {
  const { rooms, project, options } = restoring;
  const lake = await rooms.openLake(project);
  const ledger = options.dry_run ? undefined : await openLedgerFor(rooms, project, lake);
  const lock = ledger?.lock(`pipeline:${project.name}`, options.command);
  const scratch = join(rooms.stateFolder(project), 'tmp', `restore-${timeSortedId()}`);
  try {
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    const care = await rooms.openLakeCare({ ...project, lake: { ...project.lake, url: scratch } });
    const logs: FetchedLog[] = [];
    for (const table of restoring.tables) logs.push(await fetchLog(restoring, table, scratch, care));
    const wanted: BrokenFile[] = [];
    const own = await rooms.openLakeCare(project);
    const left: LeftDamage[] = [];
    for (const log of logs) {
      const report = await own.examineLog(log.table);
      wanted.push(...(await brokenFiles(project.lake.url, report, log)));
      left.push(...(await damagedAndNotThere(project.lake.url, report, log)));
    }
    if (options.dry_run) return restoredOf(logs, wanted, 0, left);
    await fetchData(
      restoring,
      wanted.filter(({ is_log }) => !is_log),
      (path) => join(scratch, path),
    );
    faultPoint('restore-before-publish');
    // Data before the entries that name it.
    for (const { path } of [...wanted].sort((a, b) => Number(a.is_log) - Number(b.is_log))) {
      lock?.check();
      const target = join(project.lake.url, path);
      mkdirSync(dirname(target), { recursive: true });
      await rename(join(scratch, path), target);
    }
    return restoredOf(logs, wanted, 0, left);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    lock?.release();
    ledger?.close();
  }
}

type BrokenFile = NeededFile & { readonly is_log: boolean };

async function brokenFiles(lake: string, report: LogReport, log: FetchedLog): Promise<readonly BrokenFile[]> {
  const isGone = collectedHere(report, log);
  return [...brokenLog(lake, report, log, isGone), ...(await brokenData(lake, log, isGone))];
}

/** Versions that were collected from the lake. */
type IsGone = (version: number) => boolean;

function brokenLog(lake: string, report: LogReport, log: FetchedLog, isGone: IsGone): readonly BrokenFile[] {
  const damaged = new Set(report.problems.map((problem) => problem.path));
  const stands = log.log.map((file) => ({ ...file, stands: standOf(join(lake, file.path), file, damaged, isGone) }));
  const broken = stands.filter((file) => file.stands === 'broken');
  const newest = Math.max(-1, ...broken.map(({ path }) => Number(ENTRY.exec(path)?.[1] ?? -1)));
  const here = report.versions.at(-1)?.version;
  if (here !== undefined && newest > here && !stands.some((file) => file.stands === 'shared'))
    throw madeAnew(`${log.wanted.key} has version ${newest} in the mirror, and none there that the lake has too`);
  return broken.map(({ path, sha256, size_bytes }) => ({
    ...{ table: log.wanted.key, far_path: path, path, size_bytes, sha256 },
    ...{ versions: [], is_log: true },
  }));
}

/** How a file of the log is here: the `shared` ones are entries that say that both logs are of one table. */
function standOf(
  file: string,
  { path, sha256 }: FetchedLog['log'][number],
  damaged: ReadonlySet<string>,
  isGone: IsGone,
): 'shared' | 'stays' | 'broken' {
  const version = OF_VERSION.exec(path)?.[1];
  // A checkpoint that came back without its entry would be a version that no step made.
  if (!existsSync(file)) return version !== undefined && isGone(Number(version)) ? 'stays' : 'broken';
  const is_entry = ENTRY.test(path);
  // A checkpoint or history of another time says the same.
  if (!is_entry && !damaged.has(path)) return 'stays';
  if (createHash('sha256').update(readFileSync(file)).digest('hex') === sha256) return is_entry ? 'shared' : 'stays';
  if (is_entry && !damaged.has(path))
    throw madeAnew(`${path} of the lake is whole, and another one than in the mirror`);
  return 'broken';
}

async function brokenData(lake: string, log: FetchedLog, isGone: IsGone): Promise<readonly BrokenFile[]> {
  const data = log.data.filter(({ versions }) => versions.some((range) => !isWholly(range, isGone)));
  const digests = await digestFiles(data.map(({ path, size_bytes }) => ({ path: join(lake, path), size_bytes })));
  return data.flatMap((file, index) => {
    const found = digests[index];
    const whole = file.sha256 === undefined ? found?.size_bytes === file.size_bytes : found?.sha256 === file.sha256;
    return whole && found?.error === undefined ? [] : [{ ...file, is_log: false }];
  });
}

function madeAnew(words: string): DataflowError {
  return new DataflowError('E_FAR_CHANGED', words, {
    kept: 'nothing was changed',
    hint: 'The table was made anew since it was mirrored: bring the old one back beside the lake with --to.',
  });
}

/**
 * Tells versions that were collected from the lake from those that were lost: its own history names them, or the one there where its own is lost. A table
 * that cannot be read at all comes back with all that is there.
 */
function collectedHere({ versions, collected }: LogReport, log: FetchedLog): IsGone {
  if (versions.length === 0) return () => false;
  const readable = new Set(versions.map(({ version }) => version));
  const named = collected.size > 0 ? collected : log.collected;
  return (version) => named.has(version) && !readable.has(version);
}

function isWholly({ from, to }: VersionRange, isGone: IsGone): boolean {
  for (let version = to; version >= from; version--) if (!isGone(version)) return false;
  return true;
}
