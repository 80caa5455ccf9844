import { resolve } from 'node:path';

/** Absolute paths of the files that an entry of `include` names, sorted. A name without glob characters is itself, whether it exists or not. */
export async function includedFiles(pattern: string, folder: string): Promise<readonly string[]> {
  if (!/[*?[\]{}()!]/.test(pattern)) return [resolve(folder, pattern)];
  const { glob } = await import('tinyglobby');
  const found = await glob(pattern, {
    cwd: folder,
    absolute: true,
    onlyFiles: true,
    expandDirectories: false,
    followSymbolicLinks: false,
  });
  return found.map((path) => resolve(path)).sort();
}
