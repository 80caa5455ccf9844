import { RemoteException } from './refusals.ts';
import type { FileStatus, FolderPage } from './webhdfs.ts';

/** Gives a page of a folder after a name; undefined when there is no such folder. */
export type PageOf = (path: string, after: string) => Promise<FolderPage | undefined>;

/** A folder page by page; one that is gone meanwhile is empty. @throws RemoteException when pages do not lead on: a listing is whole or fails */
export async function* pagesOf(path: string, page: PageOf): AsyncGenerator<readonly FileStatus[]> {
  for (let after = ''; ; ) {
    const found = await page(path, after);
    const last = found?.entries.at(-1);
    if (found === undefined) return;
    if (last !== undefined) yield found.entries;
    if (found.left === 0) return;
    if (last === undefined || last.pathSuffix === after)
      throw new RemoteException(
        'PagingException',
        `${path}: ${found.left} more files are said to follow and do not come`,
      );
    after = last.pathSuffix;
  }
}

/** A name in a folder; `/` ends only in itself. */
export function below(folder: string, name: string): string {
  return `${folder.replace(/\/$/, '')}/${name}`;
}
