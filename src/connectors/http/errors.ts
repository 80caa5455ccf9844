import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { OutboundRefusal } from '../../kit/outbound.ts';

/** One attempt failed. `retry` says whether the same request may succeed later, and when the other side wants to be asked again. */
export class AttemptFailed extends Error {
  readonly retry: boolean;
  readonly after_ms: number | undefined;
  readonly status: number | undefined;
  readonly kind: 'network' | 'status' | 'body';
  constructor(
    kind: AttemptFailed['kind'],
    message: string,
    more: { retry: boolean; after_ms?: number | undefined; status?: number; cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AttemptFailed';
    this.kind = kind;
    this.retry = more.retry;
    this.after_ms = more.after_ms;
    this.status = more.status;
  }
}

/** An answer arrived but cannot be used: cut off, another format, damaged. Worth another attempt. */
export function badBody(message: string, cause?: unknown): AttemptFailed {
  return new AttemptFailed('body', message, { retry: true, cause });
}

const TIMEOUTS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'no connection within timeouts.connect_ms',
  UND_ERR_HEADERS_TIMEOUT: 'no answer within timeouts.head_ms',
  UND_ERR_BODY_TIMEOUT: 'the body stood still for timeouts.idle_ms',
};

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (connection refused)',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  EPIPE: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
};

/** What went wrong below HTTP, as a failed attempt; a refusal by the rules for going out is final. */
export function networkFailure(error: unknown, total_over: boolean): AttemptFailed | DataflowError {
  const refusal = refusalIn(error);
  if (refusal !== undefined) return refused(refusal.message);
  if (total_over) return new AttemptFailed('network', 'not complete within timeouts.total_ms', { retry: true });
  const { code, message } = error as { code?: string; message?: string };
  const words = TIMEOUTS[code ?? ''] ?? NETWORK[code ?? ''];
  if (words !== undefined) return new AttemptFailed('network', words, { retry: true, cause: error });
  if (code?.startsWith('HPE_') === true)
    return new AttemptFailed('network', `the answer is not HTTP as it should be (${code})`, {
      retry: true,
      cause: error,
    });
  if (code?.startsWith('CERT_') === true || code?.includes('_CERT') === true || code?.startsWith('ERR_TLS') === true)
    return new AttemptFailed('network', `the certificate is not trusted (${code})`, { retry: false, cause: error });
  return new AttemptFailed('network', `${message ?? String(error)}${code === undefined ? '' : ` (${code})`}`, {
    retry: true,
    cause: error,
  });
}

function refusalIn(error: unknown): OutboundRefusal | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof OutboundRefusal) return at;
  }
  return undefined;
}

/** The rules for going out forbid it. */
export function refused(what: string): DataflowError {
  return new DataflowError('E_OUTBOUND', what);
}

export function pagingFault(message: string, hint?: string): DataflowError {
  return new DataflowError('E_HTTP_PAGING', message, hint === undefined ? {} : { hint });
}
