import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './log-options.ts';

type Destination = ReturnType<typeof pino.destination>;

export interface JsonLogOptions {
  readonly sync: boolean;
  /** So much is written together, unless somebody asks to write out what waits. */
  readonly gather_bytes?: number;
  /** Of lines that nobody takes; further ones are dropped. */
  readonly unread_bytes_max?: number;
  readonly mixin?: () => object;
}

/** The log of this program: one JSON object a line, on standard error. */
export function newJsonLog(
  level: LogLevel,
  options: JsonLogOptions,
): { readonly log: Logger; readonly destination: Destination } {
  const { sync, mixin, gather_bytes = 1, unread_bytes_max } = options;
  // Without a shortest piece, asking to write out what waits would answer before it is written.
  const pieces = sync ? {} : { minLength: gather_bytes, maxLength: unread_bytes_max };
  const destination = pino.destination({ dest: 2, sync, ...pieces });
  // Nobody reads the log any more: that is no reason to stop.
  destination.on('error', () => undefined);
  const log = pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }), bindings: () => ({}) },
      ...(mixin === undefined ? {} : { mixin }),
    },
    destination as DestinationStream,
  );
  return { log, destination };
}

/** The lines of one command. */
export class LineLog {
  /** On each line from when there is one. */
  run_id: string | null = null;
  readonly #log: Logger;

  constructor(level: LogLevel, verb: string) {
    this.#log = newJsonLog(level, { sync: true, mixin: () => ({ run_id: this.run_id, command: verb }) }).log;
  }

  line(level: Exclude<LogLevel, 'silent'>, text: string, fields: object = {}): void {
    this.#log[level](fields, text);
  }
}
