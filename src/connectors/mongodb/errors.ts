import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError } from '../../core/errors/dataflow-error.ts';

type DriverError = Error & { readonly code?: number | string };

/** Numbers of the server's errors. */
const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [13, 'E_SOURCE_DENIED'], // Unauthorized
  [18, 'E_SOURCE_DENIED'], // AuthenticationFailed
  [8000, 'E_SOURCE_DENIED'],
  [50, 'E_SOURCE_TIMEOUT'], // MaxTimeMSExpired
  [262, 'E_SOURCE_TIMEOUT'],
  [239, 'E_SOURCE_TIMEOUT'], // SnapshotTooOld
  [246, 'E_SOURCE_TIMEOUT'], // SnapshotUnavailable
  [286, 'E_SOURCE_LOST'], // ChangeStreamHistoryLost
  [280, 'E_SOURCE_LOST'], // ChangeStreamFatalError
  [260, 'E_SOURCE_LOST'], // InvalidResumeToken
  [136, 'E_SOURCE_LOST'], // CappedPositionLost: the oplog is cut off while it is looked through
  [326, 'E_SOURCE_LOST'], // OplogQueryMinTsMissing: the oplog begins later
  [6, 'E_SOURCE_UNREACHABLE'], // HostUnreachable
  [7, 'E_SOURCE_UNREACHABLE'],
  [89, 'E_SOURCE_UNREACHABLE'],
  [91, 'E_SOURCE_UNREACHABLE'], // ShutdownInProgress
  [189, 'E_SOURCE_UNREACHABLE'], // PrimarySteppedDown
  [10107, 'E_SOURCE_UNREACHABLE'], // NotWritablePrimary
  [11600, 'E_SOURCE_UNREACHABLE'], // InterruptedAtShutdown
  [11602, 'E_SOURCE_UNREACHABLE'], // InterruptedDueToReplStateChange
  [13435, 'E_SOURCE_UNREACHABLE'],
  [43, 'E_SOURCE_UNREACHABLE'], // CursorNotFound: the server was restarted
  [237, 'E_SOURCE_UNREACHABLE'], // CursorKilled
]);

const HINTS: Partial<Record<ErrorCode, string>> = {
  E_SOURCE_LOST:
    'The oplog of the server no longer reaches back to where this source stands. Take everything again with --full-refresh, or give the oplog more room and start anew.',
};

/** Any error of the driver as one of ours. @param place `hosts/database`. */
export function mongodbError(error: unknown, place: string, signal?: AbortSignal): DataflowError {
  if (error instanceof DataflowError) return error;
  if (signal?.aborted === true)
    return new DataflowError('E_INTERRUPTED', `reading from ${place} was interrupted`, { cause: error });
  const driver: DriverError = error instanceof Error ? error : new Error(String(error));
  const code = codeOf(driver);
  const number = typeof driver.code === 'number' ? ` (${driver.code})` : '';
  const hint = HINTS[code];
  return new DataflowError(code, `MongoDB at ${place}: ${driver.message.replaceAll(/\s+/g, ' ').trim()}${number}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function codeOf(driver: DriverError): ErrorCode {
  const { name, code } = driver;
  if (typeof code === 'number') {
    const known = CODES.get(code);
    if (known !== undefined) return known;
  }
  // Told without its number where the server finds out while it opens the stream.
  if (/Resume of change stream was not possible|no longer be in the oplog/.test(driver.message)) return 'E_SOURCE_LOST';
  // What the socket says by itself, before the driver has put its own name on it.
  if (typeof code === 'string' && /^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH)/.test(code))
    return 'E_SOURCE_UNREACHABLE';
  if (/Network|ServerSelection|Timeout|PoolCleared|PoolClosed|TopologyClosed/.test(name)) return 'E_SOURCE_UNREACHABLE';
  return 'E_SOURCE_QUERY';
}
