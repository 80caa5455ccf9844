import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Project } from '../../core/model/project.ts';
import { timeSortedId } from '../../kit/ids.ts';
import type { Rooms } from '../rooms.ts';

/**
 * Does something with a private folder, which is gone afterwards: beside the lake, or in the system's folder for such things when the lake
 * cannot be written to, so that looking works there too.
 */
export async function withScratch<T>(rooms: Rooms, project: Project, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await makeFolder(join(rooms.stateFolder(project), 'tmp', timeSortedId()));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFolder(wanted: string): Promise<string> {
  try {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
    return wanted;
  } catch {
    return mkdtemp(join(tmpdir(), 'dataflow-'));
  }
}
