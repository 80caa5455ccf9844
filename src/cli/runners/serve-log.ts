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
  tellOfDropped(destination, (lines) => log.warn(`${lines} lines of the log were dropped: nobody took them`));
  const writeSoon = gathered(destination);
  return {
    request: (line) => {
      const safe = line.error === undefined ? line : { ...line, error: redact(line.error) };
      log[levelOf(line)](safe);
      writeSoon();
    },
    note: (text) => {
      log.info(redact(text));
      writeNow(destination);
    },
    warn: (text) => {
      log.warn(redact(text));
      writeNow(destination);
    },
    // Not all at once: what is being written beside the event loop would come after it. Whoever does not read is not waited for.
    end: () =>
      new Promise((done) => {
        setTimeout(done, END_MS).unref();
        destination.flush(() => destination.flush(() => done()));
      }),
  };
}

type Destination = ReturnType<typeof import('../json-log.ts').newJsonLog>['destination'];

/** Lines that found no place any more are missed in the log: it says how many, once it is taken again. */
function tellOfDropped(destination: Destination, tell: (lines: number) => void): void {
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    const lines = dropped;
    dropped = 0;
    if (lines > 0) tell(lines);
  });
}

/** Called after each line: what was not written a moment later is written then. */
function gathered(destination: Destination): () => void {
  let armed = false;
  const write = (): void => {
    armed = false;
    writeNow(destination);
  };
  return () => {
    if (armed) return;
    armed = true;
    setTimeout(write, GATHER_MS).unref();
  };
}

/** A write that is at work does not take along what came since: it is waited for, and the rest is written then. */
function writeNow(destination: Destination): void {
  destination.flush(() => destination.flush(() => undefined));
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
