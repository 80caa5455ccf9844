import { fstatSync, writeSync } from 'node:fs';
import { DataflowError } from '../core/errors/dataflow-error.ts';

/** Where printed text goes. */
export interface Sink {
  readonly is_tty: boolean;
  /** Cells in a line, when there are lines. */
  readonly columns: number | undefined;
  /** True once the reader has gone (`| head`); what is written then goes nowhere. */
  readonly closed: boolean;
  write(text: string): void;
  /** Resolves when more may be written without piling it up in memory. */
  drained(): Promise<void>;
}

/**
 * Standard output (1) or standard error (2). A terminal is written through Node's stream; a file or a pipe with plain system calls, since
 * Node's stream for a pipe would load its network stack first, which takes longer than `status` does.
 */
export function openSink(fd: 1 | 2): Sink {
  if (!isCharacterDevice(fd)) return new FileSink(fd);
  const stream = fd === 1 ? process.stdout : process.stderr;
  return stream.isTTY ? new StreamSink(stream) : new FileSink(fd); // the latter: /dev/null, /dev/full
}

/** Terminals are; asking Node whether it is one would load what this file avoids. */
function isCharacterDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}

class StreamSink implements Sink {
  readonly is_tty = true;
  readonly #stream: NodeJS.WriteStream;
  closed = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', () => {
      this.closed = true;
    });
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  write(text: string): void {
    if (!this.closed) this.#stream.write(text);
  }

  async drained(): Promise<void> {
    if (this.#stream.writableNeedDrain) await new Promise<void>((resolve) => this.#stream.once('drain', resolve));
  }
}

/** How long to wait for a slow reader of a pipe that does not block. */
const RETRY_MS = 5;

class FileSink implements Sink {
  readonly is_tty = false;
  readonly columns = undefined;
  readonly #fd: number;
  closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length && !this.closed; ) at += this.#writeSome(bytes, at);
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  #writeSome(bytes: Buffer, at: number): number {
    try {
      return writeSync(this.#fd, bytes, at);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
        return 0;
      }
      this.closed = true;
      // Nobody would read a complaint about standard error.
      if (code === 'EPIPE' || this.#fd === 2) return 0;
      throw new DataflowError('E_OUTPUT', `standard output cannot be written: ${message}`, { cause: error });
    }
  }
}
