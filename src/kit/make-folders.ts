import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, one after the other: where the system refuses a new name with ENOENT (`/proc`, an unmounted
 * automount), Node's own recursive mkdir asks again for ever. Answers those that were not there, deepest first.
 */
export function makeFolders(folder: string, mode = 0o777): readonly string[] {
  const missing: string[] = [];
  let above = folder;
  for (; isMissing(above) && dirname(above) !== above; above = dirname(above)) missing.push(above);
  if (missing.length === 0 && !statSync(folder).isDirectory()) throw notFolder(folder);
  return missing
    .toReversed()
    .filter((one) => madeHere(one, mode))
    .reverse();
}

function isMissing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) === undefined;
}

/** Another process may have been faster. */
function madeHere(folder: string, mode: number): boolean {
  try {
    mkdirSync(folder, { mode });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const there = statSync(folder, { throwIfNoEntry: false });
    if (there?.isDirectory() === true) return false;
    throw there === undefined ? refusal('ENOENT', 'the link leads to nothing', folder) : notFolder(folder);
  }
}

function notFolder(path: string): Error {
  return refusal('ENOTDIR', 'not a directory', path);
}

/** In the form of the system's own errors. */
function refusal(code: string, words: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${words}, mkdir '${path}'`), { code });
}
