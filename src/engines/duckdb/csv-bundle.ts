import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { CsvDialect, ParseFile, ParseRequest } from '../../core/ports/engine.ts';

/**
 * Many small CSV files as one: opening a file costs the engine more than parsing a kilobyte, so the lines of files that hold one
 * record a line are written behind each other, each line preceded by its file's id. (The files were just read for their hash, so
 * reading them once more comes from memory.)
 */
export interface CsvBundle {
  readonly file: ParseFile;
  /** Where each file's lines stand in it, in order. */
  readonly parts: readonly BundlePart[];
}

export interface BundlePart {
  readonly id: string;
  /** Line of the bundle (1-based) that holds the file's first record, and that line's first byte. */
  readonly bundle_line: number;
  readonly bundle_offset: number;
  readonly lines: number;
  /** The same place in the file itself. */
  readonly file_line: number;
  readonly file_offset: number;
  /** Bytes and characters that precede each line. */
  readonly prefix_bytes: number;
  readonly prefix_chars: number;
  /** Bytes that end a line in the file: 1 or 2. */
  readonly line_end_bytes: number;
}

/** Fewer files are not worth a copy. */
const FILES_MIN = 16;
/** Larger files are parsed where they lie. */
const FILE_BYTES_MAX = 256 * 1024;
const OUT_BYTES = 4 * 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Whether all files of a request can be put behind each other without changing what they say. */
export function isBundleable(request: ParseRequest): boolean {
  const { files, dialect } = request;
  if (request.format !== 'csv' || dialect === undefined || request.multiline_records === true) return false;
  if (files.length < FILES_MIN || dialect.quote.length !== 1) return false;
  return files.every(
    (file) =>
      file.compression === 'none' &&
      file.first_record_line !== undefined &&
      file.size_bytes !== undefined &&
      file.size_bytes <= FILE_BYTES_MAX &&
      isPlain(file.id, dialect),
  );
}

/** An id that stands between quotes as it is. */
function isPlain(id: string, dialect: CsvDialect): boolean {
  for (const char of id)
    if (char === dialect.quote || char === dialect.escape || char < ' ' || char === '\ufffd') return false;
  return true;
}

/**
 * Undefined when a file's lines end in a way that cannot be kept; nothing is left behind then.
 * @throws DataflowError E_SOURCE_IO when a file cannot be read, E_LAKE_IO when the bundle cannot be written.
 */
export async function writeBundle(
  request: ParseRequest,
  dialect: CsvDialect,
  name: string,
): Promise<CsvBundle | undefined> {
  const uri = join(request.target.folder, `.${name}.csv`);
  const out = new Out(uri);
  const parts: BundlePart[] = [];
  try {
    let since = 0;
    for (const file of request.files) {
      const content = readAll(file);
      if (!content.includes(LF) && content.includes(CR)) return await discarded(uri);
      parts.push(append(out, file, content, dialect));
      since += content.length;
      if (since < OUT_BYTES) continue;
      since = 0;
      await turn();
    }
    out.flush();
  } catch (error) {
    await discarded(uri);
    throw error;
  } finally {
    out.close();
  }
  return { file: { id: name, uri, compression: 'none' }, parts };
}

async function discarded(uri: string): Promise<undefined> {
  await rm(uri, { force: true });
  return undefined;
}

function append(out: Out, file: ParseFile, content: Buffer, dialect: CsvDialect): BundlePart {
  const prefix = Buffer.from(`${dialect.quote}${file.id}${dialect.quote}${dialect.delimiter}`);
  const first_line = file.first_record_line ?? 1;
  let at = content.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  for (let line = 1; line < first_line && at < content.length; line++) at = endOfLine(content, at);
  const part: Omit<BundlePart, 'lines'> = {
    id: file.id,
    bundle_line: out.lines + 1,
    bundle_offset: out.bytes,
    file_line: first_line,
    file_offset: at,
    prefix_bytes: prefix.length,
    prefix_chars: prefix.toString().length,
    line_end_bytes: content[content.indexOf(LF) - 1] === CR ? 2 : 1,
  };
  while (at < content.length) {
    const next = endOfLine(content, at);
    let end = content[next - 1] === LF ? next - 1 : next;
    if (end > at && content[end - 1] === CR) end -= 1;
    out.line(prefix, content, at, end);
    at = next;
  }
  return { ...part, lines: out.lines + 1 - part.bundle_line };
}

function endOfLine(content: Buffer, from: number): number {
  const lf = content.indexOf(LF, from);
  return lf < 0 ? content.length : lf + 1;
}

function readAll(file: ParseFile): Buffer {
  try {
    return readFileSync(file.uri);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataflowError('E_SOURCE_IO', `${file.id} cannot be read: ${reason}`, {
      place: { file: file.id },
      cause: error,
    });
  }
}

/** Lines on their way to a file, a few megabytes at a time. */
class Out {
  lines = 0;
  bytes = 0;
  readonly #uri: string;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(OUT_BYTES);
  #used = 0;

  constructor(uri: string) {
    this.#uri = uri;
    this.#fd = this.#guard(() => openSync(uri, 'wx', 0o600));
  }

  line(prefix: Buffer, content: Buffer, from: number, to: number): void {
    const size = prefix.length + to - from + 1;
    if (this.#used + size > this.#buffer.length) this.flush();
    prefix.copy(this.#buffer, this.#used);
    content.copy(this.#buffer, this.#used + prefix.length, from, to);
    this.#used += size;
    this.#buffer[this.#used - 1] = LF;
    this.bytes += size;
    this.lines += 1;
  }

  flush(): void {
    this.#guard(() => {
      for (let at = 0; at < this.#used; ) at += writeSync(this.#fd, this.#buffer, at, this.#used - at);
    });
    this.#used = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DataflowError('E_LAKE_IO', `small files cannot be put together in ${this.#uri}: ${reason}`, {
        cause: error,
      });
    }
  }
}
