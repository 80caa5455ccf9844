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

/** Lines of requests are written together, so many bytes or after so long: each write by itself costs a third of a kept answer. */
const GATHER_BYTES = 8_192;
const GATHER_MS = 100;
/** Of lines that nobody takes; further ones are dropped. */
const UNREAD_BYTES_MAX = 16_777_216;

/** Lines are written beside the event loop; nothing of them was in a header or behind the `?` of a request. */
async function jsonLog(level: LogLevel, redact: (text: string) => string): Promise<ServeLog> {
  const { newJsonLog } = await import('../json-log.ts');
  const { log, destination } = newJsonLog(level, {
    sync: false,
    gather_bytes: GATHER_BYTES,
    unread_bytes_max: UNREAD_BYTES_MAX,
  });
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

type Flushed = { flush(done: () => void): void };

/** Called after each line: what was not written a moment later is written then. */
function gathered(destination: Flushed): () => void {
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
function writeNow(destination: Flushed): void {
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
