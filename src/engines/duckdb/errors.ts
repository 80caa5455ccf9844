import type { ErrorCode } from '../../core/errors/catalogue.ts';
import { DataflowError, type Place } from '../../core/errors/dataflow-error.ts';

/** What was being done when the engine failed; decides the code and the place of the error. */
export interface Doing {
  /** The text that the error's position is looked up in, and how many bytes of ours stand before it in the statement. */
  readonly sql?: string;
  readonly bytes_before?: number;
  /** What the files are that are read: data files of the lake (default) or input of a source. */
  readonly reading?: 'lake' | 'source';
}

interface Failure {
  readonly type: string;
  readonly message: string;
  /** Bytes from the start of the statement. */
  readonly position: number | undefined;
  readonly candidates: string | undefined;
}

const SQL_TYPES = /^(Parser|Syntax|Binder|Catalog)$/i;
const VALUE_TYPES = /^(Conversion|Out of Range|Mismatch Type|Not implemented|Constraint|Invalid Input)$/i;
/** After one of these the instance answers nothing any more, to nobody. */
const LOST_TYPES = /^(Internal|Fatal)$/i;
const MESSAGE_CHARS_MAX = 500;

/**
 * The engine's error as one of the catalogue: one line, without a stack. Sessions run with `errors_as_json`, which gives the exact
 * position; the caret of the plain form is useless in long lines, which the engine shortens.
 */
export function engineError(error: unknown, doing: Doing = {}): DataflowError {
  if (error instanceof DataflowError) return error;
  const failure = failureOf(error instanceof Error ? error.message : String(error));
  const { type, message } = failure;
  const fail = (
    code: ErrorCode,
    text: string,
    more: { place?: Place; hint?: string; kept?: string } = {},
  ): DataflowError => new DataflowError(code, text, { ...more, cause: error });
  if (/^interrupt/i.test(type)) return fail('E_ENGINE_INTERRUPTED', 'the engine was interrupted');
  if (/^out of memory$/i.test(type)) return fail('E_ENGINE_MEMORY', `the engine ran out of memory: ${message}`);
  if (/No space left|disk is full/i.test(message)) {
    return fail('E_LAKE_IO', 'no space left on the disk', { kept: 'every published version stays as it is' });
  }
  if (LOST_TYPES.test(type)) return fail('E_ENGINE_LOST', `the engine ended by an error of its own: ${message}`);
  if (/^permission$/i.test(type)) return fail('E_SQL_SANDBOX', message);
  const unreadable = fileFailure(failure, doing, fail);
  if (unreadable !== undefined) return unreadable;
  if (!SQL_TYPES.test(type) && !VALUE_TYPES.test(type)) return fail('E_ENGINE', message);
  const place = SQL_TYPES.test(type) ? placeOf(failure.position, doing) : undefined;
  const near =
    failure.candidates === undefined ? {} : { hint: `Did you mean ${failure.candidates.replaceAll(/, */g, ', ')}?` };
  return fail('E_SQL', message, { ...near, ...(place === undefined ? {} : { place }) });
}

/** Reading or decoding a file failed: the message always names the file. */
function fileFailure(
  { type, message }: Failure,
  doing: Doing,
  fail: (code: ErrorCode, text: string) => DataflowError,
): DataflowError | undefined {
  if (!/^(IO|Invalid Input|Invalid|Serialization)$/i.test(type)) return undefined;
  if (doing.reading === 'source') return fail('E_SOURCE_IO', `an input file cannot be read: ${message}`);
  return /\.parquet/.test(message) ? fail('E_LAKE_CORRUPT', `a data file cannot be read: ${message}`) : undefined;
}

function failureOf(text: string): Failure {
  const start = text.indexOf('{"exception_type"');
  const parsed = start < 0 ? undefined : jsonObject(text.slice(start));
  if (parsed === undefined) {
    const [, type = '', message = text] = /^([\w ]+?) Error: ([\s\S]*)/i.exec(text) ?? [];
    return { type, message: oneLine(message), position: undefined, candidates: undefined };
  }
  const position = Number(parsed['position'] ?? Number.NaN);
  return {
    type: String(parsed['exception_type']),
    message: oneLine(String(parsed['exception_message'] ?? '')),
    position: Number.isSafeInteger(position) ? position : undefined,
    candidates: parsed['candidates'] ? String(parsed['candidates']) : undefined,
  };
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function oneLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').trim().slice(0, MESSAGE_CHARS_MAX);
}

/** Line and column (in characters) of a byte position; undefined when it lies outside the user's text. The caller sets the file. */
function placeOf(position: number | undefined, doing: Doing): Place | undefined {
  if (position === undefined || doing.sql === undefined) return undefined;
  const bytes = Buffer.from(doing.sql, 'utf8');
  const at = position - (doing.bytes_before ?? 0);
  if (at < 0 || at > bytes.length) return undefined;
  const before = bytes.subarray(0, at).toString('utf8').split('\n');
  return { file: '', line: before.length, column: [...(before.at(-1) ?? '')].length + 1 };
}
