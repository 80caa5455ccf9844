import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './log-options.ts';

type Destination = ReturnType<typeof pino.destination>;

export interface JsonLogOptions {
  readonly sync: boolean;
  /** How much is written together unless somebody asks to write out what waits, at most at once, and may wait at most: further lines are dropped. */
  readonly pieces?: { readonly minLength: number; readonly maxWrite: number; readonly maxLength: number };
  readonly mixin?: () => object;
}

/** The log of this program: one JSON object a line, on standard error. */
export function newJsonLog(
  level: LogLevel,
  options: JsonLogOptions,
): { readonly log: Logger; readonly destination: Destination } {
  // Without a shortest piece, asking to write out what waits would answer before it is written.
  const { sync, mixin, pieces = { minLength: 1 } } = options;
  const destination = pino.destination({ dest: 2, sync, ...(sync ? {} : pieces) });
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
