import { type ServiceError, status } from '@grpc/grpc-js';
import { ERROR_INFO, RPC_STATUS } from './messages.ts';
import { decode } from './protobuf.ts';

/** What gRPC and Spark say of a call that failed. */
export interface Failure {
  readonly code: number;
  readonly message: string;
  /** Under which Spark keeps more about it. */
  readonly error_id: string | undefined;
  readonly error_class: string | undefined;
  readonly sql_state: string | undefined;
  readonly java_classes: readonly string[];
}

const ERROR_INFO_TYPE = 'google.rpc.ErrorInfo';
/** What a connection that broke is called, in all the ways in which it can break. */
const BROKEN = new Set<number>([status.UNAVAILABLE, status.CANCELLED, status.DEADLINE_EXCEEDED]);
/** Node's and HTTP/2's own words come with other codes. */
const BROKEN_WORDS = /RST_STREAM|ECONNRESET|GOAWAY|Connection dropped|INVALID_CURSOR\.DISCONNECTED/i;

/** Undefined for an error that is not of a call. */
export function failureOf(error: unknown): Failure | undefined {
  if (!isServiceError(error)) return undefined;
  const info = errorInfo(error);
  const classes = info.get('classes');
  return {
    code: error.code,
    message: error.details,
    error_id: info.get('errorId'),
    error_class: info.get('errorClass') ?? /^\[([A-Z][A-Z0-9_.]+)\]/.exec(error.details)?.[1],
    sql_state: info.get('sqlState'),
    java_classes: classes === undefined ? [] : namesOf(classes),
  };
}

/** Whether the connection broke and what was asked may still be going on at the server. */
export function isBroken({ code, message, error_class }: Failure): boolean {
  return BROKEN_WORDS.test(message) || (BROKEN.has(code) && error_class === undefined);
}

/** Whether the server no longer knows (or never knew) the session or the operation. */
export function isForgotten({ message }: Failure): boolean {
  return /INVALID_HANDLE\.(OPERATION|SESSION)_/.test(message);
}

/** Whether the server answers and its Spark behind it has ended, as after running out of memory. */
export function isStopped({ message }: Failure): boolean {
  return /stopped SparkContext|No active or default Spark session/.test(message);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number' && 'details' in error;
}

function errorInfo({ metadata }: ServiceError): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const [packed] = metadata?.get('grpc-status-details-bin') ?? [];
  if (!(packed instanceof Uint8Array)) return found;
  for (const { type_url, value } of decode(RPC_STATUS, packed).details ?? [])
    if (type_url?.endsWith(ERROR_INFO_TYPE) && value !== undefined)
      for (const pair of decode(ERROR_INFO, value).metadata ?? []) found.set(pair.key ?? '', pair.value ?? '');
  return found;
}

/** Spark writes the classes as a JSON list, and cuts it off where it is long. */
function namesOf(json: string): readonly string[] {
  return [...json.matchAll(/"([\w.$]+)"/g)].map(([, name = '']) => name);
}
