import type { ServedRequest } from '../../core/ports/server.ts';
import type { Invocation } from '../command-spec.ts';
import { isLogged, type LogLevel, logFormatFrom, logLevelFrom } from '../log-options.ts';

/** What a server says of itself and of the requests that it answered. */
export interface ServeLog {
  request(line: ServedRequest): void;
  note(text: string): void;
  warn(text: string): void;
  /** Writes what is not written yet, in its order. */
  end(): Promise<void>;
}

/** Time for the last lines of a log. */
const END_MS = 1_000;

/** Asked every few seconds by machines: one would not find the others between them. */
const QUIET = new Set(['/health', '/ready', '/metrics']);

/** Lines for people at a terminal, JSON elsewhere; the options decide otherwise. @throws DataflowError E_USAGE */
export async function openServeLog({ options, printer, rooms, env }: Invocation): Promise<ServeLog> {
  const level = logLevelFrom(options) ?? (printer.quiet ? 'warn' : 'info');
  const machines = printer.format !== 'table' || process.stderr.isTTY !== true;
  const form = logFormatFrom(options, env) ?? (machines ? 'json' : 'human');
  return form === 'json' ? await jsonLog(level, rooms.redact) : humanLog(level, (line) => printer.error(line));
}

/** Lines of requests are written together, so many bytes or after so long: each write wakes a thread. */
const GATHER_BYTES = 65_536;
const WRITE_BYTES_MAX = 131_072;
const GATHER_MS = 100;
/** Of lines that nobody takes; further ones are dropped, and counted. */
const UNREAD_BYTES_MAX = 16_777_216;

/** Lines are written beside the event loop; nothing of them was in a header or behind the `?` of a request. */
async function jsonLog(level: LogLevel, redact: (text: string) => string): Promise<ServeLog> {
  const { newJsonLog } = await import('../json-log.ts');
  const { log, destination } = newJsonLog(level, {
    sync: false,
    pieces: { minLength: GATHER_BYTES, maxWrite: WRITE_BYTES_MAX, maxLength: UNREAD_BYTES_MAX },
  });
  const warn = (text: string): void => {
    log.warn(redact(text));
    write.now();
  };
  const write = writerOf(destination, (lines) => warn(`${lines} lines of the log were dropped: nobody took them`));
  return {
    request: (line) => {
      const safe = line.error === undefined ? line : { ...line, error: redact(line.error) };
      log[levelOf(line)](safe);
      write.soon();
    },
    note: (text) => {
      log.info(redact(text));
      write.now();
    },
    warn,
    // Not all at once: what is being written beside the event loop would come after it. Whoever does not read is not waited for.
    end: () =>
      new Promise((done) => {
        setTimeout(done, END_MS).unref();
        destination.flush(() => destination.flush(() => done()));
      }),
  };
}

type Destination = ReturnType<typeof import('../json-log.ts').newJsonLog>['destination'];

/** Writes out what waits: at once, or together with what comes within a moment. */
interface Writer {
  soon(): void;
  now(): void;
}

/** @param tell is told how many lines found no place any more, once the log is taken again. */
function writerOf(destination: Destination, tell: (dropped_lines: number) => void): Writer {
  let dropped = 0;
  let rounds = 0;
  let asked: 'soon' | 'now' | undefined;
  let timer: NodeJS.Timeout | undefined;
  const now = (): void => {
    // What is being written does not take along what came since; and nothing is asked for again while nobody takes it.
    if (rounds > 0) {
      asked = 'now';
      return;
    }
    clearTimeout(timer);
    timer = undefined;
    // Two: it may be writing already what came before.
    rounds = 2;
    // Without a function to call, which would first have it written to the disk.
    destination.flush();
  };
  const soon = (): void => {
    if (rounds > 0) asked ??= 'soon';
    else timer ??= setTimeout(now, GATHER_MS).unref();
  };
  const written = (): void => {
    const next = asked;
    rounds = 0;
    asked = undefined;
    if (next === 'now') now();
    else if (next === 'soon') soon();
  };
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    if (rounds > 1) {
      rounds = 1;
      destination.flush();
      return;
    }
    written();
    if (dropped === 0) return;
    tell(dropped);
    dropped = 0;
  });
  destination.on('error', written);
  return { soon, now };
}

function humanLog(level: LogLevel, print: (line: string) => void): ServeLog {
  return {
    request: (line) => {
      if (isLogged(levelOf(line), level)) print(requestLine(line));
    },
    note: (text) => {
      if (isLogged('info', level)) print(text);
    },
    warn: (text) => {
      if (isLogged('warn', level)) print(`warning ${text}`);
    },
    end: () => Promise.resolve(),
  };
}

function levelOf({ path, status }: ServedRequest): 'debug' | 'info' | 'error' {
  if (status >= 500 && path !== '/ready') return 'error';
  return QUIET.has(path) ? 'debug' : 'info';
}

function requestLine({ method, path, params, status, ms, reader, error, request_id }: ServedRequest): string {
  const asked = params.length === 0 ? path : `${path}?${params.join('&')}`;
  const who = reader === undefined || reader === 'anybody' ? '' : ` ${reader}`;
  return `${method} ${asked} ${status} ${ms} ms${who}${error === undefined ? '' : ` ${request_id}: ${error}`}`;
}
