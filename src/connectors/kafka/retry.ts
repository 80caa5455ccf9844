import { DataflowError } from '../../core/errors/dataflow-error.ts';

/** What the library throws: a name, sometimes the broker's word for it, and whether trying again may help. */
interface LibraryError extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
  /** Of the system: ECONNREFUSED. */
  readonly code?: unknown;
  readonly originalError?: Error;
  readonly cause?: unknown;
}

const FIRST_PAUSE_MS = 100;
const PAUSE_MAX_MS = 5_000;
/** The broker's words for "not now": it comes up, or somebody else leads. */
const FOR_NOW = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'UNSTABLE_OFFSET_COMMIT',
]);
const UNKNOWN_TOPIC = 'UNKNOWN_TOPIC_OR_PARTITION';
/** A broker that has just come up may not know its topics yet; one that runs does. */
const UNKNOWN_TOPIC_MS = 5_000;
const DENIED = /AUTHORIZATION_FAILED|SASL|AUTHENTICATION/;

export interface RetryOptions {
  /** How long without any success before it gives up. */
  readonly patience_ms: number;
  readonly signal: AbortSignal;
  /** The brokers, for what the error says. */
  readonly place: string;
  readonly topic: string;
  note(text: string): void;
}

/** Tries `work` until it succeeds, with growing pauses of random length; gives up after `patience_ms`, or at once when no time would help. */
export async function persist<T>(
  options: RetryOptions,
  work: () => Promise<T>,
  again?: () => Promise<void>,
): Promise<T> {
  const began = performance.now();
  for (let attempt = 0; ; attempt++) {
    options.signal.throwIfAborted();
    try {
      if (attempt > 0) await again?.();
      return await abortable(work(), options.signal);
    } catch (error) {
      if (options.signal.aborted || error instanceof DataflowError) throw error;
      const pause_ms = Math.min(PAUSE_MAX_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
      if (!isForNow(error) || performance.now() + pause_ms > began + patienceFor(error, options))
        throw asDataflowError(error, options);
      if (attempt === 2) options.note(`${options.place}: ${reasonOf(error)}; trying again`);
      await pause(pause_ms, options.signal);
    }
  }
}

/** An answer with an error code of the protocol, as an error. */
export class BrokerError extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

function patienceFor(error: unknown, { patience_ms }: RetryOptions): number {
  return rootOf(error).type === UNKNOWN_TOPIC ? Math.min(UNKNOWN_TOPIC_MS, patience_ms) : patience_ms;
}

function isForNow(error: unknown): boolean {
  const { name, type, code, retriable } = rootOf(error);
  if (DENIED.test(`${name} ${type ?? ''}`)) return false;
  if (type !== undefined) return FOR_NOW.has(type);
  // A broker that has just come up makes its topic of groups at the first question; the library calls that final.
  if (name === 'KafkaJSGroupCoordinatorNotFound') return true;
  if (name === 'KafkaJSNumberOfRetriesExceeded' || name === 'KafkaJSLockTimeout') return true;
  // What is neither the library's nor the system's is a fault of ours.
  return (name.startsWith('KafkaJS') && retriable !== false) || (typeof code === 'string' && !code.startsWith('ERR_'));
}

/** What an error of the library means to us. */
export function asDataflowError(
  error: unknown,
  { place, topic }: Pick<RetryOptions, 'place' | 'topic'>,
): DataflowError {
  if (error instanceof DataflowError) return error;
  const { name, type } = rootOf(error);
  if (type === UNKNOWN_TOPIC)
    return new DataflowError('E_SOURCE_QUERY', `Kafka at ${place} has no topic ${topic}`, {
      hint: 'Check its name, or make it.',
      cause: error,
    });
  const denied = DENIED.test(`${name} ${type ?? ''}`);
  return new DataflowError(
    denied ? 'E_SOURCE_DENIED' : 'E_SOURCE_UNREACHABLE',
    `Kafka at ${place}: ${reasonOf(error)}`,
    {
      hint: denied
        ? 'Check user, password and rights of the connection.'
        : 'Check that the brokers run and can be reached at the addresses that they advertise, then run again.',
      cause: error,
    },
  );
}

function rootOf(error: unknown): LibraryError {
  let root = error as LibraryError;
  for (let depth = 0; depth < 5; depth++) {
    const inner = root.cause ?? root.originalError;
    if (!(inner instanceof Error)) break;
    root = inner;
  }
  return root;
}

function reasonOf(error: unknown): string {
  const root = rootOf(error);
  return root.message === '' ? root.name : root.message;
}

/** Waits no longer than until the signal; what goes on behind it is of no interest any more. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Waits so long, or until the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
