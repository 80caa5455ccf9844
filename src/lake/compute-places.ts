import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Project } from '../core/model/project.ts';
import { lakeFolder } from '../core/planning/lake-place.ts';
import type { ComputePlaces } from '../core/ports/engine-component.ts';
import type { FarLake } from './far/open-far-lake.ts';

/** The lake as an engine on other machines sees it. */
export function computePlaces(
  project: Pick<Project, 'lake' | 'root'>,
  far: FarLake | undefined,
): Pick<ComputePlaces, 'addressOf' | 'hashes' | 'scratchOf' | 'remove'> {
  const folder = lakeFolder(project);
  // One folder, not one in another: what it lies in would stay behind where empty folders are listed by nobody.
  const scratchOf: ComputePlaces['scratchOf'] = (label, name) =>
    join(folder, '_dataflow', 'tmp', `${(label.split('/')[0] ?? '').replaceAll(/[^\w-]/g, '_')}.spark-${name}`);
  if (far === undefined)
    return {
      hashes: false,
      addressOf: (uri) => `file://${uri}`,
      scratchOf,
      remove: (uri) => rm(uri, { recursive: true, force: true }),
    };
  const url = project.lake.url.replace(/\/+$/, '');
  const pathOf = (uri: string): string => {
    const path = far.storage.pathOf(uri);
    if (path === undefined) throw new DataflowError('E_INTERNAL', `${uri} lies outside the lake`);
    return path;
  };
  return {
    hashes: true,
    addressOf: (uri) => `${url}/${pathOf(uri)}`,
    scratchOf,
    remove: (uri) => far.storage.remove(pathOf(uri)),
  };
}
