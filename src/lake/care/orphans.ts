import type { PublishedFile } from '../../core/ports/lake-care.ts';
import type { LakeStorage } from '../../core/ports/storage.ts';
import type { LogReader, VersionEntry } from '../log-reader.ts';
import type { TableState } from '../table-state.ts';

/** Files in a table's folder that nothing in its log names. Hidden names and those that start with `_` are others' business. */
export async function orphansOf(
  storage: LakeStorage,
  folder: string,
  log: LogReader,
  entries: ReadonlyMap<number, VersionEntry>,
  files: readonly PublishedFile[],
  newest: TableState,
): Promise<readonly { readonly path: string; readonly size_bytes: number }[]> {
  const named = new Set(files.map((file) => file.path));
  for (const [path] of newest.removes) named.add(path);
  for (const { actions } of entries.values())
    for (const { add, remove } of actions) {
      const path = add?.path ?? remove?.path;
      if (path !== undefined) named.add(log.resolve(path));
    }
  const orphans: { path: string; size_bytes: number }[] = [];
  for (const path of await dataFilesBelow(storage, folder)) {
    if (named.has(path.slice(folder.length + 1))) continue;
    const info = await storage.info(path);
    if (info !== undefined) orphans.push({ path, size_bytes: info.size_bytes });
  }
  return orphans;
}

async function dataFilesBelow(storage: LakeStorage, folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const name of [...(await storage.list(folder))].sort()) {
    if (name.startsWith('_') || name.startsWith('.')) continue;
    const path = `${folder}/${name}`;
    const below = name.endsWith('.parquet') ? [] : await dataFilesBelow(storage, path);
    if (below.length > 0) paths.push(...below);
    else if (name.includes('.')) paths.push(path);
  }
  return paths;
}
