import { execFile } from 'node:child_process';
import { closeSync, constants, createReadStream, existsSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { TextFormat } from '../../core/ports/engine.ts';
import { quoteText } from '../../kit/sql.ts';
import { makePipeFolder } from './pipe-folder.ts';

/** NULL in tab-separated lines; whoever writes the expressions escapes backslashes, so that no text can be this. */
const NULL_TEXT = '\\N';

/** In order the engine would keep what its threads make until its turn comes: all of it, where the reader is slow. */
const ANY_ORDER = 'preserve_order false';

const OPTIONS: Readonly<Record<TextFormat, string>> = {
  tab: `${ANY_ORDER}, format csv, header false, quote '', escape '', delimiter '\t', nullstr ${quoteText(NULL_TEXT)}`,
  ndjson: `${ANY_ORDER}, format json`,
};

/**
 * The rows of a query as text, while the engine makes them: it writes into a pipe, and stops when nobody reads. Where there are no pipes with names
 * (Windows) it is a file in between.
 * @returns how many rows there were
 */
export async function* exportBytes(
  connection: DuckDBConnection,
  sql: string,
  format: TextFormat,
): AsyncGenerator<Uint8Array, number, void> {
  const folder = makePipeFolder();
  const path = join(folder, 'rows');
  const copyTo = async (uri: string): Promise<number> => {
    const reader = await connection.runAndReadAll(`copy (${sql}\n) to ${quoteText(uri)} (${OPTIONS[format]})`);
    return Number(reader.getRowsJson()[0]?.[0] ?? 0);
  };
  try {
    const pipe = await openPipe(path);
    if (pipe === undefined) {
      const rows = await copyTo(path);
      yield* createReadStream(path, { highWaterMark: 1 << 18 });
      return rows;
    }
    rmSync(folder, { recursive: true });
    return yield* throughPipe(pipe, copyTo);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Pipe {
  readonly read_fd: number;
  readonly write_fd: number;
}

/** Both ends of a new pipe; undefined where the system has none with names. */
async function openPipe(path: string): Promise<Pipe | undefined> {
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
  } catch {
    return undefined;
  }
  const read_fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { read_fd, write_fd: openSync(path, constants.O_WRONLY) };
}

async function* throughPipe(
  { read_fd, write_fd }: Pipe,
  copyTo: (uri: string) => Promise<number>,
): AsyncGenerator<Uint8Array, number, void> {
  const reader = new Socket({ fd: read_fd, readable: true, writable: false });
  const names = existsSync('/proc/self/fd') ? '/proc/self/fd' : '/dev/fd';
  // Our own end stays open until the engine is done, so that the end of the text is its end, not a moment without writer.
  const written = copyTo(`${names}/${write_fd}`).finally(() => closeSync(write_fd));
  // Whoever stops early gets no answer from here.
  written.catch(() => undefined);
  let whole = false;
  try {
    yield* reader as AsyncIterable<Uint8Array>;
    whole = true;
  } finally {
    reader.destroy();
    // The engine finds nobody who reads; its session must not be used before it has.
    if (!whole) await written.catch(() => undefined);
  }
  return await written;
}
