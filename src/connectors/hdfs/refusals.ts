import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError, type ErrorDetails } from '../../core/errors/dataflow-error.ts';

/** An answer that refuses, in the cluster's own words. */
export class RemoteException extends Error {
  /** Java's short name of it; empty when the answer is not the cluster's own. */
  readonly exception: string;
  /** Of HTTP; 0 when there was none. */
  readonly status: number;
  /** How long it wants to be left alone. */
  readonly after_ms: number | undefined;

  constructor(exception: string, message: string, status = 0, after_ms?: number) {
    super(message);
    this.exception = exception;
    this.status = status;
    this.after_ms = after_ms;
  }
}

/** A node that cannot be reached, or breaks off. */
export class NodeFailure extends Error {
  readonly host: string;
  /** Of the system, or `EBODY` for an answer that is not whole. */
  readonly code: string;
  readonly role: 'name' | 'data';
  /** False: there was no connection, so nothing was sent. */
  readonly reached: boolean;

  constructor(role: 'name' | 'data', host: string, cause: unknown, reached = true) {
    super(`${host}: ${messageOf(cause)}`, { cause });
    this.role = role;
    this.host = host;
    this.code = codeOf(cause);
    this.reached = reached;
  }
}

/**
 * What time may cure: `cluster` while it starts, is in safe mode or has no active NameNode, `node` where another try may meet a node that works.
 * Undefined: nothing does.
 */
export type Passing = 'cluster' | 'node' | undefined;

const CLUSTER = new Set([
  'StandbyException',
  'ObserverRetryOnActiveException',
  'RetriableException',
  'SafeModeException',
]);
/** What NameNodes say in words of their own while they start, and before DataNodes have told them of themselves. */
const STARTING = /still not started|in startup mode|Failed to find datanode|in safe mode/i;
/** A file that a dead writer holds is given free after a while. */
const HELD = ['AlreadyBeingCreatedException', 'RecoveryInProgressException', 'LeaseExpiredException'];
const NODE = new Set([
  ...HELD,
  'NotReplicatedYetException',
  'ServerTooBusyException',
  'IOException',
  // Of a DataNode that lost sight of the NameNode, or of its neighbours.
  'ClosedChannelException',
  'ConnectException',
  'ConnectTimeoutException',
  'EOFException',
  'InterruptedIOException',
  'NoRouteToHostException',
  'SocketException',
  'SocketTimeoutException',
  'BlockMissingException',
  'ReplicaNotFoundException',
]);
/** An IOException is anything; these say what no other node will do better. */
const LASTING = /quota|disk space|must both be directories|Invalid|not support/i;
const DENIED = new Set(['AccessControlException', 'SecurityException', 'AuthenticationException', 'InvalidToken']);
const SPACE = new Set([
  'DSQuotaExceededException',
  'NSQuotaExceededException',
  'QuotaExceededException',
  'QuotaByStorageTypeExceededException',
]);
const NO_ROOM = /could only be (written|replicated) to 0|No space left|out of space/i;
/** Nobody else will be found under the name a little later either. */
export const UNRESOLVED = new Set(['ENOTFOUND', 'EAI_AGAIN']);
/** Of a certificate that is not trusted, or is another host's. */
const CERTIFICATE = /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/;

/** What trying again may do about an error. */
export function passing(error: unknown): Passing {
  if (error instanceof NodeFailure && CERTIFICATE.test(error.code)) return undefined;
  if (error instanceof NodeFailure) return error.role === 'name' && !UNRESOLVED.has(error.code) ? 'cluster' : 'node';
  if (!(error instanceof RemoteException)) return undefined;
  const { exception, message, status } = error;
  if (CLUSTER.has(exception) || STARTING.test(message)) return 'cluster';
  if (exception === '') return status === 429 || status >= 500 || status === 0 || status === 408 ? 'node' : undefined;
  return NODE.has(exception) && !LASTING.test(message) ? 'node' : undefined;
}

/** Whether a file is not to be had because somebody writes it, or did until just now. */
export function isHeld(error: unknown): boolean {
  return error instanceof RemoteException && HELD.includes(error.exception);
}

/** Whether a quota is used up: what arrived is worth keeping until there is room. */
export function isFull(error: unknown): boolean {
  return error instanceof RemoteException && SPACE.has(error.exception);
}

