import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DataflowError, DataflowErrors } from '../core/errors/dataflow-error.ts';
import { escapeControls, linesOnTerminal } from '../kit/terminal-text.ts';
import type { Format } from './printer.ts';
import { plainStyle, type Style } from './style.ts';
import { toJson } from './table.ts';

export interface ErrorView {
  readonly format: Format;
  /** Places inside this folder are shown relative to it. */
  readonly cwd: string;
  readonly verbose: boolean;
  readonly style?: Style;
  /** Where the lines go, when that is a terminal: they are then made to fit. */
  readonly terminal?: { readonly is_tty: boolean; readonly columns: number | undefined };
  readonly redact?: (text: string) => string;
}

/** One error as `--format json` shows it. */
interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly kept: string | null;
  readonly next: string;
  readonly retryable: boolean;
}

/** The text for stderr, without the final newline: lines for people, one document with `json`, one line an error with `ndjson`. */
export function renderError(error: unknown, view: ErrorView): string {
  const errors = knownErrors(error, view);
  const redact = view.redact ?? ((text: string) => text);
  if (view.format === 'json') return redact(toJson({ errors: errors.map((one) => recordOf(one, view.cwd)) }, 2));
  if (view.format === 'ndjson') return redact(errors.map((one) => toJson(recordOf(one, view.cwd))).join('\n'));
  const blocks = errors.map((one) => linesOf(one, view).join('\n'));
  const count = errors.length > 1 ? [`${errors.length} problems`] : [];
  const stack = view.verbose ? stacksOf(error instanceof DataflowError ? error.cause : error) : [];
  return redact([...blocks, ...count, ...stack].join('\n'));
}

function knownErrors(error: unknown, view: ErrorView): readonly DataflowError[] {
  if (error instanceof DataflowErrors) return error.errors;
  return [error instanceof DataflowError ? error : internalError(error, view)];
}

/** An error that no room expected: one line for people, the stack in a log file. */
function internalError(error: unknown, view: ErrorView): DataflowError {
  const message = error instanceof Error ? error.message : String(error);
  const log = view.verbose ? undefined : writeLog(stacksOf(error).join('\n'), view.redact);
  const where =
    log === undefined ? 'Report it with the command and the message; --verbose shows more.' : `Report it with ${log}.`;
  return new DataflowError('E_INTERNAL', message.split('\n')[0] || 'unknown failure', { hint: where, cause: error });
}

/** @returns the path, or undefined when nothing can be written: the log must never hide the failure itself. */
function writeLog(text: string, redact: ErrorView['redact']): string | undefined {
  try {
    const path = join(mkdtempSync(join(tmpdir(), 'dataflow-')), 'error.log');
    writeFileSync(path, `${redact === undefined ? text : redact(text)}\n`, { mode: 0o600, flag: 'wx' });
    return path;
  } catch {
    return undefined;
  }
}

function linesOf(error: DataflowError, view: ErrorView): readonly string[] {
  const style = view.style ?? plainStyle;
  const mark = `error[${error.code}]`;
  const lines = [`${mark} ${escapeControls(error.message)}`];
  const { file, line, column } = recordOf(error, view.cwd);
  if (error.place !== undefined) {
    const position = [line, column].filter((part) => part !== null);
    lines.push(`  at ${[file === null ? 'SQL' : escapeControls(file), ...position].join(':')}`);
  }
  if (error.kept !== undefined) lines.push(`  kept: ${escapeControls(error.kept)}`);
  lines.push(`  next: ${escapeControls(error.hint)}`);
  // Masked before they are broken: half a secret is not found any more.
  const masked = lines.map((line) => view.redact?.(line) ?? line);
  const fitted = masked.flatMap((line) => linesOnTerminal(line, view.terminal ?? NO_TERMINAL));
  return fitted.map((line, i) => (i === 0 ? line.replace(mark, style.red(mark)) : line));
}

function recordOf(error: DataflowError, cwd: string): ErrorRecord {
  return {
    code: error.code,
    message: error.message,
    // SQL that was typed lies in no file.
    file: error.place === undefined || error.place.file === '' ? null : shownPath(error.place.file, cwd),
    line: error.place?.line ?? null,
    column: error.place?.column ?? null,
    kept: error.kept ?? null,
    next: error.hint,
    retryable: error.retryable,
  };
}

function shownPath(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short === '' || short.startsWith('..') ? file : short;
}

function stacksOf(error: unknown): readonly string[] {
  const stacks: string[] = [];
  for (let one = error; one instanceof Error && stacks.length < CAUSES_MAX; one = one.cause)
    stacks.push(one.stack ?? one.message);
  return stacks.flatMap((stack) => stack.split('\n').map(escapeControls));
}

const CAUSES_MAX = 5;
const NO_TERMINAL = { is_tty: false, columns: undefined };
