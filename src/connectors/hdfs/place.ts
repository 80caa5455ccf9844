import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace, PlaceComponent, PlacedFile, PlacedOddity } from '../../core/ports/file-place.ts';
import type { HdfsConnectionOptions } from './connection.ts';
import { sourceFault } from './refusals.ts';
import { below, pagesOf } from './walk.ts';
import { type FileStatus, WebHdfs } from './webhdfs.ts';

/** Files of an HDFS cluster: `connection:` of type hdfs. */
export const component: PlaceComponent = {
  type: 'hdfs',
  open: ({ options }, root) => hdfsPlace(new WebHdfs(options as HdfsConnectionOptions, root)),
};

/** Folders deeper than this below the glob's base are an accident. */
const DEPTH_MAX = 100;

function hdfsPlace(hdfs: WebHdfs): FilePlace {
  return {
    list: async ({ folder, depth, signal }) => {
      const base = folder === '' ? '/' : folder;
      if (!base.startsWith('/'))
        throw new DataflowError('E_SOURCE_QUERY', `${base} is no path of HDFS: it begins with /`);
      const status = await told(hdfs, hdfs.status(base, signal));
      return status?.type === 'DIRECTORY' ? walk(hdfs, base, depth, signal) : undefined;
    },
    read: async (file, from, signal) => {
      const chunks = await told(hdfs, hdfs.open(file.path, { offset: from }, signal));
      if (chunks === undefined) throw new DataflowError('E_SOURCE_CHANGED', `${file.path} is gone from ${hdfs.name}`);
      return { chunks: toldOf(hdfs, chunks) };
    },
    unchanged: async (file, signal) => {
      const status = await told(hdfs, hdfs.status(file.path, signal));
      if (status === undefined) return false;
      const now = fileOf(file.path, status);
      return now.size_bytes === file.size_bytes && now.mtime_ns === file.mtime_ns && now.mark === file.mark;
    },
  };
}

async function* walk(
  hdfs: WebHdfs,
  base: string,
  depth: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<PlacedFile | PlacedOddity> {
  const folders = [{ path: base, level: 0 }];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    const { path: folder, level } = at;
    const pages = pagesOf(folder, (path, after) => told(hdfs, hdfs.page(path, after, signal)));
    for await (const page of pages)
      for (const status of page) {
        const path = below(folder, status.pathSuffix);
        if (status.type !== 'DIRECTORY') yield status.type === 'FILE' ? fileOf(path, status) : { path, odd: 'a link' };
        else if (isMeant(status, level, depth)) folders.push({ path, level: level + 1 });
      }
  }
}

function isMeant({ pathSuffix }: FileStatus, level: number, depth: number): boolean {
  return level < Math.min(depth, DEPTH_MAX) && !pathSuffix.startsWith('.');
}

function fileOf(path: string, { length, modificationTime, fileId }: FileStatus): PlacedFile {
  return { path, size_bytes: length, mtime_ns: `${modificationTime}000000`, mark: String(fileId ?? 0) };
}

/** What was refused or broke, in the words of a place. */
async function told<T>(hdfs: WebHdfs, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw sourceFault(hdfs.name, error);
  }
}

async function* toldOf(hdfs: WebHdfs, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw sourceFault(hdfs.name, error);
  }
}
