import { status } from '@grpc/grpc-js';
import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError, type Place } from '../../core/errors/dataflow-error.ts';
import { type Failure, isBroken, isForgotten, isStopped } from './failures.ts';
import type { SparkError } from './messages.ts';

const MESSAGE_CHARS_MAX = 500;
const OF_THE_SQL = /\b(Parse|Analysis|Spark(Arithmetic|NumberFormat|DateTime|ArrayIndexOutOfBounds))Exception/;
const DENIED = new Set<number>([status.UNAUTHENTICATED, status.PERMISSION_DENIED]);

/** An error with those that led to it. */
export interface ToldError extends SparkError {
  readonly causes: readonly SparkError[];
}

/** States of what a query itself does wrong, or ends with by words of its author. */
const OF_A_QUERY = /^(22|42|0A|P0)/;
/** What `raise_error` says in Spark 3, which gives it no state. */
const RAISED = /\bjava\.lang\.RuntimeException: (?![\w.]*Exception\b)/;

/** What a storage refuses to Spark's tasks, by the names and words of its errors. */
const STORAGE: readonly { readonly says: RegExp; readonly code: ErrorCode; readonly hint: string }[] = [
  {
    says: /QuotaExceeded|quota of \S+ is exceeded|No space left on device|could only be written to 0 of the|OutOfSpace/i,
    code: 'E_LAKE_SPACE',
    hint: 'Make room in the storage of the lake, or raise its quota, then `dataflow retry`.',
  },
  {
    says: /AccessControlException|AccessDenied|Permission denied/,
    code: 'E_FAR_DENIED',
    hint: 'Give the user of the Spark server the rights that the message names, in the lake and in what is read in place, then `dataflow retry`.',
  },
];

/** What was going on when a call failed. */
export interface Circumstances {
  /** `host:port`. */
  readonly place: string;
  /** Whether the server had answered before. */
  readonly met: boolean;
  /** The statement in which Spark's position is looked up. */
  readonly sql?: string | undefined;
  /** What the server keeps about the failure, if it could be asked. */
  readonly details?: ToldError | undefined;
}

/** Spark's error as one of the catalogue: its class and its first line, without a stack. */
export function sparkError(failure: Failure, now: Circumstances, cause: unknown): DataflowError {
  const fail = (code: ErrorCode, message: string, more: { place?: Place | undefined; hint?: string } = {}) => {
    const { place, ...rest } = more;
    return new DataflowError(code, message, { ...rest, ...(place === undefined ? {} : { place }), cause });
  };
  const text = firstLine(now.details?.message ?? failure.message);
  if (DENIED.has(failure.code)) return fail('E_ENGINE_DENIED', `Spark at ${now.place} refuses the sign-in: ${text}`);
  const hint = 'See the log of the Spark Connect server, then run again.';
  if (isStopped(failure)) return fail('E_ENGINE_LOST', `Spark at ${now.place} has ended: ${text}`, { hint });
  if (isForgotten(failure))
    return fail('E_ENGINE_SESSION', `Spark at ${now.place} no longer knows this session: ${text}`);
  // What is no server of Spark's answers in words of its own.
  if (!now.met && (isBroken(failure) || failure.error_class === undefined))
    return fail('E_ENGINE_UNREACHABLE', `no Spark Connect server answers at ${now.place}: ${text}`);
  if (isBroken(failure))
    return fail('E_ENGINE_LOST', `the connection to Spark at ${now.place} broke and did not come back: ${text}`, {
      hint,
    });
  const refused = refusedByStorage(failure, now.details);
  if (refused !== undefined) return fail(refused.code, refused.words, { hint: refused.hint });
  const error_class = now.details?.spark_throwable?.error_class ?? failure.error_class;
  const message = error_class === undefined || text.includes(error_class) ? text : `[${error_class}] ${text}`;
  const code = codeOf(failure, now.details);
  return fail(code, message, code === 'E_SQL' ? { place: placeOf(failure, now) } : {});
}

