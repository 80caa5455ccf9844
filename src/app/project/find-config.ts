import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** Names under which a configuration is looked for in each folder, the first one wins. */
const CONFIG_NAMES = ['pipelines.yaml', 'pipelines.yml', join('.config', 'pipelines.yaml')];

/**
 * Absolute path of the configuration: `config` if given (a file, or a folder that holds one), else the nearest one at or above `cwd`, up to
 * the root of the git repository, the home folder or the file system.
 * @throws DataflowError E_CONFIG_NOT_FOUND
 */
export async function findConfig(cwd: string, config: string | undefined): Promise<string> {
  if (config !== undefined) return named(resolve(cwd, config), config);
  // The usual case, a file in the working folder, costs one stat; the search library costs ten milliseconds to load.
  const here = isFile(join(cwd, 'pipelines.yaml')) ? join(cwd, 'pipelines.yaml') : await searchUpwards(cwd);
  if (here !== undefined) return here;
  throw new DataflowError('E_CONFIG_NOT_FOUND', `there is no pipelines.yaml in ${cwd} or above it`);
}

/** The folder that relative paths in the configuration start from. */
export function projectRoot(config_file: string): string {
  const folder = dirname(config_file);
  return basename(folder) === '.config' ? dirname(folder) : folder;
}

function named(path: string, given: string): string {
  if (isFile(path)) return path;
  const inside = CONFIG_NAMES.map((name) => join(path, name)).find(isFile);
  if (inside !== undefined) return inside;
  throw new DataflowError('E_CONFIG_NOT_FOUND', `there is no configuration at ${given}`);
}

/** The library's types hide the class. */
type ExplorerClass = new (options: object) => { search(folder: string): Promise<{ readonly filepath: string } | null> };

/**
 * The search class is imported directly: the library's front door first looks for settings of its own in the working folder
 * and would run a `.config/config.js` or load the TypeScript compiler there.
 */
async function searchUpwards(cwd: string): Promise<string | undefined> {
  const { default: library } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as {
    default: { Explorer: ExplorerClass };
  };
  const explorer = new library.Explorer({
    moduleName: 'dataflow',
    searchPlaces: CONFIG_NAMES,
    ignoreEmptySearchPlaces: false,
    cache: false,
    // Only the path matters: the text is read by our own loader, which knows limits and positions.
    loaders: { '.yaml': () => ({}), '.yml': () => ({}) },
    transform: (result: unknown) => result,
    metaConfigFilePath: null,
    applyPackagePropertyPathToConfiguration: false,
    mergeImportArrays: true,
    mergeSearchPlaces: true,
    searchStrategy: 'none',
  });
  for (const folder of foldersUpwards(cwd)) {
    // The library reads what it finds, whatever its size and kind: a pipe would hang it, a device fill the memory.
    const odd = CONFIG_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path) && !isFile(path));
    if (odd !== undefined) throw new DataflowError('E_CONFIG_NOT_FOUND', `${odd} is not a file`);
    const found = await explorer.search(folder);
    if (found !== null) return found.filepath;
  }
  return undefined;
}

function foldersUpwards(cwd: string): readonly string[] {
  const home = homedir();
  const folders: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === home || dirname(folder) === folder || existsSync(join(folder, '.git'))) return folders;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // absent, or below something that is no folder
  }
}
