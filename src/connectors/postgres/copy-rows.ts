import type { Client } from 'pg';
import { submitQuery } from './own-query.ts';

/** Some rows as COPY wrote them: `bytes` from `starts[i]` up to `starts[i + 1]` is one whole record with its line end. */
export interface CopiedRows {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
  /** Some record has a line end inside. */
  readonly multiline: boolean;
}

/** The parts of the driver's connection that a copy stands in for. */
interface WireConnection {
  readonly stream: {
    listeners(event: 'data'): ((chunk: Buffer) => void)[];
    on(event: 'data', listener: (chunk: Buffer) => void): unknown;
    removeListener(event: 'data', listener: (chunk: Buffer) => void): unknown;
    pause(): unknown;
    resume(): unknown;
    destroy(): unknown;
  };
  query(text: string): void;
}

const COPY_DATA = 0x64;
const COPY_OUT_RESPONSE = 0x48;
const COPY_DONE = 0x63;
/** Notices and parameters may come in between. */
const IN_BETWEEN: ReadonlySet<number> = new Set([COPY_OUT_RESPONSE, 0x4e, 0x53, 0x41]);
const HEADER = 5;
/** So many pieces may wait before the socket is told to stop: a chunk of it makes two, with the message that was cut before it. */
const WAITING_MAX = 16;

/**
 * The rows of `COPY … TO STDOUT`, whole records in the order in which they come. The server sends each row as a message of its own: so rows are told
 * apart without a look at what is in them. The socket is stopped while nobody takes rows. An error of the server, even in the middle, is thrown.
 */
export async function* copyRows(client: Client, sql: string): AsyncGenerator<CopiedRows, void, void> {
  const copy = new CopyOut(sql);
  const letGo = submitQuery(client, copy);
  try {
    for (;;) {
      const rows = await copy.next();
      if (rows === undefined) return;
      yield rows;
    }
  } finally {
    letGo();
    copy.release();
  }
}

/** A query in the driver's sense that reads the messages of a COPY by itself. */
class CopyOut {
  readonly text: string;
  private connection: WireConnection | undefined;
  private parse: ((chunk: Buffer) => void) | undefined;
  private readonly cut = new CutMessage();
  private readonly waiting: CopiedRows[] = [];
  private error: Error | undefined;
  private done = false;
  private wake: (() => void) | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Called by the driver. */
  submit(connection: WireConnection): void {
    this.connection = connection;
    const [parse] = connection.stream.listeners('data');
    if (parse !== undefined) {
      this.parse = parse;
      connection.stream.removeListener('data', parse);
      connection.stream.on('data', this.take);
    }
    connection.query(this.text);
  }

