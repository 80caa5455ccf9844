import { lstatSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Project } from '../../../core/model/project.ts';
import { type DoctorFinding, fail } from './finding.ts';

const REMEDY = 'Set lake.url to a folder, or to the name of one that can be made.';

/** Why no lake can lie where `lake.url` says; undefined when it can. */
export function noPlaceForLake({ lake, root }: Pick<Project, 'lake' | 'root'>): DoctorFinding | undefined {
  if (lake.url.includes('://')) return undefined;
  const shown = (path: string): string => {
    const short = relative(root, path);
    return short.startsWith('..') ? path : short || '.';
  };
  for (let path = lake.url; ; path = dirname(path)) {
    const there = found(() => statSync(path));
    if (there === undefined && found(() => lstatSync(path))?.isSymbolicLink() === true)
      return fail(
        'lake folder',
        `${shown(path)} is a link to something that is not there`,
        'Mount what it leads to, or set lake.url to another folder.',
      );
    if (there === undefined && dirname(path) !== path) continue;
    if (there?.isDirectory() !== true) return fail('lake folder', `${shown(path)} is not a folder`, REMEDY);
    // A file system of the kernel's own, such as /proc, has no room for anything.
    if (statfsSync(path).blocks === 0)
      return fail('lake folder', `the file system at ${shown(path)} holds no files`, REMEDY);
    return undefined;
  }
}

/** Undefined when the name, or a folder of its path, is not there. */
function found(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
