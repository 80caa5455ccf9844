import type { FileStatus, FolderPage } from './webhdfs.ts';

/** Gives a page of a folder after a name; undefined when there is no such folder. */
export type PageOf = (path: string, after: string) => Promise<FolderPage | undefined>;

/** A folder page by page; one that is gone meanwhile is empty. */
export async function* pagesOf(path: string, page: PageOf): AsyncGenerator<readonly FileStatus[]> {
  for (let after = ''; ; ) {
    const found = await page(path, after);
    const last = found?.entries.at(-1);
    if (found === undefined || last === undefined) return;
    yield found.entries;
    if (found.left === 0) return;
    after = last.pathSuffix;
  }
}

/** A name in a folder; `/` ends only in itself. */
export function below(folder: string, name: string): string {
  return `${folder.replace(/\/$/, '')}/${name}`;
}