  handleError(error: Error): void {
    this.error ??= error;
    this.finish();
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handleReadyForQuery(): void {
    this.finish();
  }

  /** Undefined: that was all. */
  async next(): Promise<CopiedRows | undefined> {
    for (;;) {
      const rows = this.waiting.shift();
      if (rows !== undefined) {
        if (this.waiting.length < WAITING_MAX / 2) this.connection?.stream.resume();
        return rows;
      }
      if (this.error !== undefined) throw this.error;
      if (this.done) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** The end of it: a copy that nobody wants to the end takes the connection with it. */
  release(): void {
    this.waiting.length = 0;
    if (this.done) this.connection?.stream.resume();
    else this.connection?.stream.destroy();
  }

  private finish(): void {
    this.done = true;
    this.wake?.();
  }

  private readonly take = (chunk: Buffer): void => {
    const whole = this.cut.add(chunk);
    if (whole === undefined) return;
    const [message, others] = whole;
    if (this.read(message, others)) return;
    if (!this.read(others, NOTHING) && this.waiting.length >= WAITING_MAX) this.connection?.stream.pause();
  };

  /** Takes the rows of these messages. True when what follows them is for the driver. */
  private read(bytes: Buffer, behind: Buffer): boolean {
    if (bytes.length === 0) return false;
    const { rows, used, over } = rowsIn(bytes);
    if (rows !== undefined) this.waiting.push(rows);
    const rest = bytes.subarray(used);
    if (over) this.detach(behind.length === 0 ? rest : Buffer.concat([rest, behind]));
    else this.cut.begin(rest);
    if (rows !== undefined) this.wake?.();
    return over;
  }

  private detach(unread: Buffer): void {
    const parse = this.parse;
    if (parse === undefined) return;
    this.parse = undefined;
    this.connection?.stream.removeListener('data', this.take);
    this.connection?.stream.on('data', parse);
    if (unread.length > 0) parse(unread);
  }
}

/** A message that the end of a chunk cuts: it is put together by itself, so that the chunk behind it can stay as it is. */
class CutMessage {
  private parts: Buffer[] = [];
  private held = 0;
  /** With its head; undefined while that is not whole. */
  private size: number | undefined;

  /** What a chunk has left of a message that it does not end. */
  begin(rest: Buffer): void {
    [this.parts, this.held, this.size] = [rest.length === 0 ? [] : [rest], rest.length, undefined];
  }

  /** The message once it is whole (nothing, when none was cut), and what comes behind it. */
  add(chunk: Buffer): readonly [message: Buffer, others: Buffer] | undefined {
    if (this.held === 0) return [NOTHING, chunk];
    this.parts.push(chunk);
    this.held += chunk.length;
    if (this.size === undefined && this.held >= HEADER) this.size = 1 + joined(this.parts, HEADER).readUInt32BE(1);
    if (this.size === undefined || this.held < this.size) return undefined;
    const over = this.held - this.size;
    const message = joined(this.parts, this.size);
    this.begin(NOTHING);
    return [message, chunk.subarray(chunk.length - over)];
  }
}

const NOTHING = Buffer.alloc(0);

function joined(parts: readonly Buffer[], size: number): Buffer {
  const [first] = parts;
  return first !== undefined && first.length >= size ? first.subarray(0, size) : Buffer.concat(parts, size);
}

/**
 * The rows of the whole messages in `bytes`, which are moved together in place: the chunk is ours alone. `over`: what follows is for the driver (the
 * end, or an error).
 */
function rowsIn(bytes: Buffer): { readonly rows?: CopiedRows; readonly used: number; readonly over: boolean } {
  const mover = new Mover(bytes);
  const starts: number[] = [0];
  let [at, over] = [0, false];
  while (at + HEADER <= bytes.length) {
    const code = bytes[at];
    if (code !== COPY_DATA && !IN_BETWEEN.has(code ?? 0)) {
      over = true;
      if (code === COPY_DONE) at += HEADER;
      break;
    }
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    if (code === COPY_DATA) {
      mover.move(at + HEADER, end);
      starts.push(mover.filled);
    }
    at = end;
  }
  const rows = { bytes: bytes.subarray(0, mover.filled), starts, multiline: mover.multiline };
  return { ...(starts.length === 1 ? {} : { rows }), used: at, over };
}

/** Rows up to here are moved word by word: calling for it would take longer. */
const SHORT = 256;
const LF = 0x0a;
const LF_WORD = 0x0a0a0a0a;
const ONES = 0x01010101;
const HIGH = 0x80808080;

/** Moves records to the beginning of their bytes, one behind the other, and looks for line ends inside them. */
class Mover {
  filled = 0;
  multiline = false;
  private readonly bytes: Buffer;
  private readonly view: DataView;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A record, its own line end included: further back than it goes by more than a word. */
  move(from: number, end: number): void {
    const { bytes, view } = this;
    const last = end - 1;
    let to = this.filled;
    this.filled += end - from;
    if (end - from > SHORT) {
      bytes.copyWithin(to, from, end);
      const found = bytes.indexOf(LF, to);
      if (found >= 0 && found < this.filled - 1) this.multiline = true;
      return;
    }
    let at = from;
    let found = 0;
    for (; at + 4 <= last; at += 4, to += 4) {
      const word = view.getInt32(at, true);
      const x = word ^ LF_WORD;
      found |= (x - ONES) & ~x & HIGH; // a byte that is zero, Hacker's Delight, 6-1
      view.setInt32(to, word, true);
    }
    for (; at < end; at++, to++) {
      const byte = bytes[at] as number;
      if (byte === LF && at < last) found = 1;
      bytes[to] = byte;
    }
    if (found !== 0) this.multiline = true;
  }
}
