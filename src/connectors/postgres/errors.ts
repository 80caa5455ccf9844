import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** What the driver's errors carry beside their message. */
interface DriverError extends Error {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: string;
}

const NETWORK: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/** By SQLSTATE or its class; the first that fits. */
const STATES: readonly (readonly [prefix: string, code: ErrorCode])[] = [
  ['28', 'E_SOURCE_DENIED'], // login refused
  ['42501', 'E_SOURCE_DENIED'], // no right to read
  ['57014', 'E_SOURCE_TIMEOUT'], // cancelled: statement_timeout
  ['55P03', 'E_SOURCE_TIMEOUT'], // a lock was not given in time
  ['25P03', 'E_SOURCE_TIMEOUT'], // idle in transaction for too long
  ['08', 'E_SOURCE_UNREACHABLE'],
  ['40', 'E_SOURCE_UNREACHABLE'], // serialization, conflict with the recovery of a standby
  ['53', 'E_SOURCE_UNREACHABLE'], // too many connections, out of memory or disk
  ['57P', 'E_SOURCE_UNREACHABLE'], // shut down, starting up
  ['58', 'E_SOURCE_UNREACHABLE'],
  ['XX', 'E_SOURCE_IO'], // damaged data
];

/** Any error of the driver as one of ours. @param place `host:port/database`. */
export function postgresError(error: unknown, place: string, signal?: AbortSignal): DataflowError {
  if (error instanceof DataflowError) return error;
  if (signal?.aborted === true)
    return new DataflowError('E_INTERRUPTED', `reading from ${place} was interrupted`, { cause: error });
  const driver = errorOf(error);
  const state = driver.code ?? '';
  const about = {
    cause: error,
    ...(driver.hint === undefined ? {} : { hint: `${driver.hint} (a hint of the database)` }),
  };
  if (NETWORK.has(state) || !/^[0-9A-Z]{5}$/.test(state))
    return new DataflowError('E_SOURCE_UNREACHABLE', `PostgreSQL at ${place}: ${oneLine(driver.message)}`, about);
  const code = STATES.find(([prefix]) => state.startsWith(prefix))?.[1] ?? 'E_SOURCE_QUERY';
  return new DataflowError(code, `PostgreSQL at ${place}: ${oneLine(driver.message)} (${state})`, about);
}

/** A refused connection to several addresses is one error of many. */
function errorOf(error: unknown): DriverError {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0] as DriverError;
  return error instanceof Error ? (error as DriverError) : new Error(String(error));
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
