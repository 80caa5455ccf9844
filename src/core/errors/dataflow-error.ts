import { CATALOGUE, type ErrorCode } from './catalogue.ts';

/** Where in a text file something is wrong. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface ErrorDetails {
  readonly place?: Place;
  /** What was kept: "the published version 12 of silver.achats stays as it is". */
  readonly kept?: string;
  /** What to do next; overrides the catalogue's hint. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The end of hints that lead to a place. */
const AT_PLACE = / at the place shown\.$/;

/**
 * The only error that crosses a room's border. The code decides the exit status and whether a retry makes sense
 * (see the catalogue); the message says what happened, in one line, without secrets.
 */
export class DataflowError extends Error {
  readonly code: ErrorCode;
  readonly place: Place | undefined;
  readonly kept: string | undefined;
  readonly hint: string;
  readonly retryable: boolean;
  readonly exit_code: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DataflowError';
    const entry = CATALOGUE[code];
    this.code = code;
    this.place = details.place;
    this.kept = details.kept;
    // Some errors of a query are only met at its rows, and no place is known.
    this.hint = details.hint ?? (details.place === undefined ? entry.hint.replace(AT_PLACE, '.') : entry.hint);
    this.retryable = entry.retryable;
    this.exit_code = entry.exit_code;
  }
}

/** The same error with advice that names what it is about, where the catalogue has to say `NAME`. */
export function withName(error: unknown, name: string): unknown {
  if (!(error instanceof DataflowError) || !/\bNAME\b/.test(error.hint)) return error;
  const { code, message, place, kept, cause } = error;
  return new DataflowError(code, message, {
    hint: error.hint.replaceAll(/\bNAME\b/g, () => name),
    ...(place === undefined ? {} : { place }),
    ...(kept === undefined ? {} : { kept }),
    cause,
  });
}

/** Several problems of one phase, reported together (configuration). */
export class DataflowErrors extends Error {
  readonly errors: readonly DataflowError[];
  constructor(errors: readonly DataflowError[]) {
    super(errors.map((e) => e.message).join('\n'));
    this.name = 'DataflowErrors';
    this.errors = errors;
  }
}
