import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { FilePlace, PlaceComponent, PlacedFile, PlacedOddity } from '../../core/ports/file-place.ts';
import type { HdfsConnectionOptions } from './connection.ts';
import { type FileStatus, WebHdfs } from './webhdfs.ts';

/** Files of an HDFS cluster: `connection:` of type hdfs. */
export const component: PlaceComponent = {
  type: 'hdfs',
  open: ({ options }) => hdfsPlace(new WebHdfs(options as HdfsConnectionOptions)),
};

/** Folders deeper than this below the glob's base are an accident. */
const DEPTH_MAX = 100;

function hdfsPlace(hdfs: WebHdfs): FilePlace {
  return {
    list: async ({ folder, depth, signal }) => {
      const base = folder === '' ? '/' : folder;
      if (!base.startsWith('/'))
        throw new DataflowError('E_SOURCE_QUERY', `${base} is no path of HDFS: it begins with /`);
      const status = await hdfs.status(base, signal);
      return status?.type === 'DIRECTORY' ? walk(hdfs, base, depth, signal) : undefined;
    },
    read: async (file, from, signal) => {
      const chunks = await hdfs.open(file.path, from, signal);
      if (chunks === undefined) throw new DataflowError('E_SOURCE_CHANGED', `${file.path} is gone from ${hdfs.name}`);
      return { chunks: told(hdfs, chunks) };
    },
    unchanged: async (file, signal) => {
      const status = await hdfs.status(file.path, signal);
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
    const { level } = at;
    for await (const status of entriesOf(hdfs, at.path, signal)) {
      const path = `${at.path.replace(/\/$/, '')}/${status.pathSuffix}`;
      if (status.type === 'DIRECTORY') {
        const inside = level < Math.min(depth, DEPTH_MAX) && !status.pathSuffix.startsWith('.');
        if (inside) folders.push({ path, level: level + 1 });
      } else yield status.type === 'FILE' ? fileOf(path, status) : { path, odd: 'a link' };
    }
  }
}

/** A folder page by page; one that is gone meanwhile is empty. */
async function* entriesOf(hdfs: WebHdfs, path: string, signal: AbortSignal | undefined): AsyncGenerator<FileStatus> {
  for (let after = ''; ; ) {
    const page = await hdfs.page(path, after, signal);
    yield* page?.entries ?? [];
    const last = page?.entries.at(-1);
    if (page === undefined || last === undefined || page.left === 0) return;
    after = last.pathSuffix;
  }
}

function fileOf(path: string, { length, modificationTime, fileId }: FileStatus): PlacedFile {
  return { path, size_bytes: length, mtime_ns: `${modificationTime}000000`, mark: String(fileId ?? 0) };
}

/** What breaks on the way is told in the words of a place. */
async function* told(hdfs: WebHdfs, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw hdfs.fault(error);
  }
}