/** In the words of a place that files are read from. */
export function sourceFault(name: string, error: unknown): unknown {
  if (isOwn(error)) return error;
  const words = `${name}: ${saidBy(error)}`;
  const options = { cause: error };
  const said = error instanceof RemoteException ? error.exception : '';
  if (DENIED.has(said)) return new DataflowError('E_SOURCE_DENIED', words, options);
  if (said === '' || CLUSTER.has(said))
    return new DataflowError('E_SOURCE_UNREACHABLE', words, { ...options, ...hostHint(error) });
  return new DataflowError('E_SOURCE_QUERY', words, options);
}

/** In the words of a storage that files are put to. @param path what was asked about */
export function farFault(name: string, path: string, error: unknown): unknown {
  if (isOwn(error)) return error;
  const { code, ...details } = farReason(error);
  return new DataflowError(code, `${name}: ${path === '' ? '' : `${path}: `}${saidBy(error)}`, {
    cause: error,
    ...details,
  });
}

function farReason(error: unknown): { readonly code: ErrorCode } & ErrorDetails {
  if (!(error instanceof RemoteException)) return { code: 'E_FAR_UNREACHABLE', ...hostHint(error) };
  const { exception, message } = error;
  if (DENIED.has(exception)) return { code: 'E_FAR_DENIED', ...rightHint(exception, message) };
  if (SPACE.has(exception))
    return {
      code: 'E_FAR_REFUSED',
      hint: 'Make room below the folder, or have its quota raised (`hdfs dfsadmin -setSpaceQuota`, `-setQuota`).',
    };
  if (NO_ROOM.test(message))
    return {
      code: 'E_FAR_UNREACHABLE',
      hint: 'No DataNode took the block: they are full, down, or excluded. Look at `hdfs dfsadmin -report`, then run again.',
    };
  if (exception === 'SafeModeException' || /in safe mode/i.test(message))
    return {
      code: 'E_FAR_UNREACHABLE',
      hint: 'It ends by itself once enough blocks were reported; see `hdfs dfsadmin -safemode get`, then run again.',
    };
  return { code: passing(error) === undefined ? 'E_FAR_REFUSED' : 'E_FAR_UNREACHABLE' };
}

/** `Permission denied: user=bob, access=WRITE, inode="/datalake":hdfs:supergroup:drwxr-xr-x` */
const PERMISSION = /user=(?<user>[^,]+), access=(?<access>\w+), (?:inode|path)="(?<path>[^"]*)"/;

function rightHint(exception: string, message: string): ErrorDetails {
  const { user, access, path } = PERMISSION.exec(message)?.groups ?? {};
  if (user !== undefined && access !== undefined && path !== undefined) {
    const rights = access === 'ALL' ? 'rwx' : letters(access);
    return {
      hint: `${user} needs ${rights} on ${path}: \`hdfs dfs -setfacl -m user:${user}:${rights} ${path}\`, or another \`user\` in the connection.`,
    };
  }
  return exception === 'InvalidToken'
    ? { hint: 'The delegation token has ended or was cancelled: fetch another one.' }
    : {};
}

function letters(access: string): string {
  const has = (word: string, letter: string): string => (access.includes(word) ? letter : '-');
  // To make an entry in a folder one has to pass through it too.
  return `${has('READ', 'r')}${has('WRITE', 'w')}x`;
}

/** A DataNode known to the cluster by a name that means nothing here is the commonest trouble with WebHDFS. */
function hostHint(error: unknown): ErrorDetails {
  if (error instanceof NodeFailure && CERTIFICATE.test(error.code))
    return {
      hint: 'Name the file with the certificates of the cluster in `ca_file`; the name in `url` has to be in them.',
    };
  if (!(error instanceof NodeFailure) || error.role !== 'data') return {};
  const host = error.host.replace(/:\d+$/, '');
  return {
    hint: UNRESOLVED.has(error.code)
      ? `The NameNode sends us to ${host}, which this machine cannot resolve. Say where it is with \`datanode_hosts: { ${JSON.stringify(host)}: address }\`.`
      : `Bytes go to the DataNodes themselves, here ${error.host}: it has to be reachable from this machine. Where it has another address from here, set \`datanode_hosts:\`.`,
  };
}

function isOwn(error: unknown): boolean {
  return error instanceof DataflowError || !(error instanceof Error) || error.name === 'AbortError';
}

function saidBy(error: unknown): string {
  const said = error instanceof RemoteException ? error.exception : '';
  return `${said === '' ? '' : `${said}: `}${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = (error as AggregateError).errors?.[0] as Error | undefined;
  return error.message || inner?.message || error.name;
}

function codeOf(error: unknown): string {
  const inner = (error as AggregateError | undefined)?.errors?.[0] as Error | undefined;
  for (const one of [error, inner]) if (one instanceof Error && 'code' in one) return String(one.code);
  return '';
}
