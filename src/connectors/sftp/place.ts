import type SftpClient from 'ssh2-sftp-client';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type {
  FilePlace,
  ListRequest,
  PlaceComponent,
  PlacedBytes,
  PlacedFile,
  PlacedOddity,
} from '../../core/ports/file-place.ts';
import type { SftpConnectionOptions } from './connection.ts';
import { SftpSession } from './session.ts';

/** Files of a server that speaks SFTP: `connection:` of type sftp. */
export const component: PlaceComponent = {
  type: 'sftp',
  open: ({ options }, root) => sftpPlace(new SftpSession(options as SftpConnectionOptions, root)),
};

/** Folders deeper than this below the glob's base are a loop or an accident. */
const DEPTH_MAX = 100;

function sftpPlace(session: SftpSession): FilePlace {
  return {
    list: async ({ folder, depth, signal }) => {
      const first = await entriesOf(session, folder);
      return first === undefined ? undefined : walk(session, folder, first, depth, signal);
    },
    read: (file, from, signal) => read(session, file, from, signal),
    unchanged: async (file) => {
      const now = await statOf(session, file.path);
      return now?.size_bytes === file.size_bytes && now.mtime_ns === file.mtime_ns;
    },
  };
}

type Entry = SftpClient.FileInfo;

async function* walk(
  session: SftpSession,
  folder: string,
  entries: readonly Entry[],
  depth: number,
  signal: ListRequest['signal'],
): AsyncGenerator<PlacedFile | PlacedOddity> {
  const folders = [{ folder, entries, level: 0 }];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const at = next;
    for (const entry of at.entries) {
      signal?.throwIfAborted();
      const path = joined(at.folder, entry.name);
      if (entry.type === 'd') {
        if (at.level >= Math.min(depth, DEPTH_MAX) || entry.name.startsWith('.')) continue;
        folders.push({ folder: path, entries: (await entriesOf(session, path)) ?? [], level: at.level + 1 });
      } else yield await placed(session, entry, path);
    }
  }
}

/** A link to a file counts as the file, as it does on the own disk; whoever serves it decides what it leads to. */
async function placed(session: SftpSession, entry: Entry, path: string): Promise<PlacedFile | PlacedOddity> {
  if (entry.type === '-') return fileOf(path, entry.size, entry.modifyTime);
  if (entry.type === 'l') return (await statOf(session, path)) ?? { path, odd: 'a link to nothing, or to a folder' };
  return { path, odd: 'a device, a named pipe or a socket' };
}

function fileOf(path: string, size_bytes: number, mtime_ms: number): PlacedFile {
  return { path, size_bytes, mtime_ns: `${mtime_ms}000000`, mark: '0' };
}

async function statOf(session: SftpSession, path: string): Promise<PlacedFile | undefined> {
  return await session.use(async (client) => {
    try {
      const stat = await client.stat(path);
      return stat.isFile ? fileOf(path, stat.size, stat.modifyTime) : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

/** Undefined: it is not there. */
async function entriesOf(session: SftpSession, folder: string): Promise<readonly Entry[] | undefined> {
  return await session.use(async (client) => {
    try {
      return await client.list(folder === '' ? '.' : folder);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

async function read(
  session: SftpSession,
  file: PlacedFile,
  from: number,
  signal: AbortSignal | undefined,
): Promise<PlacedBytes> {
  const now = await statOf(session, file.path);
  if (now?.size_bytes !== file.size_bytes || now.mtime_ns !== file.mtime_ns)
    throw new DataflowError(
      'E_SOURCE_CHANGED',
      `${file.path} is gone from ${session.name}, or was written to since it was listed`,
    );
  return { chunks: session.read(file.path, from, signal) };
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 2 || error.code === 'ENOENT');
}