/** Spark says that a task failed; why stands in what led to it, or in the lines behind the first one. */
function refusedByStorage(
  failure: Failure,
  details: ToldError | undefined,
): { readonly code: ErrorCode; readonly words: string; readonly hint: string } | undefined {
  const errors = details === undefined ? [] : [details, ...details.causes];
  // Words of a query are no words of the storage; the name of an error is never a query's.
  const asked = errors.some(isOfAQuery) || isOfAQuery(failure);
  const told = asked
    ? errors.filter(isOfStorage).map(causeText)
    : [failure.message, details?.message ?? '', ...(details?.causes ?? []).map(causeText)];
  const lines = told.flatMap((text) => text.split('\n')).filter((line) => !RAISED.test(line));
  for (const { says, ...known } of STORAGE) {
    const line = lines.find((one) => says.test(one));
    if (line !== undefined) return { ...known, words: `Spark's tasks are refused by the storage: ${firstLine(line)}` };
  }
  return undefined;
}

function isOfAQuery(error: SparkError | Failure): boolean {
  const { sql_state = '', classes } =
    'java_classes' in error
      ? { sql_state: error.sql_state, classes: error.java_classes }
      : { sql_state: error.spark_throwable?.sql_state, classes: error.error_type_hierarchy ?? [] };
  return OF_A_QUERY.test(sql_state) || OF_THE_SQL.test(classes.join(' '));
}

function isOfStorage({ error_type_hierarchy = [] }: SparkError): boolean {
  return STORAGE.some(({ says }) => says.test(error_type_hierarchy.join(' ')));
}

function causeText({ message = '', error_type_hierarchy = [] }: SparkError): string {
  const [name = ''] = error_type_hierarchy;
  return `${name.slice(name.lastIndexOf('.') + 1)}: ${message}`;
}

function codeOf(failure: Failure, details: SparkError | undefined): ErrorCode {
  const state = details?.spark_throwable?.sql_state ?? failure.sql_state ?? '';
  const classes = [...(details?.error_type_hierarchy ?? []), ...failure.java_classes].join(' ');
  // 22: a value that does not fit; 42: syntax, names, types; 0A: what Spark does not support. Spark 3.5 tells no state.
  if (/^(22|42|0A)/.test(state) || OF_THE_SQL.test(classes)) return 'E_SQL';
  if (state === 'HY008' || /\bOPERATION_CANCELED\b/.test(failure.message)) return 'E_ENGINE_INTERRUPTED';
  return /OutOfMemory/.test(`${classes} ${failure.message}`) ? 'E_ENGINE_MEMORY' : 'E_ENGINE';
}

/** Line and column of the statement; the caller sets the file. */
function placeOf(failure: Failure, { sql, details }: Circumstances): Place | undefined {
  const context = details?.spark_throwable?.query_contexts?.find(({ object_name = '' }) => object_name === '');
  if (sql !== undefined && context?.fragment !== undefined && (context.context_type ?? 0) === 0)
    return placeAt(sql, context.start_index ?? 0);
  const text = details?.message ?? failure.message;
  // Positions count from 0 here, lines from 1.
  const [, line, position] = /\bline (\d+),? pos (\d+)/.exec(text) ?? [];
  return line === undefined ? undefined : { file: '', line: Number(line), column: Number(position) + 1 };
}

function placeAt(sql: string, index: number): Place | undefined {
  if (index < 0 || index > sql.length) return undefined;
  const before = sql.slice(0, index).split('\n');
  return { file: '', line: before.length, column: [...(before.at(-1) ?? '')].length + 1 };
}

/** Spark adds the state, the position and the plan behind what happened; gRPC, what it thinks of name servers. */
function firstLine(message: string): string {
  const [line = ''] = message.trim().split('\n');
  return line
    .replace(/^.*\bLast error: (?:Error: )?(.*?)\.? Resolution note:.*$/, '$1')
    .replace(/;? *line \d+,? pos \d+;?$/, '')
    .replace(/ *SQLSTATE: \w{5}\b.*$/, '')
    .trim()
    .slice(0, MESSAGE_CHARS_MAX);
}
