import { accessSync, constants, existsSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Project } from '../../../core/model/project.ts';
import { engineLimits } from '../../../core/planning/engine-limits.ts';
import { machineLimits } from '../../../kit/machine.ts';
import { sizeText } from '../../../kit/units.ts';
import type { Rooms } from '../../rooms.ts';
import { type DoctorFinding, fail, failure, ok, warn } from './finding.ts';

const NODE_OLDEST = [20, 19] as const;
/** Free space below which a run is likely to end in the middle, and below which it deserves a look. */
const DISK_FAIL_BYTES = 100e6;
const DISK_WARN_BYTES = 1e9;
const INODES_WARN = 10_000;

/** The program itself and what it runs on. */
export function environment(rooms: Rooms): readonly DoctorFinding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor < NODE_OLDEST[1]);
  const says = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return [
    ok('dataflow', `version ${rooms.version}`),
    old ? fail('node', `${says} is too old`, `Install Node ${NODE_OLDEST.join('.')} or later.`) : ok('node', says),
  ];
}

/** Memory and CPUs that the engine gets, and whether it starts. */
export async function engine(rooms: Rooms, project: Project): Promise<readonly DoctorFinding[]> {
  const machine = machineLimits();
  const limits = engineLimits(project.engine, machine);
  const has = `${sizeText(machine.memory_bytes)} and ${machine.cpus} CPUs in the ${machine.memory_from}`;
  const gets = `the engine gets ${sizeText(limits.memory_bytes)} and ${limits.threads} threads`;
  const found: DoctorFinding[] =
    limits.warnings.length === 0
      ? [ok('resources', `${has}; ${gets}`)]
      : limits.warnings.map((message) => warn('resources', message, 'Lower the value in engine:, or leave it out.'));
  // A bare one in the system's folder for temporary files: nothing is written into the project, and nothing stays.
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-doctor-'));
  try {
    const opened = await rooms.openBareEngine(project.engine, folder);
    try {
      const session = await opened.openSession({ label: 'doctor' });
      await session.rows('select 42 as answer');
      await session.close();
      found.push(ok('engine', `${opened.type} starts and answers`));
    } finally {
      await opened.close();
    }
  } catch (error) {
    found.push(failure('engine', error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return found;
}

/** Whether the folder of a local lake can be written to (asked, not tried), and who else may read its state. */
export function permissions(rooms: Rooms, project: Project): readonly DoctorFinding[] {
  const { url } = project.lake;
  if (url.includes('://')) return [];
  const nearest = nearestExisting(url);
  const shown = (path: string): string => relative(project.root, path) || '.';
  const found: DoctorFinding[] = [];
  try {
    accessSync(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
    found.push(
      ok(
        'lake folder',
        existsSync(url) ? `${shown(url)} can be written to` : `${shown(url)} will be made by the first run`,
      ),
    );
  } catch {
    found.push(
      fail(
        'lake folder',
        `${shown(nearest)} cannot be written to by this user`,
        `Give this user the right to write there (chown or chmod), or set lake.url to another folder.`,
      ),
    );
  }
  const ledger = join(rooms.stateFolder(project), 'ledger.db');
  const open = [rooms.stateFolder(project), ledger].filter((path) => isOpenToOthers(path));
  if (open.length > 0) {
    const remedy = `chmod go-rwx ${open.map(shown).join(' ')}`;
    found.push(warn('private state', `${open.map(shown).join(' and ')} can be read by other users`, remedy));
  } else if (existsSync(ledger)) found.push(ok('private state', 'the ledger can be read by this user alone'));
  return found;
}

function isOpenToOthers(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o077) !== 0;
}

/** Free space of the file system that the lake lies on. `last_bytes` is what the last run wrote. */
export function disk(project: Project, last_bytes: number): readonly DoctorFinding[] {
  const { url } = project.lake;
  if (url.includes('://')) return [];
  try {
    const { bavail, bsize, ffree, files } = statfsSync(nearestExisting(url));
    const free = bavail * bsize;
    const says = `${sizeText(free)} free where the lake lies`;
    if (free < DISK_FAIL_BYTES)
      return [fail('disk', says, 'Free some space, or collect old versions: dataflow compact.')];
    if (free < Math.max(DISK_WARN_BYTES, 2 * last_bytes)) {
      const because = free < DISK_WARN_BYTES ? '' : `; the last run wrote ${sizeText(last_bytes)}`;
      return [warn('disk', `${says}${because}`, 'Free some space, or collect old versions: dataflow compact.')];
    }
    // File systems without a fixed number of files say 0.
    if (files > 0 && ffree < INODES_WARN)
      return [warn('disk', `${ffree} more files fit on the file system`, 'Remove small files, or compact the lake.')];
    return [ok('disk', says)];
  } catch (error) {
    return [failure('disk', error)];
  }
}

/** The folder itself or the first one above it that exists. */
function nearestExisting(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
