import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** What the driver's errors carry beside their message. */
interface ServerError extends Error {
  readonly code?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
}

/** By SQLSTATE or its class; the first that fits. */
const STATES: readonly (readonly [prefix: string, code: ErrorCode, hint?: string])[] = [
  ['28', 'E_LOAD_DENIED'],
  ['3D', 'E_LOAD_DENIED', 'Make the database, or name another one in the connection.'],
  ['42501', 'E_LOAD_DENIED', 'A load needs the right to create in its schema, and to write its tables.'],
  ['25006', 'E_LOAD_DENIED', 'The server only reads: name the primary in the connection.'],
  ['40', 'E_LOAD_CONFLICT'], // serialization failure, deadlock
  ['55P03', 'E_LOAD_CONFLICT'], // a lock was not given in time
  ['57014', 'E_LOAD_CONFLICT'], // cancelled
  ['53100', 'E_LOAD_FAILED', 'Make room on the disk of the server, then load again.'],
  ['53', 'E_LOAD_UNREACHABLE'],
  ['57P', 'E_LOAD_UNREACHABLE'],
  ['08', 'E_LOAD_UNREACHABLE'],
  ['22', 'E_LOAD_REFUSED'],
  ['23', 'E_LOAD_REFUSED'],
  [
    '2BP01',
    'E_LOAD_SCHEMA',
    'Something of others depends on it: drop that first, nothing is dropped behind your back.',
  ],
  ['0A', 'E_LOAD_SCHEMA'],
  ['42', 'E_LOAD_SCHEMA'],
];

/** Any error of the driver as one of ours. @param place `host:port/database`. @param doing for people: `gold.dim_clients`. */
export function sinkError(error: unknown, place: string, signal: AbortSignal, doing?: string): DataflowError {
  if (error instanceof DataflowError) return error;
  if (signal.aborted)
    return new DataflowError('E_INTERRUPTED', `loading into ${place} was interrupted`, { cause: error });
  const server = errorOf(error);
  const state = server.code ?? '';
  const subject = doing === undefined ? '' : `${doing}: `;
  if (!/^[0-9A-Z]{5}$/.test(state) || /^E[A-Z]{4}$/.test(state))
    return new DataflowError('E_LOAD_UNREACHABLE', `PostgreSQL at ${place}: ${subject}${oneLine(server.message)}`, {
      cause: error,
    });
  const [, code, hint] = STATES.find(([prefix]) => state.startsWith(prefix)) ?? [state, 'E_LOAD_FAILED' as const];
  const about = [server.detail, server.where].flatMap((text) => (text === undefined ? [] : [oneLine(text)]));
  const more = about.length === 0 ? '' : `; ${about.join('; ')}`;
  const said = server.hint === undefined ? hint : `${server.hint} (a hint of the database)`;
  return new DataflowError(code, `PostgreSQL at ${place}: ${subject}${oneLine(server.message)} (${state})${more}`, {
    cause: error,
    kept: 'nothing was committed at the destination',
    ...(said === undefined ? {} : { hint: said }),
  });
}

/** The SQLSTATE of an error, when it has one. */
export function stateOf(error: unknown): string {
  const { code } = errorOf(error instanceof DataflowError ? error.cause : error);
  return code ?? '';
}

function errorOf(error: unknown): ServerError {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0] as ServerError;
  return error instanceof Error ? (error as ServerError) : new Error(String(error));
}

const CHARS_MAX = 400;

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > CHARS_MAX ? `${line.slice(0, CHARS_MAX)}…` : line;
}
