import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project } from '../core/model/project.ts';
import { lakeFolder } from '../core/planning/lake-place.ts';
import type { ComputePlaces } from '../core/ports/engine-component.ts';
import type { FarLake } from './far/open-far-lake.ts';

/** The lake as an engine on other machines sees it. */
export function computePlaces(
  project: Pick<Project, 'lake' | 'root'>,
  far: FarLake | undefined,
): Pick<ComputePlaces, 'addressOf' | 'scratchOf' | 'remove'> {
  const folder = lakeFolder(project);
  const scratchOf: ComputePlaces['scratchOf'] = (label, name) =>
    join(folder, '_dataflow', 'tmp', (label.split('/')[0] ?? '').replaceAll(/[^\w-]/g, '_'), `spark-${name}`);
  if (far === undefined)
    return {
      addressOf: (uri) => `file://${uri}`,
      scratchOf,
      remove: (uri) => rm(uri, { recursive: true, force: true }),
    };
  return {
    addressOf: (uri) => `${project.lake.url.replace(/\/+$/, '')}/${far.storage.pathOf(uri) ?? uri}`,
    scratchOf,
    remove: (uri) => rm(uri, { recursive: true, force: true }),
  };
}
