import type { Command } from 'commander';
import { DataflowError } from '../core/errors/dataflow-error.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['human', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

type Options = Readonly<Record<string, unknown>>;

/** For commands whose lines on standard error may be logged. */
export function addLogOptions(command: Command): void {
  command
    .option('--log-format <format>', 'lines on stderr: human or json (default: DATAFLOW_LOG_FORMAT, else human)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)');
}

/** @throws DataflowError E_USAGE */
export function logLevelFrom(options: Options): LogLevel | undefined {
  return oneOf('--log-level', options['logLevel'], LOG_LEVELS);
}

/** @throws DataflowError E_USAGE */
export function logFormatFrom(options: Options, env: NodeJS.ProcessEnv = {}): LogFormat | undefined {
  const asked = oneOf('--log-format', options['logFormat'], LOG_FORMATS);
  return asked ?? oneOf('DATAFLOW_LOG_FORMAT', env['DATAFLOW_LOG_FORMAT'] || undefined, LOG_FORMATS);
}

/** Whether a log of this level has lines of that one. */
export function isLogged(line: Exclude<LogLevel, 'silent'>, level: LogLevel): boolean {
  return level !== 'silent' && LOG_LEVELS.indexOf(line) >= LOG_LEVELS.indexOf(level);
}

function oneOf<T extends string>(option: string, value: unknown, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new DataflowError('E_USAGE', `${option}: ${String(value)} is none of ${allowed.join(', ')}`);
}
